// SPDX-License-Identifier: BSL-1.0
// actors: what scripts can start and say: factories of processes, behaviours and applications, and messages.
#pragma once

#include <troupe/actors/behaviours/application.hpp>
#include <troupe/actors/context.hpp>
#include <troupe/mailbox/json.hpp>
#include <troupe/net/node.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace troupe::script {

/// A type of messages that scripts write as JSON: {"increment": {"by": 3}}, "reset".
struct message_type {
  std::string name;                                               ///< its tag: the key in JSON
  std::vector<std::string> members;                               ///< their names in JSON
  bool members_known = false;                                     ///< false: a description renames them, or it has none
  bool has_reply = false;                                         ///< it says what a call of it gives
  term (*to_term)(const nlohmann::json& whole) = nullptr;         ///< throws decode_error
  nlohmann::json (*to_json)(const term& whole) = nullptr;         ///< throws decode_error
  nlohmann::json (*reply_to_json)(const term& answer) = nullptr;  ///< throws decode_error
};

/// Something that a script can start by its name.
struct factory {
  std::string name;                           ///< what scripts call it
  std::string summary;                        ///< one line, for people
  std::vector<std::string> parameters;        ///< the types of its arguments, for people
  std::vector<const message_type*> messages;  ///< what it takes
  /// The arguments, checked. Throws decode_error.
  std::function<std::vector<term>(const nlohmann::json& arguments)> decode;
  /// Of a process: makes its coroutine. Null for others.
  std::function<process(context&, const std::vector<term>&)> start;
  /// Of a behaviour: starts it, linked or not.
  task<start_result> (*begin)(context& self, std::vector<term> arguments, std::string name, bool link) = nullptr;
};

namespace machinery {

template <class T>
message_type message_type_of() {
  message_type m;
  m.name = std::string(descriptor_of<T>.name);
  if constexpr (
      reflectable<T> && !requires { troupe::description<T>::members; } && !requires { troupe::description<T>::as; }) {
    m.members_known = true;
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (m.members.emplace_back(troupe::member_name<T, I>()), ...);
    }(std::make_index_sequence<member_count<T>>());
  }
  m.to_term = [](const nlohmann::json& whole) { return troupe::to_term(from_json<T>(whole)); };
  m.to_json = [](const term& whole) { return nlohmann::json(troupe::to_json(from_term<T>(whole))); };
  if constexpr (requires { typename T::reply; }) {
    using reply = typename T::reply;
    m.has_reply = true;
    if constexpr (std::is_void_v<reply>)
      m.reply_to_json = [](const term&) { return nlohmann::json(); };
    else
      m.reply_to_json = [](const term& answer) { return nlohmann::json(troupe::to_json(from_term<reply>(answer))); };
  }
  return m;
}

/// The elements of a JSON array as the types that a function takes, and these as terms.
template <class... A>
std::vector<term> arguments_of(const nlohmann::json& array) {
  std::vector<term> terms;
  std::size_t i = 0;
  [[maybe_unused]] const auto one = [&]<class T>(std::type_identity<T>) {
    if constexpr (std::is_same_v<T, bool> || !std::is_class_v<T> || !std::is_aggregate_v<T>) {
      terms.push_back(troupe::detail::result_term(from_json<T>(array.at(i++))));
    } else {
      terms.push_back(troupe::to_term(from_json<T>(array.at(i++))));
    }
  };
  (one(std::type_identity<A>{}), ...);
  return terms;
}

/// What an argument of that type is called in JSON; a struct by its own name.
template <class T>
std::string word_for() {
  if constexpr (std::is_same_v<T, bool>)
    return "boolean";
  else if constexpr (std::is_integral_v<T>)
    return "integer";
  else if constexpr (std::is_floating_point_v<T>)
    return "number";
  else if constexpr (std::is_same_v<T, std::string>)
    return "text";
  else
    return std::string(qualified_type_name<T>());
}

template <class... A>
factory make_factory(std::string name) {
  factory f;
  f.name = std::move(name);
  (f.parameters.push_back(word_for<A>()), ...);
  f.decode = [](const nlohmann::json& arguments) { return arguments_of<A...>(arguments); };
  return f;
}
template <class... A>
factory make_factory_of(std::string name, std::tuple<A...>*) {
  return make_factory<A...>(std::move(name));
}

template <class C, class... Args>
task<start_result> begin_behaviour(context& self, std::vector<term> given, std::string name, bool link) {
  std::tuple<Args...> arguments =
      troupe::detail::decode_arguments<std::tuple<Args...>>(given, std::index_sequence_for<Args...>{});
  start_options options;
  if (!name.empty()) options.name = name;
  auto starting = std::apply(
      [&](auto&... a) {
        return link ? self.try_start_link<C>(options, std::move(a)...) : self.try_start<C>(options, std::move(a)...);
      },
      arguments);
  start_result made = co_await std::move(starting);
  co_return made;
}

}  // namespace machinery

/// A factory that has been added, to say more about it.
class added {
 public:
  /// The machinery's.
  added(class actors& all, factory& f) noexcept : all_(all), factory_(f) {}
  /// The messages that it takes; what it sends belongs to actors::messages.
  template <class... T>
  added& takes();
  /// One line about it, for `--actors`.
  added& about(std::string summary) {
    factory_.summary = std::move(summary);
    return *this;
  }

 private:
  class actors& all_;
  factory& factory_;
};

/// What a program's scripts may start and say.
///
///     void my_actors(troupe::script::actors& a) {
///       a.add("counter", counter).takes<increment, get>().about("counts; [start]");
///       a.add<account, std::int64_t>("account").takes<balance>();  // a behaviour: what its constructor takes
///       a.messages<heard>();                                       // what comes to the script
///       a.add(shop_application());
///     }
///     int main(int argc, char** argv) { return troupe::script::main(argc, argv, my_actors); }
///
/// Filled once, then only read. The same in each of the program's OS processes.
class actors {
 public:
  /// Knows the messages of the runtime: down, exit_signal, nodeup, nodedown.
  actors();

  /// A process: `process f(context&, arguments...)`.
  template <class F>
  added add(std::string name, F f) {
    using traits = troupe::detail::callable<std::decay_t<F>>;
    using arguments = typename troupe::detail::decayed<
        typename troupe::detail::takes_context<typename traits::parameters>::rest>::type;
    static_assert(std::is_same_v<typename traits::result, process>, "a process: process f(context&, arguments...)");
    factory& made = keep(machinery::make_factory_of(std::move(name), static_cast<arguments*>(nullptr)));
    made.start = troupe::detail::make_exported(std::move(f)).start;
    return added(*this, made);
  }
  /// A behaviour: a gen_server, gen_statem, supervisor ... whose constructor takes Args.
  template <class C, class... Args>
    requires troupe::detail::startable<C>
  added add(std::string name) {
    factory& made = keep(machinery::make_factory<Args...>(std::move(name)));
    made.begin = &machinery::begin_behaviour<C, Args...>;
    return added(*this, made);
  }
  /// An application, which scripts start by its name.
  void add(application app) { applications_.push_back(std::move(app)); }
  /// Messages that nobody's `takes` has named.
  template <class... T>
  void messages() {
    (keep_message(machinery::message_type_of<T>()), ...);
  }

  /// All of them.
  const std::deque<factory>& factories() const noexcept { return factories_; }
  /// Those of that name; two types may have one.
  std::vector<const message_type*> find_messages(std::string_view name) const;
  /// Null when there is none.
  const factory* find(std::string_view name) const;
  /// Null when there is none.
  const application* find_application(std::string_view name) const;
  /// The names of all factories, for suggestions.
  std::vector<std::string> factory_names() const;
  /// Those of all messages.
  std::vector<std::string> message_names() const;
  /// Those of all applications.
  std::vector<std::string> application_names() const;
  /// What `--actors` prints.
  std::string to_string() const;

  /// Lets a director on another node start them here, as script:NAME and by script:begin. Keeps a reference to this.
  void export_to(node& here) const;

 private:
  friend class added;
  factory& keep(factory f);
  const message_type* keep_message(message_type m);

  std::deque<factory> factories_;
  std::deque<message_type> messages_;
  std::deque<application> applications_;
};

template <class... T>
added& added::takes() {
  (factory_.messages.push_back(all_.keep_message(machinery::message_type_of<T>())), ...);
  return *this;
}

/// Starts a factory's process or behaviour on this node, with that name when it is not empty. Throws
/// registration_error, decode_error, start_failed.
task<pid> begin_here(context& self, const actors& all, std::string factory, std::string name,
                     std::vector<term> arguments);
/// Starts an application on this node, and the application controller first when there is none: its root supervisor.
task<pid> begin_application(context& self, const actors& all, std::string name);

/// What a bug in native code does: the OS process ends by SIGSEGV; in a simulation the node crashes. Never returns.
task<> segfault(context& self);

namespace machinery {
/// Spawns the process of a factory that has `start`.
spawned spawn_factory(context& self, const factory& what, const spawn_options& options, std::vector<term> arguments);
/// Set in a simulation: crashes the node of that name, and gives true.
extern std::function<bool(atom node)> crash_node;
}  // namespace machinery

}  // namespace troupe::script
