// SPDX-License-Identifier: BSL-1.0
// The parts of any_message that need no template.
#include <troupe/mailbox/message.hpp>

namespace troupe {

term any_message::to_term() const {
  if (!envelope_) return term();
  return detail::payload_to_term(*envelope_);
}

}  // namespace troupe
