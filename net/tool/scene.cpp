// SPDX-License-Identifier: BSL-1.0
#include <troupe/net/tool/scene.hpp>

#include <troupe/actors/exit.hpp>
#include <troupe/net/remote.hpp>
#include <troupe/net/rpc.hpp>

#include <algorithm>
#include <utility>

namespace troupe::script {

using nlohmann::json;
using std::chrono::nanoseconds;

// --- playing ---------------------------------------------------------------------------------------------------------

task<> scene::play(const std::vector<step>& steps, bool quietly) {
  const bool before = quiet;
  quiet = before || quietly;
  for (const step& w : steps) co_await play_one(w);
  quiet = before;  // a failure ends the scene
}

task<> scene::play_one(const step& w) {
  const std::string why = missing(w);
  if (!why.empty()) {
    skip(w);
    if (!quiet) all.report.skipped(w, all.words, why);
    co_return;
  }
  const auto begin = self.now();
  std::string failure;
  position where = w.where;
  more.clear();
  try {
    co_await w.kind->play(*this, w);
  } catch (const reported&) {
    throw;
  } catch (const step_failed& e) {
    failure = e.what();
  } catch (const value_error& e) {
    failure = e.what();
  } catch (const rpc_failed& e) {
    failure = "the function failed: " + all.words.print(all.words.show_value(e.reason()));
  } catch (const call_failed& e) {
    failure = "the call failed: " + all.words.print(all.words.show_value(e.reason()));
  } catch (const std::exception& e) {
    failure = e.what();
  }
  const auto end = self.now();
  if (all.record != nullptr) {
    if (!quiet)
      all.record->add_span(self.pid(), {line_of(w, all.words), trace_time(begin), trace_time(end), !failure.empty()});
    if (!quiet) co_await fetch_records();
  }
  if (!failure.empty()) {
    const std::string place = all.what.file + ":" + std::to_string(where.line) + ":" + std::to_string(where.column);
    all.report.failed(w, all.words, place, all.words.pids().for_people(failure));
    throw reported("step " + w.number);
  }
  if (!quiet) all.report.done(w, all.words, end - begin, more);
}

task<> scene::fetch_records() {
  for (const std::string& peer : all.nodes.peers()) {
    try {
      const term got = co_await rpc(self, peer, "script:trace");
      all.record->add(from_term<std::vector<trace_record>>(got));
    } catch (const std::exception&) {
      // It is just going; what it did last is lost.
    }
  }
}

// --- what a simulation does not have ---------------------------------------------------------------------------------

std::string scene::missing(const step& w) const {
  if (!all.nodes.simulated()) return {};
  const std::string no_erlang = "a simulation has no Erlang node";
  std::string why;
  const auto look = [&](field_kind kind, const json& value) {
    const auto is_erlang = [&](const json& node) {
      const node_spec* spec = node.is_string() ? spec_of(node.get<std::string>()) : nullptr;
      return spec != nullptr && spec->erlang;
    };
    const auto gone = [&](std::string name) {
      if (name.starts_with('$')) name.erase(0, 1);
      return absent.count(name) != 0;
    };
    bool lacks = false;
    switch (kind) {
      case field_kind::node: lacks = is_erlang(value); break;
      case field_kind::node_pair: lacks = is_erlang(value[0]) || is_erlang(value[1]); break;
      case field_kind::process:
        lacks = value.is_object() ? value.contains("on") && is_erlang(value["on"]) : gone(value.get<std::string>());
        break;
      case field_kind::message:
      case field_kind::value:
      case field_kind::reason:
      case field_kind::arguments:
      case field_kind::bindings:
      case field_kind::expected:
        for (const std::string& name : variables_of(value)) lacks = lacks || gone(name) || is_erlang(name);
        break;
      default: break;
    }
    if (lacks) why = no_erlang;
  };
  look(w.kind->kind, w.subject());
  for (const field& f : w.kind->fields)
    if (const json* value = w.find(f.name)) look(f.kind, *value);
  return why;
}

void scene::skip(const step& w) {
  if (w.kind->name == "spawn" || w.kind->name == "find" || w.kind->name == "application") {
    const std::string subject = w.subject().get<std::string>();
    absent.insert(w.text("as", subject.substr(0, subject.find(':'))));
  }
  const auto add = [&](const json& pattern) {
    for (const std::string& name : variables_of(pattern)) absent.insert(name);
  };
  if (w.kind->kind == field_kind::expected) add(w.subject());
  if (w.kind->kind == field_kind::bindings)
    for (const auto& [name, value] : w.subject().items()) absent.insert(name);
  for (const field& f : w.kind->fields)
    if (const json* value = w.find(f.name); value != nullptr && f.kind == field_kind::pattern) add(*value);
}

// --- names -----------------------------------------------------------------------------------------------------------

destination scene::destination_of(const json& written) const {
  if (written.is_object()) {
    const std::string name = written["name"].get<std::string>();
    const std::string node = written.value("on", "here");
    return node == "here" ? destination(name) : remote(name, all.nodes.full_name(node));
  }
  std::string name = written.get<std::string>();
  if (name.starts_with('$')) name.erase(0, 1);
  const auto found = known.find(name);
  if (found == known.end())
    throw step_failed("'" + name + "' is no process yet: the step that gives it that label has not been played");
  const pid process = found->second.is_string() ? all.words.pids().of_text(found->second.get<std::string>()) : pid();
  if (!process) throw step_failed("'" + name + "' is " + all.words.print(found->second) + ", which is no process");
  return process;
}

pid scene::pid_of(const json& written) const {
  const destination to = destination_of(written);
  if (to.which() == destination::kind::process) return to.process();
  if (to.which() == destination::kind::name) {
    const pid found = self.whereis(to.name());
    if (found) return found;
    throw step_failed("nobody here is registered as '" + std::string(to.name().name()) + "'");
  }
  throw step_failed("this needs a process, not a name on another node: 'find' gives it a label first");
}

void scene::bind(const std::string& name, json value) {
  known[name] = std::move(value);
  absent.erase(name);
}

void scene::restore(const std::string& name, const std::optional<json>& before) {
  if (before)
    known[name] = *before;
  else
    known.erase(name);
}

std::optional<json> scene::value_of(const std::string& name) const {
  const auto found = known.find(name);
  return found == known.end() ? std::optional<json>() : std::optional<json>(found->second);
}

bool scene::fits(const json& pattern, const json& got, std::vector<difference>* why) {
  if (!troupe::script::fits(pattern, got, known, all.words, why)) return false;
  for (const std::string& name : variables_of(pattern)) absent.erase(name);
  return true;
}

void scene::give_label(const std::string& label, const pid& process) {
  all.words.pids().set_label(process, label);
  bind(label, all.words.pids().text_of(process));
}

std::string scene::node_of_field(const step& w) const {
  return all.nodes.full_name(w.text("on", "here"));
}

// --- expectations ----------------------------------------------------------------------------------------------------

namespace {

std::string lines_of(const std::vector<difference>& why) {
  std::string text;
  for (const difference& d : why) text += "\n  " + (d.pointer.empty() ? std::string() : d.pointer + ": ") + d.what;
  return text;
}

}  // namespace

void scene::expect(const json& pattern, const json& got, const std::string& what) {
  std::vector<difference> why;
  if (fits(pattern, got, &why)) return;
  throw step_failed(what + " differs\n  expected " + print_pattern(pattern, known, all.words) + "\n  got      " +
                    all.words.print(got) + (why.size() == 1 && why[0].pointer.empty() ? std::string() : lines_of(why)));
}

received scene::arrived(any_message m) const {
  received got;
  try {
    got.shown = all.words.show_message(m.to_term());
  } catch (const std::exception&) {
    got.shown = std::string(m.name());
  }
  got.message = std::move(m);
  return got;
}

task<bool> scene::comes(const std::function<bool(const json&)>& wanted, nanoseconds patience) {
  std::size_t seen = 0;
  const auto deadline = self.now() + patience;
  for (;;) {
    for (; seen < mailbox_.size(); ++seen) {
      if (!wanted(mailbox_[seen].shown)) continue;
      // The one that is wanted comes first.
      std::rotate(mailbox_.begin(), mailbox_.begin() + static_cast<std::ptrdiff_t>(seen),
                  mailbox_.begin() + static_cast<std::ptrdiff_t>(seen) + 1);
      co_return true;
    }
    bool more_came = true;
    const auto left = std::max(nanoseconds(0), std::chrono::duration_cast<nanoseconds>(deadline - self.now()));
    co_await self.receive([&](any_message m) { mailbox_.push_back(arrived(std::move(m))); },
                          after(left, [&] { more_came = false; }));
    if (!more_came) co_return false;
  }
}

task<received> scene::take(const std::function<bool(const json&)>& wanted, nanoseconds patience, std::string expected,
                           const json* pattern) {
  const bool came = co_await comes(wanted, patience);
  if (came) {
    received got = std::move(mailbox_.front());
    mailbox_.pop_front();
    co_return got;
  }
  std::string text = "nothing like it came within " + people_time(patience) + "\n  expected " + expected;
  if (mailbox_.empty()) text += "\n  the mailbox is empty";
  std::size_t shown = 0;
  for (const received& r : mailbox_) {
    if (shown++ == 5) {
      text += "\n  and " + std::to_string(mailbox_.size() - 5) + " more";
      break;
    }
    text += "\n  there is " + all.words.print(r.shown);
    // Only of the same message does it help to know where it differs.
    if (pattern == nullptr || !is_typed(*pattern) || !is_typed(r.shown) ||
        type_name_of(*pattern) != type_name_of(r.shown))
      continue;
    std::vector<difference> why;
    variables tried = known;
    troupe::script::fits(*pattern, r.shown, tried, all.words, &why);
    for (const difference& d : why) text += "\n    " + (d.pointer.empty() ? std::string() : d.pointer + ": ") + d.what;
  }
  throw step_failed(text);
}

}  // namespace troupe::script
