// SPDX-License-Identifier: BSL-1.0
// The engine of a gen_statem: its events in their order, what is postponed, and its timeouts. Internal.
#pragma once

#include <troupe/actors/behaviours/gen_core.hpp>
#include <troupe/actors/clock.hpp>
#include <troupe/mailbox/atom.hpp>
#include <troupe/mailbox/envelope.hpp>
#include <troupe/mailbox/message.hpp>
#include <troupe/mailbox/reference.hpp>
#include <troupe/mailbox/term.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <vector>

namespace troupe {

/// What an event of a state machine is. Erlang: event_type() of gen_statem.
enum class event_type : std::uint8_t {
  call,           ///< somebody waits for an answer
  cast,           ///< sent by context::cast
  info,           ///< any other message
  internal,       ///< by next_event: from the machine itself
  state_timeout,  ///< it has been in one state for so long
  event_timeout,  ///< no event has come for so long
  timeout         ///< a timeout with a name
};

namespace detail {

/// A timeout is running or not, for each of these. `name` is that of a generic timeout.
struct timeout_key {
  event_type type = event_type::timeout;
  atom name;
  friend bool operator==(const timeout_key&, const timeout_key&) = default;
};
struct timeout_key_hash {
  std::size_t operator()(const timeout_key& k) const noexcept {
    return std::hash<atom>()(k.name) ^ static_cast<std::size_t>(k.type);
  }
};

/// What the wheel sends when a timeout's time has come. It waits in the mailbox like any message, as OTP's do.
struct timeout_elapsed {
  using stays_here = void;
  timeout_key key;
  std::uint64_t number;
};

/// An event, to be handled later. A timeout has a name when it is generic.
struct statem_event {
  event_type type = event_type::internal;
  atom name;
  envelope_ptr message;
};

/// What a handler wants done about a timeout, when it has returned.
struct timeout_wish {
  enum class what : std::uint8_t { start, cancel, update };
  timeout_key key;
  what wanted = what::start;
  duration time{};                 // of a start
  std::optional<time_point> at{};  // of an absolute start
  envelope_ptr message{};          // of a start or an update
};

/// Belongs to the machine's process. One event is in hand at a time: its message lies in core.current, and stays there
/// while its handler runs, so that it can be postponed. What the handler asks for is kept, and acts in settle(), when
/// the handler and the enter calls after it have returned: OTP's state transition.
class statem_machine {
 public:
  explicit statem_machine(gen_core& core) noexcept : core_(core) {}

  // --- for handlers --------------------------------------------------------------------------------------------------
  // Each throws usage_error where OTP has no such thing: in an enter call, or in init.

  void postpone();
  /// The event in hand is a call, and `asker` who asks.
  void postpone(envelope_ptr asker);
  void insert(event_type type, any_message message);
  /// A call once more, with another message: `message` is a request without a caller.
  void insert_call(envelope_ptr asker, envelope_ptr message);
  void set(timeout_wish wish) { wishes_.push_back(std::move(wish)); }
  void hibernate() noexcept { hibernate_ = true; }
  void stop(term reason) {
    if (!stop_) stop_ = std::move(reason);
  }

  // --- for the loop --------------------------------------------------------------------------------------------------

  /// Before the first event: runs settle() alone, without an event in hand.
  void begin() noexcept { phase_ = phase::beginning; }
  /// Is there an event that comes before the mailbox?
  bool has_next() const noexcept { return !queue_.empty() || !due_.empty(); }
  /// That event into the hand.
  void take_next();
  /// core.current has come by the mailbox: into the hand. False: it was a timeout that has been cancelled.
  bool take_received();

  event_type type() const noexcept { return type_; }
  const atom& name() const noexcept { return name_; }
  envelope& message() const noexcept { return *core_.current; }
  bool is_postponed() const noexcept { return postpone_; }
  bool is_stopping() const noexcept { return stop_.has_value(); }

  /// The handler has its message by value, so it cannot be handled again.
  void give_away() noexcept { given_away_ = true; }
  /// For a from<>: who asks, apart from the question, which stays in the hand.
  envelope_ptr lend_asker();
  /// The rest, when all enter calls have been made.
  void enter() noexcept { phase_ = phase::entering; }
  bool is_entering() const noexcept { return phase_ == phase::entering; }
  /// No handler takes it: says so, and refuses it when it is a call.
  void unexpected(std::string_view state) noexcept;

  /// Does what the handlers have asked for: postpones or drops the event in hand, retries what was postponed when the
  /// state has `changed`, cancels and starts timeouts, puts inserted events first.
  void settle(bool changed);

  // --- for sys -------------------------------------------------------------------------------------------------------

  /// {Type, Message} of the event in hand; Type as gen_statem has it: {call, From}, cast, {timeout, Name} ...
  term describe() const { return describe(type_, name_, core_.current.get()); }
  /// The tail of get_status: {data, [{"Time-outs", ...}, {"Postponed", ...}]}, {data, [{"State", {State, Data}}]}.
  std::vector<term> status(const term& state_and_data) const;

 private:
  enum class phase : std::uint8_t { beginning, handling, entering };

  struct running {
    std::uint64_t number;  // 0: due at once, and in due_
    reference wheel;       // of the timer that will say so
    envelope_ptr message;
  };
  using timers = boost::unordered::unordered_flat_map<timeout_key, running, timeout_key_hash>;

  /// {Count, [{Type, Message}]}
  term timeouts() const;
  /// [{Type, Message}], newest first.
  term postponed() const;
  static term describe(event_type type, const atom& name, const envelope* message);
  void take(event_type type, atom name, envelope_ptr message) noexcept;
  void refuse_outside_of_a_handler(const char* what) const;
  void cancel(const timeout_key& key);
  void forget(timers::iterator which);
  void act(timeout_wish& wish);

  gen_core& core_;
  std::deque<statem_event> queue_;       // before anything in the mailbox
  std::vector<statem_event> postponed_;  // oldest first
  timers timers_;
  std::vector<timeout_key> due_;  // zero timeouts, oldest first; each is in timers_
  std::uint64_t last_number_ = 0;

  // The event in hand, and what was asked for meanwhile.
  phase phase_ = phase::beginning;
  event_type type_ = event_type::internal;
  atom name_;
  bool given_away_ = false;
  bool lent_ = false;
  bool postpone_ = false;
  bool hibernate_ = false;
  std::vector<statem_event> inserted_;
  std::vector<timeout_wish> wishes_;
  std::optional<term> stop_;
};

}  // namespace detail
}  // namespace troupe
