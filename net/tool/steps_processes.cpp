// SPDX-License-Identifier: BSL-1.0
// The steps that start, name, link, monitor and end processes.
#include <troupe/net/remote.hpp>
#include <troupe/net/rpc.hpp>
#include <troupe/net/tool/play.hpp>
#include <troupe/net/tool/scene.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace troupe::script {

using nlohmann::json;
using namespace std::chrono_literals;
using std::chrono::nanoseconds;

namespace {

std::vector<term> arguments_of(scene& s, const step& w, const factory* f) {
  const json none = json::array();
  const json* given = w.find("arguments");
  const json& written = given == nullptr ? none : *given;
  if (f != nullptr) {
    try {
      return s.all.words.reveal(f->decode(s.all.words.arguments(written, s.known)));
    } catch (const decode_error& e) {
      throw step_failed("the arguments of '" + f->name + "': expected " + e.expected() + ", got " + e.got());
    }
  }
  std::vector<term> terms;
  for (const json& a : written) terms.push_back(s.all.words.value(a, s.known));
  return terms;
}

task<pid> spawn_here(scene& s, const factory* f, std::string name, std::vector<term> arguments, bool link,
                     bool monitor) {
  if (!f->start) {
    start_result made = co_await f->begin(s.self, std::move(arguments), name, link);
    if (!made.started())
      throw step_failed("it did not start: " + s.all.words.print(s.all.words.show_value(made.reason)));
    if (monitor) s.self.monitor(made.process);
    co_return made.process;
  }
  spawn_options options;
  if (!name.empty()) options.name = name;
  options.link = link;
  options.monitor = monitor;
  const spawned made = machinery::spawn_factory(s.self, *f, options, std::move(arguments));
  co_return made.pid;
}

task<pid> spawn_there(scene& s, std::string node, const factory* f, std::string erlang_function, std::string name,
                      std::vector<term> arguments, bool link, bool monitor) {
  const process_name where(node);
  if (f == nullptr || (f->start && name.empty())) {
    spawn_at_options options;
    options.link = link;
    options.monitor = monitor;
    const export_name function(f == nullptr ? erlang_function : "script:" + f->name);
    const spawned made =
        co_await troupe::detail::spawn_on(s.self, where.atom(), function, term::list(std::move(arguments)), options);
    if (f == nullptr && !name.empty()) {
      const term done = co_await rpc(s.self, where, "erlang:register", atom(name), made.pid);
    }
    co_return made.pid;
  }
  const term made = co_await rpc(s.self, where, "script:begin", f->name, name, std::move(arguments));
  const pid process = made.as_pid();
  if (link) s.self.link(process);
  if (monitor) s.self.monitor(process);
  co_return process;
}

task<pid> whereis_on(scene& s, std::string node, bool erlang, std::string name, nanoseconds patience) {
  if (node == s.all.nodes.full_name("here")) co_return s.self.whereis(name);
  const process_name where(node);
  const export_name function(erlang ? "erlang:whereis" : "script:whereis");
  term arguments = term::list({erlang ? term(atom(name)) : term(name)});
  const term found = co_await troupe::detail::rpc_term(s.self, where.atom(), function, std::move(arguments), patience);
  co_return found.is_pid() ? found.as_pid() : pid();
}

}  // namespace

task<> play_note(scene& s, const step& w) {
  if (s.all.record != nullptr) s.all.record->add_note(trace_time(s.self.now()), w.subject().get<std::string>());
  co_return;
}

task<> play_spawn(scene& s, const step& w) {
  const std::string what = w.subject().get<std::string>();
  const std::string node = w.text("on", "here");
  const factory* f = what.find(':') == std::string::npos ? s.all.known.find(what) : nullptr;
  const std::string name = w.text("name");
  std::vector<term> arguments = arguments_of(s, w, f);
  const std::string label = w.text("as", what.substr(0, what.find(':')));
  pid made;
  if (node == "here")
    made = co_await spawn_here(s, f, name, std::move(arguments), w.flag("link"), w.flag("monitor"));
  else
    made = co_await spawn_there(s, s.all.nodes.full_name(node), f, what, name, std::move(arguments), w.flag("link"),
                                w.flag("monitor"));
  s.give_label(label, made);
  if (!name.empty()) s.all.words.pids().set_name(made, name);
}

task<> play_application(scene& s, const step& w) {
  const std::string name = w.subject().get<std::string>();
  const std::string node = w.text("on", "here");
  pid root;
  if (node == "here") {
    root = co_await begin_application(s.self, s.all.known, name);
  } else {
    const process_name where(s.all.nodes.full_name(node));
    const term made = co_await rpc(s.self, where, "script:application", name);
    root = made.as_pid();
  }
  s.give_label(w.text("as", name), root);
}

task<> play_register(scene& s, const step& w) {
  const pid process = s.pid_of(*w.find("process"));
  const std::string name = w.subject().get<std::string>();
  const process_name where(node_of(process));
  const std::string node(where.atom().name());
  s.all.words.pids().set_name(process, name);
  if (node == node_of(s.self).name()) {
    s.self.register_name(name, process);
    co_return;
  }
  bool erlang = false;
  for (const node_spec& n : s.all.what.nodes) erlang = erlang || (n.erlang && s.all.nodes.full_name(n.name) == node);
  if (erlang) {
    const term done = co_await rpc(s.self, where, "erlang:register", atom(name), process);
  } else {
    const term done = co_await rpc(s.self, where, "script:register", name, process);
  }
}

task<> play_find(scene& s, const step& w) {
  const std::string name = w.subject().get<std::string>();
  const std::string node = w.text("on", "here");
  const node_spec* spec = s.spec_of(node);
  const json* other = w.find("other_than");
  const pid unwanted = other == nullptr ? pid() : s.pid_of(*other);
  const auto patience = w.duration("within", usual_patience);
  const auto deadline = s.self.now() + patience;
  for (;;) {
    // One look may take no longer than all of them: a node that is cut off does not answer.
    const nanoseconds left = std::max<nanoseconds>(1ms, deadline - s.self.now());
    pid found;
    bool silent = false;
    try {
      found = co_await whereis_on(s, s.all.nodes.full_name(node), spec != nullptr && spec->erlang, name, left);
    } catch (const call_failed&) {
      silent = s.self.now() >= deadline;
      if (!silent) throw;
    }
    if (silent)
      throw step_failed("within " + people_time(patience) + " the node '" + node + "' has not answered where '" + name +
                        "' is");
    if (found && found != unwanted) {
      s.give_label(w.text("as", name), found);
      s.all.words.pids().set_name(found, name);
      co_return;
    }
    if (s.self.now() >= deadline)
      throw step_failed(found ? "within " + people_time(patience) + " '" + name + "' has remained " +
                                    s.all.words.pids().label_of(found)
                              : "within " + people_time(patience) + " nobody was registered as '" + name + "'");
    co_await s.self.sleep(1ms);
  }
}

task<> play_link(scene& s, const step& w) {
  s.self.link(s.pid_of(w.subject()));
  co_return;
}
task<> play_unlink(scene& s, const step& w) {
  s.self.unlink(s.pid_of(w.subject()));
  co_return;
}
task<> play_monitor(scene& s, const step& w) {
  s.self.monitor(s.destination_of(w.subject()));
  co_return;
}

task<> play_kill(scene& s, const step& w) {
  s.self.exit(s.pid_of(w.subject()), atom("kill"));
  co_return;
}
task<> play_exit(scene& s, const step& w) {
  s.self.exit(s.pid_of(w.subject()), s.all.words.reason(*w.find("reason"), s.known));
  co_return;
}

task<> play_stop(scene& s, const step& w) {
  const pid process = s.pid_of(w.subject());
  const reference watch = s.self.monitor(process);
  const json* written = w.find("reason");
  const term reason = written == nullptr ? term(atom("shutdown")) : s.all.words.reason(*written, s.known);
  s.self.exit(process, reason);
  const auto patience = w.duration("within", usual_patience);
  bool ended = false;
  term why;
  co_await s.self.receive(when([&](const down& d) { return d.ref == watch; },
                               [&](const down& d) {
                                 ended = true;
                                 why = d.reason;
                               }),
                          after(patience, [] {}));
  if (!ended) {
    s.self.demonitor(watch, true);
    throw step_failed("it has not ended within " + people_time(patience));
  }
  s.more = s.all.words.print(s.all.words.show_value(why));
}

}  // namespace troupe::script
