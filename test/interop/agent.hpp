// SPDX-License-Identifier: BSL-1.0
// A process of ours that does what it is told and keeps what it gets: what troupe_otp:agent() is on the other side.
#pragma once

#include "otp.hpp"

#include <deque>
#include <optional>

namespace interop {

struct do_trap {
  bool on;
  using reply = bool;
};
struct do_link {
  pid to;
  using reply = void;
};
struct do_unlink {
  pid to;
  using reply = void;
};
/// As often as `times`, link and unlink; then link, when `last`.
struct do_storm {
  pid to;
  int times;
  bool last;
  using reply = void;
};
struct do_monitor {
  pid to;
  using reply = reference;
};
struct do_monitor_name {
  atom name;
  atom node;
  using reply = reference;
};
struct do_demonitor {
  reference ref;
  using reply = void;
};
struct do_exit {
  pid to;
  term reason;
  using reply = void;
};
struct do_send {
  pid to;
  term message;
  using reply = void;
};
struct do_send_alias {
  reference to;
  term message;
  using reply = void;
};
struct do_make_alias {
  bool once;
  using reply = reference;
};
struct do_drop_alias {
  reference ref;
  using reply = bool;
};
struct do_monitor_node {
  atom node;
  using reply = void;
};
struct do_monitor_nodes {
  bool hidden;
  using reply = void;
};
/// Its next message, as Erlang would have it; waits for one.
struct do_next {
  using reply = term;
};
/// How many there are that nobody asked for.
struct do_count {
  using reply = int;
};
struct do_end {
  term reason;
};

process agent(context& self);

/// What do_next gives for a lost link, a lost monitor.
inline term exit_message(const pid& from, term reason) {
  return term::tuple({"EXIT"_atom, from, std::move(reason)});
}
inline term down_message(const reference& ref, term object, term reason) {
  return term::tuple({"DOWN"_atom, ref, "process"_atom, std::move(object), std::move(reason)});
}

}  // namespace interop
