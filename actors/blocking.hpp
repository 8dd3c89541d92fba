// SPDX-License-Identifier: BSL-1.0
// The awaitable of context::blocking: work that runs off the workers. Internal.
#pragma once

#include <troupe/actors/awaitable.hpp>
#include <troupe/actors/blocking_pool.hpp>
#include <troupe/actors/slot.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <type_traits>
#include <utility>

namespace troupe::detail {

/// Hands the work to the pool; the slot remembers that it is out.
void start_blocking(slot& s, std::shared_ptr<job> work);
/// Is the slot's blocking work still out?
bool is_blocking(const slot& s) noexcept;
/// Tells the owner that f has returned. Called by the pool's thread as its last act on the job.
void blocking_finished(runtime& rt, const pid& owner) noexcept;

template <class F>
struct blocking_result {
  using type = std::invoke_result_t<F&>;
};
template <class F>
  requires std::is_invocable_v<F&, std::stop_token>
struct blocking_result<F> {
  using type = std::invoke_result_t<F&, std::stop_token>;
};

/// Holds f and its result, so that the pool's thread never touches a frame (but through what f itself captures: the
/// frame stays until f has returned).
template <class F>
class blocking_job final : public job {
 public:
  using result = typename blocking_result<F>::type;
  using stored = std::conditional_t<std::is_void_v<result>, bool, result>;

  blocking_job(runtime& rt, const pid& owner, F f) : rt_(rt), owner_(owner), f_(std::move(f)) {}

  void run(std::stop_token stop) noexcept override {
    try {
      const auto call = [&]() -> result {
        if constexpr (std::is_invocable_v<F&, std::stop_token>)
          return (*f_)(std::move(stop));
        else
          return (*f_)();
      };
      if constexpr (std::is_void_v<result>)
        call();
      else
        value_.emplace(call());
    } catch (...) {
      error_ = std::current_exception();
    }
    f_.reset();  // here, before the owner goes on: what it captured may refer to the owner's frame
    blocking_finished(rt_, owner_);
  }

  result take() {
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
    if constexpr (!std::is_void_v<result>) return std::move(*value_);
  }

 private:
  runtime& rt_;
  pid owner_;
  std::optional<F> f_;
  std::optional<stored> value_;
  std::exception_ptr error_;
};

template <class F>
class blocking_awaiter final : public awaitable_base, private waiter {
 public:
  blocking_awaiter(slot& s, F f) : slot_(s), job_(std::make_shared<blocking_job<F>>(*s.rt, s.self(), std::move(f))) {
    static constexpr functions mine = {.poll = [](waiter&, slot& owner) { return !is_blocking(owner); },
                                       .expire = [](waiter&, slot&) { return false; },
                                       .describe = [](const waiter&) { return std::string("blocking"); }};
    waiter::how = &mine;
  }
  blocking_awaiter(const blocking_awaiter&) = delete;
  blocking_awaiter& operator=(const blocking_awaiter&) = delete;

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> h) {
    start_blocking(slot_, job_);
    slot_.suspend(*this, h);
  }
  auto await_resume() { return job_->take(); }

 private:
  slot& slot_;
  std::shared_ptr<blocking_job<F>> job_;
};

}  // namespace troupe::detail
