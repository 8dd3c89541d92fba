// SPDX-License-Identifier: BSL-1.0
// What all behaviours share: how their processes begin, wait, answer system messages, and end. Internal; Erlang's gen,
// proc_lib and sys.
#pragma once

#include <troupe/actors/behaviours/start.hpp>
#include <troupe/actors/context.hpp>
#include <troupe/actors/receive.hpp>
#include <troupe/mailbox/allocate.hpp>
#include <troupe/mailbox/envelope.hpp>
#include <troupe/mailbox/term.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

struct ignore_start {};
/// What an init returns when the process is not wanted: it ends normally, and its start gives `ignored`. Erlang:
/// ignore.
inline constexpr ignore_start ignore{};

/// What an init returns when it cannot be done: the process ends with the reason, of which those linked with it hear.
/// Erlang: {stop, Reason}.
struct init_stop {
  term reason;
};
/// The same without a noise: the process ends normally. Erlang (OTP 26): {error, Reason}.
struct init_error {
  term reason;
};

/// What an init gives: nothing (`return {}`) when all is well, `ignore`, init_stop{reason} or init_error{reason}.
/// Erlang: the return values of init/1.
class init_result {
 public:
  enum class kind : std::uint8_t { ok, ignored, stop, error };

  init_result() = default;
  init_result(ignore_start) noexcept : kind_(kind::ignored) {}
  init_result(init_stop s) : kind_(kind::stop), reason_(std::move(s.reason)) {}
  init_result(init_error e) : kind_(kind::error), reason_(std::move(e.reason)) {}

  kind what() const noexcept { return kind_; }
  const term& reason() const noexcept { return reason_; }

 private:
  kind kind_ = kind::ok;
  term reason_;
};

namespace detail {

class gen_core;
struct sys_debug;

/// Something done at once, or a task that is to be awaited.
using step = std::optional<task<>>;

/// What the one process of a behaviour does. Made by whoever starts it, then touched by its process alone; an exception
/// out of any of these ends it, by way of terminate.
class behaviour : public pooled {
 public:
  virtual ~behaviour() = default;

  virtual task<init_result> init(gen_core& core) = 0;
  /// A message that is not the machinery's. It lies in core.current, and stays there unless it is taken.
  virtual step handle(gen_core& core) = 0;
  /// Nothing came for patience().
  virtual step timed_out(gen_core& core) = 0;
  /// Before it ends; not when it is killed.
  virtual step terminate(gen_core& core, const term& reason) = 0;

  /// How long to wait for the next message; asked before each wait.
  virtual duration patience() { return for_ever; }
  /// Something to do before the next message; true when there was.
  virtual bool has_next() const { return false; }
  virtual step next(gen_core&) { return {}; }
  /// Gives back memory.
  virtual void hibernate() {}

  // For sys.
  virtual term state() = 0;
  /// False: it has no way to take that.
  virtual bool set_state(const term&) { return false; }
  /// {data, [{"State", State}]} and its like: the tail of get_status.
  virtual std::vector<term> status();
  virtual step code_change(const term& old_version, const term& extra);

  /// "gen_server", and the class's own name.
  virtual const char* kind() const noexcept = 0;
  virtual std::string_view name() const noexcept = 0;
  /// The words in get_status: "Status for generic server".
  virtual const char* header() const noexcept = 0;
};

/// The process of a behaviour, as its parts see it. Lies in its frame.
class gen_core {
 public:
  gen_core(context& s, behaviour& b, troupe::pid parent_, term ancestors_, const start_options& options);
  ~gen_core();
  gen_core(const gen_core&) = delete;
  gen_core& operator=(const gen_core&) = delete;

  context& self;
  behaviour& body;
  const troupe::pid parent;  // self when it was not started with a link
  const term ancestors;      // a list, nearest first: names or pids. proc_lib's $ancestors
  const atom registered;
  const duration hibernate_after;
  envelope_ptr current;  // the message that is being handled

  /// It ends after the handler that runs.
  void stop(term reason) {
    if (!stop_) stop_ = std::move(reason);
  }
  const std::optional<term>& stopped() const noexcept { return stop_; }
  void hibernate() noexcept { hibernate_ = true; }

  /// Answers the request, at once; when the process is about to stop, after terminate, as OTP does. `answer` may be
  /// null: ok.
  void answer(envelope_ptr request, envelope* reply) noexcept;

  /// Does the process look at this message now?
  bool takes(const envelope& e) const noexcept;
  bool is_suspended() const noexcept { return suspended_; }
  bool is_parents_exit(const envelope& e) const noexcept;

  /// Acts on current, which is a system request.
  step system_message();

  // For sys:trace and its like. One branch while nobody looks.
  void note_in() {
    if (debug_) [[unlikely]]
      note_message();
  }
  void note(term event);
  bool is_watched() const noexcept { return debug_ != nullptr; }

  /// "gen_server counter <0.5.0>".
  std::string describe() const;

  /// The core of the behaviour whose object this thread is making, null otherwise.
  static gen_core* making() noexcept;
  class maker {
   public:
    explicit maker(gen_core& core) noexcept;
    ~maker();
    maker(const maker&) = delete;
    maker& operator=(const maker&) = delete;

   private:
    gen_core* before_;
  };

 private:
  friend process run_behaviour(context& self, behaviour_ptr b, troupe::pid parent, term ancestors,
                               start_options options);

  void note_message();
  void answer_held() noexcept;
  void leave_ancestors() const noexcept;
  term system_answer(const term& request, const term*& failure);
  term debug_request(const term& what);
  term status() const;
  task<> change_code(envelope_ptr request, term old_version, term extra);

  std::optional<term> stop_;
  bool suspended_ = false;
  bool hibernate_ = false;
  envelope_ptr held_request_;
  envelope* held_reply_ = nullptr;
  std::unique_ptr<sys_debug> debug_;
};

/// The body of every behaviour's process.
process run_behaviour(context& self, behaviour_ptr b, troupe::pid parent, term ancestors, start_options options);

/// A state that sys:replace_state of C++ is to change; only on this node.
struct replace_state_order {
  using stays_here = void;
  std::function<term(const term&)> change;
};

}  // namespace detail
}  // namespace troupe
