// SPDX-License-Identifier: BSL-1.0
// What a supervisor is asked and told, on this node or another, of troupe or of Erlang.
#pragma once

#include <troupe/actors/behaviours/supervisor.hpp>
#include <troupe/actors/context.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// Each function asks `sup` (a pid, a name, remote(name, node), a server<supervisor>) and waits for the answer, however
// long that takes, as Erlang's module supervisor does: a supervisor that starts or ends a child answers nobody
// meanwhile. Throws call_failed when there is no answer. Only for the process whose context it is given.
namespace troupe {

/// Whether it was done, or why not.
class child_result {
 public:
  /// ok, or why not.
  explicit child_result(term reason) : reason_(std::move(reason)) {}
  /// It was done.
  explicit operator bool() const noexcept { return reason_.is_atom(atom("ok")); }
  /// The atom ok, or why it was not done: not_found, running, restarting, simple_one_for_one.
  const term& reason() const noexcept { return reason_; }

 private:
  term reason_;
};

/// One child, as which_children shows it.
struct child_info {
  /// What a child is doing.
  enum class state : std::uint8_t {
    running,     ///< `process` is its pid
    restarting,  ///< it has ended, and is to be started again
    undefined    ///< it does not run: ended for good, terminated, ignored
  };
  term id;                               ///< undefined for those of simple_one_for_one
  state what = state::undefined;         ///< what it is doing
  pid process{};                         ///< null unless it runs
  child_type type = child_type::worker;  ///< as its specification says
  term modules{};                        ///< a list of atoms, or the atom dynamic

  /// Has it a process?
  bool running() const noexcept { return what == state::running; }
  friend bool operator==(const child_info&, const child_info&) = default;
};

/// How many children there are.
struct child_counts {
  std::size_t specs = 0;        ///< specifications
  std::size_t active = 0;       ///< children that run
  std::size_t supervisors = 0;  ///< children that are supervisors, whether they run or not
  std::size_t workers = 0;      ///< the same of workers
  friend bool operator==(const child_counts&, const child_counts&) = default;
};

/// Adds a child and starts it. `ignored`: its init did not want it; it stays, without a process, unless temporary. It
/// failed: {already_started, Pid}, already_present, a mistake in the specification, or {Reason, Child}. A supervisor
/// of another node gets {Module, Function, Arguments} of its start, and has to know that module: child_start::named.
/// Erlang: supervisor:start_child/2.
task<start_result> start_child(context& self, destination sup, child_spec spec);
/// Starts a child of a simple_one_for_one supervisor with these arguments for its `later<T>`. Erlang:
/// supervisor:start_child(Sup, [Arguments]).
task<start_result> start_child(context& self, destination sup, std::vector<term> arguments);
/// The same: start_child(self, sup, 8080, std::string("host")). Each becomes a term.
template <class... A>
  requires(sizeof...(A) != 1 || (!std::is_convertible_v<const A&, child_spec> && ...)) &&
          (sizeof...(A) != 1 || (!std::is_convertible_v<const A&, std::vector<term>> && ...))
task<start_result> start_child(context& self, const destination& sup, const A&... arguments) {
  std::vector<term> terms;
  (detail::append_argument(terms, arguments), ...);
  return start_child(self, sup, std::move(terms));
}

/// Ends the child as its specification says; that stays, unless it is temporary. A child of a simple_one_for_one
/// supervisor is named by its pid. Erlang: supervisor:terminate_child/2.
task<child_result> terminate_child(context& self, destination sup, child_id id);
/// Starts a child again that does not run. Erlang: supervisor:restart_child/2.
task<start_result> restart_child(context& self, destination sup, child_id id);
/// Forgets a child that does not run. Erlang: supervisor:delete_child/2.
task<child_result> delete_child(context& self, destination sup, child_id id);

/// All children, the one started last first. Erlang: supervisor:which_children/1.
task<std::vector<child_info>> which_children(context& self, destination sup, detail::duration patience = infinity);
/// Erlang: supervisor:count_children/1.
task<child_counts> count_children(context& self, destination sup);
/// The child's specification; nothing when there is no such child. One from another node can be started there alone.
/// Erlang: supervisor:get_childspec/2.
task<std::optional<child_spec>> get_childspec(context& self, destination sup, child_id id);

/// A supervisor and all below it.
struct supervised {
  term id;                                              ///< its id; of the root: how it was named
  pid process{};                                        ///< null when it does not run
  child_info::state what = child_info::state::running;  ///< what it is doing
  child_type type = child_type::worker;                 ///< what it is
  std::vector<supervised> children{};                   ///< in the order in which they start
};
/// The tree below `sup`. A child that does not answer within `patience` is shown without children.
task<supervised> supervisor_tree(context& self, destination sup, detail::duration patience = default_timeout);
/// The tree as people draw it, a line for each process.
std::string to_string(const supervised& tree);

}  // namespace troupe
