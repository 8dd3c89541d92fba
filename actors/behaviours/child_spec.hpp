// SPDX-License-Identifier: BSL-1.0
// child_spec: what a supervisor knows of a child. Plain data, in C++, as a term and as JSON.
#pragma once

#include <troupe/actors/behaviours/child_start.hpp>
#include <troupe/mailbox/term.hpp>

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace troupe {

/// When a child that has ended is started again.
enum class restart : std::uint8_t {
  permanent,  ///< always
  transient,  ///< when it ended with another reason than normal, shutdown and {shutdown, _}
  temporary   ///< never: then its specification goes, too
};
using enum restart;

/// What a child is: only for those who walk through the tree, and for the time it is given to shut down.
enum class child_type : std::uint8_t {
  worker,     ///< it works
  supervisor  ///< it supervises
};

/// What a supervisor does when a significant child has ended by itself, and is not restarted.
enum class auto_shutdown : std::uint8_t {
  never,            ///< nothing; then no child may be significant
  any_significant,  ///< the first one ends the supervisor
  all_significant   ///< the last one does
};

/// A child's name within its supervisor: any term. Text becomes an atom, so that "counter" is Erlang's counter.
class child_id {
 public:
  /// None; a specification needs one.
  child_id() noexcept = default;
  /// An atom.
  child_id(atom name) : value_(name), given_(true) {}
  /// Text becomes an atom.
  child_id(const char* name) : child_id(atom(std::string_view(name))) {}
  /// Text becomes an atom.
  child_id(std::string_view name) : child_id(atom(name)) {}
  /// Text becomes an atom.
  child_id(const std::string& name) : child_id(atom(std::string_view(name))) {}
  /// A process: how one child of a simple_one_for_one supervisor is named.
  child_id(const pid& process) : value_(process), given_(true) {}
  /// Any term.
  child_id(term value) noexcept : value_(std::move(value)), given_(true) {}
  /// A number.
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  child_id(T number) : value_(number), given_(true) {}

  /// As a term.
  const term& value() const noexcept { return value_; }
  /// Is there one?
  explicit operator bool() const noexcept { return given_; }
  friend bool operator==(const child_id&, const child_id&) = default;

 private:
  term value_;
  bool given_ = false;
};

/// The type of brutal_kill.
struct brutal_kill_tag {};
/// A child's `shutdown`: it is killed, and gets no time to end.
inline constexpr brutal_kill_tag brutal_kill{};

/// How a child is ended by its supervisor: killed, or told to shut down and killed when it has not done so in time.
class child_shutdown {
 public:
  /// At once, by kill.
  child_shutdown(brutal_kill_tag) noexcept : brutal_(true) {}
  /// So long after it was told to; `infinity`: it may take as long as it likes.
  template <class Rep, class Period>
  child_shutdown(std::chrono::duration<Rep, Period> bound)
      : bound_(bound < bound.zero() ? detail::duration(-1) : detail::patience_of(bound)) {}

  /// Is it killed?
  bool is_brutal() const noexcept { return brutal_; }
  /// How long it gets; infinity: no bound.
  detail::duration bound() const noexcept { return bound_; }
  /// brutal_kill, infinity, or milliseconds.
  term to_term() const;
  friend bool operator==(const child_shutdown&, const child_shutdown&) = default;

 private:
  bool brutal_ = false;
  detail::duration bound_{};
};

/// Restarts that wait: the first one for `min`, each further one `factor` times as long, at most `max`; a child that
/// has lived for `max` begins anew. Meanwhile which_children says `restarting`. OTP has nothing of the kind.
struct back_off {
  detail::duration min = std::chrono::milliseconds(100);  ///< the first wait
  detail::duration max = std::chrono::seconds(30);        ///< the longest
  double factor = 2;                                      ///< of each wait to the one before
  friend bool operator==(const back_off&, const back_off&) = default;
};

/// One child of a supervisor: {.id = "counter", .start = child_of<counter>({.name = "counter"}, 0)}. Checked when a
/// supervisor is given it. Erlang: supervisor:child_spec().
struct child_spec {
  child_id id{};                                         ///< which no other child of the supervisor has
  child_start start{};                                   ///< made by child_of
  troupe::restart restart = troupe::restart::permanent;  ///< when it is started again
  std::optional<child_shutdown> shutdown{};              ///< unless set: 5 s for workers, infinity for supervisors
  std::optional<child_type> type{};                      ///< unless set: what `start` starts
  bool significant = false;                              ///< its end may be that of the supervisor: see auto_shutdown
  /// [Module] or the atom dynamic; of no use here, but shown. Unless set: the name of the class that `start` starts.
  std::optional<term> modules{};
  std::optional<troupe::back_off> back_off{};  ///< unless set, restarts do not wait

  /// #{id => _, start => {M, F, A}, restart => _, significant => _, shutdown => _, type => _, modules => _}
  term to_term() const;
};

/// A specification that cannot be used. what() names the child and the value, and says what would be right; from JSON
/// the path.
class child_spec_error : public std::invalid_argument {
 public:
  /// OTP's reason, and the text for people.
  child_spec_error(term reason, const std::string& what);
  /// OTP's: {invalid_restart_type, X}, {duplicate_child_name, Id} ...
  const term& reason() const noexcept { return reason_; }

 private:
  term reason_;
};

/// The specification that Erlang writes so: a map, or {Id, {M, F, A}, Restart, Shutdown, Type, Modules}. M is looked up
/// among the names of register_child_factory, F is not looked at. Throws child_spec_error.
child_spec child_spec_from_term(const term& from);

/// Reads [{"id": "counter", "start": "counter", "arguments": [5], "restart": "transient", "shutdown": 1000, "type":
/// "worker", "significant": false, "modules": ["counter"], "back_off": {"min": 100, "max": 5000, "factor": 2}}]. Only
/// id and start are needed; start is a name of register_child_factory; times are in milliseconds; shutdown may be
/// "brutal_kill" or "infinity". Instead of start there may be "supervisor": what supervisor_init_from_json reads, and a
/// "name" to register that supervisor by. `path` is where in the document the list stands. Throws child_spec_error:
/// `/children/3/restart: expected permanent, transient or temporary, got "always"`.
std::vector<child_spec> child_specs_from_json(const nlohmann::json& from, const std::string& path = "");

namespace detail {

child_type type_of(const child_spec& spec) noexcept;
child_shutdown shutdown_of(const child_spec& spec) noexcept;
term modules_of(const child_spec& spec);
term restart_term(restart r);
term type_term(child_type t);

/// child_spec_from_term with another way to make a start of {M, F, A}; `id` is the child's, for messages.
child_spec spec_from_term(const term& from, child_start (*start)(const term& mfa, const term* id));

/// Throws child_spec_error. Without `rule` it is not known whether there may be significant children.
void check_spec(const child_spec& spec, const std::optional<auto_shutdown>& rule);
void check_specs(const std::vector<child_spec>& specs, const std::optional<auto_shutdown>& rule);

}  // namespace detail
}  // namespace troupe
