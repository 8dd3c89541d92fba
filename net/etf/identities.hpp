// SPDX-License-Identifier: BSL-1.0
// Atoms, pids, references and ports from what a cursor has taken. Internal.
#pragma once

#include <troupe/mailbox/atom.hpp>
#include <troupe/mailbox/pid.hpp>
#include <troupe/mailbox/port.hpp>
#include <troupe/mailbox/reference.hpp>
#include <troupe/net/etf/cursor.hpp>

#include <string_view>

namespace troupe::detail {

/// The atom of this text. Throws what atom(text) throws. Any thread.
atom intern_atom(std::string_view text);

/// These add the node to the table of nodes when it is new there. Throw system_limit. Any thread.
pid make_pid(const etf_identity& id);
reference make_reference(const etf_identity& id);
port make_port(const etf_identity& id);

}  // namespace troupe::detail
