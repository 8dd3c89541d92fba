// SPDX-License-Identifier: BSL-1.0
// pair(a, b): the tuple {a, b}, which most answers of OTP's behaviours are.
#pragma once

#include <troupe/mailbox/term.hpp>

namespace troupe::detail {

/// {a, b}
inline term pair(const term& a, const term& b) {
  return term::tuple({a, b});
}

}  // namespace troupe::detail
