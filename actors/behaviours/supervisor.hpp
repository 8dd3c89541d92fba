// SPDX-License-Identifier: BSL-1.0
// supervisor: a process that starts others, watches them, and starts them again when they end.
#pragma once

#include <troupe/actors/behaviours/child_spec.hpp>
#include <troupe/actors/behaviours/gen_server.hpp>

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace troupe {

/// Which children are started again when one has ended.
enum class strategy : std::uint8_t {
  one_for_one,        ///< that one
  one_for_all,        ///< all: the others are shut down first
  rest_for_one,       ///< that one, and those that were started after it
  simple_one_for_one  ///< that one; all children are of one kind, started by start_child, any number of them
};
using enum strategy;

/// How a supervisor acts. Erlang: supervisor:sup_flags().
struct supervisor_flags {
  /// Which children are restarted.
  troupe::strategy strategy = troupe::strategy::one_for_one;
  /// How many restarts within `period` are borne; one more, and the supervisor gives up: it ends with the reason
  /// shutdown, and its own supervisor has to decide. 0: the first one is too many.
  std::int64_t intensity = 1;
  /// Restarts older than this are forgotten.
  detail::duration period = std::chrono::seconds(5);
  /// Whether it ends by itself after its significant children.
  troupe::auto_shutdown auto_shutdown = troupe::auto_shutdown::never;
};

/// What the init of a supervisor's class gives: flags and children, or `ignore`.
struct supervisor_init {
  /// These children, started in this order.
  supervisor_init(supervisor_flags f, std::vector<child_spec> c) : flags(f), children(std::move(c)) {}
  /// Ignored.
  supervisor_init(ignore_start) : is_ignored(true) {}

  supervisor_flags flags{};            ///< how it acts
  std::vector<child_spec> children{};  ///< whom it supervises
  bool is_ignored = false;             ///< it is not wanted
};

/// What is wrong with specifications.
struct check_result {
  term reason;       ///< the atom ok, or OTP's reason: {duplicate_child_name, Id} ...
  std::string text;  ///< for people: names the child and the value
  /// Nothing is wrong.
  explicit operator bool() const noexcept { return reason.is_atom(atom("ok")); }
};

namespace detail {

class supervision;

/// start_child with what only this node understands.
struct add_child {
  child_spec spec;
  using stays_here = void;
  using reply = term;
};

struct found_spec {
  std::optional<child_spec> spec;
  using stays_here = void;
};
/// get_childspec, for C++.
struct find_spec {
  term id;
  using stays_here = void;
  using reply = found_spec;
};

/// A restart that has failed, or waits, is due. Goes by the mailbox, so that other messages have their turn.
struct try_again {
  term id;   // of a child with a specification
  pid last;  // of a dynamic one: its last process
  std::uint64_t attempt;
  using stays_here = void;
};

}  // namespace detail

/// A process that starts children, watches them, starts them again, and ends them in reverse order. From a list:
///
///     std::vector<child_spec> children{{.id = "counter", .start = child_of<counter>({.name = "counter"}, 0)}};
///     auto sup = co_await self.start_link<supervisor>({.name = "sup"}, supervisor_flags{.intensity = 3}, children);
///
/// or as a class, whose init says what there is to supervise. It is made from the start's arguments in its own process,
/// and adds nothing else:
///
///     class shop : public supervisor {
///      public:
///       explicit shop(int counters) : counters_(counters) {}
///       supervisor_init init();     // or task<supervisor_init>; may return ignore; may throw
///     };
///
/// Children start in order; when one cannot be started those before it are shut down again, and the start fails with
/// {shutdown, {failed_to_start_child, Id, Reason}}. Bad flags and specifications fail it with {supervisor_data, _} and
/// {start_spec, _}. It traps exits. Its children are asked for, added and removed by the functions of
/// supervisor_calls.hpp, and by those of Erlang's module supervisor. Erlang: supervisor.
class supervisor : public gen_server {
 public:
  /// How context::start makes a process of it.
  struct starter;

  /// For classes with an init of their own.
  supervisor();
  /// Supervises these.
  explicit supervisor(supervisor_flags flags, std::vector<child_spec> children = {});
  ~supervisor();

  /// Flags and children; a class of its own hides this with its own.
  supervisor_init init() { return {flags_, std::move(children_)}; }

  /// Can a supervisor be given these? Looks for the mistakes that a start would fail by. Without `rule` significant
  /// children are welcome. Erlang: supervisor:check_childspecs/1,2.
  static check_result check(const std::vector<child_spec>& specs, std::optional<auto_shutdown> rule = {});

  /// The machinery's, as all that follows: starts the children.
  task<init_result> supervise(supervisor_init given);
  /// The same of an init that is a task.
  task<init_result> supervise(task<supervisor_init> given);
  /// Shuts the children down.
  task<> terminate(const term& reason);
  /// OTP's #state{}.
  term state() const;
  /// The requests of Erlang's module supervisor.
  task<> answer(term request, from<term> who);
  /// start_child of C++.
  task<term> add(detail::add_child request);
  /// get_childspec of C++.
  detail::found_spec find(const detail::find_spec& request);
  /// A child may have ended.
  task<> child_ended(exit_signal signal);
  /// A restart is due.
  task<> again(detail::try_again message);
  /// Logs what nobody understands.
  void other(const any_message& message);

  /// What it answers to.
  using handles = handlers<call<&supervisor::add>, call<&supervisor::find>, call<&supervisor::answer>,
                           info<&supervisor::child_ended>, info<&supervisor::again>, info<&supervisor::other>>;

 private:
  supervisor_flags flags_;
  std::vector<child_spec> children_;
  atom registered_;
  std::unique_ptr<detail::supervision> supervision_;
};

/// Checks what makes a class a supervisor's.
struct supervisor::starter : gen_server::starter {
  /// The machinery's.
  template <class C, class... Args>
  static detail::behaviour_ptr make(Args&&... args) {
    static_assert(
        requires(C& c) { c.supervise(c.init()); },
        "the init of a supervisor's class is public and returns supervisor_init or task<supervisor_init>");
    static_assert(std::is_same_v<typename C::handles, supervisor::handles> &&
                      std::is_same_v<decltype(&C::terminate), task<> (supervisor::*)(const term&)>,
                  "a supervisor's class adds an init and nothing else: work is done by the children");
    return gen_server::starter::make<C>(std::forward<Args>(args)...);
  }
};

/// Reads {"strategy": "one_for_one", "intensity": 1, "period": 5000, "auto_shutdown": "never", "children": [...]}: all
/// but the children may be left out, the period is in milliseconds, child_specs_from_json reads the children. `path` is
/// where in the document it stands. Throws child_spec_error.
supervisor_init supervisor_init_from_json(const nlohmann::json& from, const std::string& path = "");

}  // namespace troupe
