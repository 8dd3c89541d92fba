// SPDX-License-Identifier: BSL-1.0
#include <troupe/net/tool/actors.hpp>

#include <troupe/actors/exit.hpp>
#include <troupe/net/distribution.hpp>
#include <troupe/net/remote.hpp>

#include <algorithm>
#include <memory>
#include <stdexcept>

namespace troupe::script {

namespace machinery {

std::function<bool(atom node)> crash_node;

namespace {

/// What spawns a factory's process: keeps the factory's code alive with it.
struct starter {
  const factory* what;
  process operator()(context& self, std::vector<term> arguments) const { return what->start(self, arguments); }
};

}  // namespace

spawned spawn_factory(context& self, const factory& what, const spawn_options& options, std::vector<term> arguments) {
  return self.spawn(options, starter{&what}, std::move(arguments));
}

}  // namespace machinery

actors::actors() {
  messages<down, exit_signal, nodeup, nodedown>();
}

factory& actors::keep(factory f) {
  if (find(f.name) != nullptr) throw std::logic_error("two factories for scripts are called '" + f.name + "'");
  return factories_.emplace_back(std::move(f));
}

const message_type* actors::keep_message(message_type m) {
  for (const message_type& other : messages_)
    if (other.name == m.name && other.to_term == m.to_term) return &other;
  return &messages_.emplace_back(std::move(m));
}

std::vector<const message_type*> actors::find_messages(std::string_view name) const {
  std::vector<const message_type*> found;
  for (const message_type& m : messages_)
    if (m.name == name) found.push_back(&m);
  return found;
}

const factory* actors::find(std::string_view name) const {
  const auto found =
      std::find_if(factories_.begin(), factories_.end(), [&](const factory& f) { return f.name == name; });
  return found == factories_.end() ? nullptr : &*found;
}

const application* actors::find_application(std::string_view name) const {
  const auto found =
      std::find_if(applications_.begin(), applications_.end(), [&](const application& a) { return a.name == name; });
  return found == applications_.end() ? nullptr : &*found;
}

std::vector<std::string> actors::factory_names() const {
  std::vector<std::string> names;
  for (const factory& f : factories_) names.push_back(f.name);
  return names;
}
std::vector<std::string> actors::message_names() const {
  std::vector<std::string> names;
  for (const message_type& m : messages_) names.push_back(m.name);
  return names;
}
std::vector<std::string> actors::application_names() const {
  std::vector<std::string> names;
  for (const application& a : applications_) names.push_back(a.name);
  return names;
}

std::string actors::to_string() const {
  std::string text;
  for (const factory& f : factories_) {
    std::string line = f.name;
    for (std::size_t i = 0; i < f.parameters.size(); ++i) line += (i == 0 ? " [" : ", ") + f.parameters[i];
    if (!f.parameters.empty()) line += "]";
    text += line + "\n";
    if (!f.summary.empty()) text += "    " + f.summary + "\n";
    for (const message_type* m : f.messages) {
      text += "    " + m->name;
      for (std::size_t i = 0; i < m->members.size(); ++i) text += (i == 0 ? " {" : ", ") + m->members[i];
      if (!m->members.empty()) text += "}";
      text += m->has_reply ? "  (a call)\n" : "\n";
    }
  }
  for (const application& a : applications_) text += "application " + a.name + "\n";
  return text;
}

task<pid> begin_here(context& self, const actors& all, std::string name_of_factory, std::string name,
                     std::vector<term> arguments) {
  const factory* f = all.find(name_of_factory);
  if (f == nullptr) throw std::invalid_argument("there is no actor '" + name_of_factory + "' on this node");
  if (f->start) {
    spawn_options options;
    if (!name.empty()) options.name = name;
    const spawned made = machinery::spawn_factory(self, *f, options, std::move(arguments));
    co_return made.pid;
  }
  start_result made = co_await f->begin(self, std::move(arguments), std::move(name), false);
  if (!made.started()) throw start_failed(f->name, std::move(made));
  co_return made.process;
}

task<pid> begin_application(context& self, const actors& all, std::string name) {
  const application* found = all.find_application(name);
  if (found == nullptr) throw std::invalid_argument("there is no application '" + name + "' on this node");
  if (!self.whereis("application_controller")) co_await start_application_controller(self);
  application app = *found;
  start_result made = co_await start_application(self, app);
  if (!made.started()) throw start_failed(name, std::move(made));
  co_return made.process;
}

void actors::export_to(node& here) const {
  for (const factory& f : factories_) {
    if (!f.start) continue;
    // Each with its own arity: spawn from afar looks for that.
    troupe::detail::exported code;
    code.arity = f.parameters.size();
    code.start = f.start;
    here.distribution().exports().add(export_name("script:" + f.name), std::move(code));
  }
  here.export_as("script:begin",
                 [this](context& self, std::string name_of_factory, std::string name, std::vector<term> arguments) {
                   return begin_here(self, *this, std::move(name_of_factory), std::move(name), std::move(arguments));
                 });
  here.export_as("script:application",
                 [this](context& self, std::string name) { return begin_application(self, *this, std::move(name)); });
  here.export_as("script:register",
                 [](context& self, std::string name, pid process) { self.register_name(name, process); });
  here.export_as("script:whereis", [](context& self, std::string name) { return self.whereis(name); });
  // A wrong cookie keeps the other node out, in both directions: a partition for those who speak TCP.
  here.export_as("script:part", [&here](std::string other, std::string cookie) { here.set_cookie(other, cookie); });
  here.export_as("script:disconnect", [](context& self, std::string other) { return disconnect_node(self, other); });
}

task<> segfault(context& self) {
  if (machinery::crash_node && machinery::crash_node(node_of(self))) {
    for (;;) co_await self.sleep(std::chrono::hours(1));  // the node goes before the hour does
  }
  volatile int* nowhere = nullptr;
  *nowhere = 1;
}

}  // namespace troupe::script
