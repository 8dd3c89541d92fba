// SPDX-License-Identifier: BSL-1.0
// Exit reasons both ways: troupe's terms and CAF's errors.
#pragma once

#include <troupe/actors/caf/inspect.hpp>
#include <troupe/mailbox/term.hpp>

#include <caf/actor_system_config.hpp>
#include <caf/atom.hpp>
#include <caf/error.hpp>

#include <string>

namespace troupe::bridge {

/// The category of CAF errors that stand for an exit reason of troupe's which CAF has no word for. Its context is the
/// reason, one troupe::term.
inline constexpr caf::atom_value error_category = caf::atom("troupe");

/// The CAF error for the exit reason of a process, as `down_msg` and `exit_msg` carry it: normal is
/// exit_reason::normal, which is no error; killed and kill are exit_reason::kill, shutdown user_shutdown, noconnection
/// remote_link_unreachable, noproc unknown; {caf, Category, Code, Text} is that error of CAF's; any other term is an
/// error of error_category. {shutdown, _} is such a one. Any thread.
caf::error to_error(const term& reason);

/// The same for a request that was not answered, whose error must be one: noproc, no_reply and normal are
/// sec::request_receiver_down, timeout is sec::request_timeout.
caf::error to_request_error(const term& reason);

/// The exit reason for CAF's error: the other way of to_error. sec::request_receiver_down is noproc, and
/// sec::request_timeout the atom timeout; what has no word in Erlang is {caf, Category, Code, Text}, Text a binary that
/// says what the code means. Any thread.
term to_reason(const caf::error& reason);

/// The text of an error of error_category, for the `render` of CAF. Any thread.
std::string render_error(std::uint8_t code, caf::atom_value category, const caf::message& context);

}  // namespace troupe::bridge
