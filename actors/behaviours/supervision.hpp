// SPDX-License-Identifier: BSL-1.0
// What a supervisor does with its children: those with specifications of their own, and those of simple_one_for_one.
// Internal.
#pragma once

#include <troupe/actors/behaviours/supervisor.hpp>

#include <deque>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace troupe::detail {

/// What is left of a child's restarts that wait. Zero: it is not restarting.
struct attempts {
  std::uint64_t attempt = 0;  // tells the message of this one from those of earlier ones
  duration delay{};           // of the next one
  time_point started{};

  bool restarting() const noexcept { return attempt != 0; }
};

/// One of a supervisor's two ways. Lives in its process. Members that return task<bool> say whether the supervisor has
/// to shut down.
class supervision {
 public:
  static std::unique_ptr<supervision> make(context& self, const supervisor_flags& flags, atom registered);
  supervision(context& self, const supervisor_flags& flags, atom registered)
      : self_(self), flags_(flags), registered_(registered) {}
  virtual ~supervision() = default;
  supervision(const supervision&) = delete;
  supervision& operator=(const supervision&) = delete;

  /// Starts what there is to start; why it cannot, when it cannot.
  virtual task<std::optional<term>> begin(std::vector<child_spec> specs) = 0;
  /// Shuts all children down.
  virtual task<> end() = 0;
  virtual task<bool> ended(pid child, term reason) = 0;
  virtual task<bool> again(try_again what) = 0;

  virtual term which_children() const = 0;
  virtual term count_children() const = 0;
  virtual task<term> start_child(term what) = 0;
  virtual task<term> add(child_spec spec) = 0;
  virtual task<term> terminate_child(term id) = 0;
  virtual task<term> restart_child(term id) = 0;
  virtual term delete_child(const term& id) = 0;
  virtual const child_spec* find(const term& id) const = 0;

  /// OTP's #state{}, for its tools.
  term state(atom module) const;

 protected:
  /// {Ids, #{Id => #child{}}}
  virtual term children_state() const = 0;
  virtual term dynamics_state() const = 0;

  /// Starts a process; exceptions are failed starts.
  task<start_result> run(child_start start, std::vector<term> later_arguments);
  /// Ends the process as the specification says; why it ended, when not as it should.
  task<std::optional<term>> shut_down(pid child, const child_spec& spec);
  /// Did it end as it should, when told to?
  static bool ended_well(const term& reason, const child_spec& spec);

  /// One more restart; false when that is too many.
  bool add_restart();
  /// Marks the child as restarting, and sees to it that the next attempt comes: at once, or when it is due.
  void schedule(attempts& a, const child_spec& spec, const term& id, const pid& last);
  void note_start(attempts& a) const noexcept;
  void note_end(attempts& a, const child_spec& spec) const noexcept;

  bool reports() const noexcept;
  void report(std::string_view context, const term& reason, const term& offender) const noexcept;
  static std::vector<term> offender(const child_spec& spec);
  static term child_record(const child_spec& spec, const term& process);

  context& self_;
  const supervisor_flags flags_;
  const atom registered_;
  std::deque<time_point> restarts_;  // within the period, oldest first
  std::uint64_t last_attempt_ = 0;
};

std::unique_ptr<supervision> make_static_children(context& self, const supervisor_flags& flags, atom registered);
std::unique_ptr<supervision> make_dynamic_children(context& self, const supervisor_flags& flags, atom registered);

/// {error, Reason}, {ok, Pid}.
term error_of(const term& reason);
term ok_with(const term& what);
/// normal, shutdown, {shutdown, _}
bool is_good_order(const term& reason);

}  // namespace troupe::detail
