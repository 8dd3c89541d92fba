// SPDX-License-Identifier: BSL-1.0
// What the behaviours of classes have in common: the object, from the arguments of its start to its terminate.
// Internal.
#pragma once

#include <troupe/actors/behaviours/gen_core.hpp>
#include <troupe/actors/process.hpp>
#include <troupe/mailbox/type_name.hpp>

#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace troupe::detail {

template <class C>
concept has_handles = requires { typename C::handles; };

/// Calls what may give nothing or a task<>; the task is left in `todo`.
template <class F>
void call_or_keep(step& todo, F&& f) {
  using given = std::invoke_result_t<F>;
  static_assert(std::is_void_v<given> || std::is_same_v<given, task<>>, "this method returns void or task<>");
  if constexpr (std::is_void_v<given>)
    f();
  else
    todo = f();
}

/// The arguments until the process runs, then an object of class C made from them, whose optional methods are found
/// here.
template <class C, class... Args>
class object_behaviour : public behaviour {
 public:
  template <class... A>
  explicit object_behaviour(std::in_place_t, A&&... args) : arguments_(std::in_place, std::forward<A>(args)...) {}

  step terminate(gen_core&, const term& reason) override {
    step todo;
    if constexpr (requires(C& c) { c.terminate(reason); })
      call_or_keep(todo, [&] { return object_->terminate(reason); });
    return todo;
  }
  void hibernate() override {
    if constexpr (requires(C& c) { c.hibernating(); }) object_->hibernating();
  }
  std::string_view name() const noexcept override { return type_name<C>(); }

 protected:
  void make_object(gen_core& core) {
    const gen_core::maker making(core);
    std::apply([&](Args&... args) { object_.emplace(std::move(args)...); }, *arguments_);
    arguments_.reset();
  }
  /// The class's code_change, if there is one, which gives nothing or a task<>.
  step change_code(const term& old_version, const term& extra) {
    step todo;
    if constexpr (requires(C& c) { c.code_change(old_version, extra); })
      call_or_keep(todo, [&] { return object_->code_change(old_version, extra); });
    return todo;
  }
  C& object() noexcept { return *object_; }
  const C& object() const noexcept { return *object_; }

 private:
  std::optional<std::tuple<Args...>> arguments_;
  std::optional<C> object_;
};

/// A Behaviour<C, Args...> with copies of these arguments.
template <class C, template <class...> class Behaviour, class... Args>
behaviour_ptr make_behaviour(Args&&... args) {
  static_assert(std::is_constructible_v<C, std::decay_t<Args>...>,
                "no constructor of this class takes these arguments (by value)");
  (check_argument<Args>(), ...);
  return behaviour_ptr(new Behaviour<C, std::decay_t<Args>...>(std::in_place, std::forward<Args>(args)...));
}

}  // namespace troupe::detail
