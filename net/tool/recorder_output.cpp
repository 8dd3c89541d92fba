// SPDX-License-Identifier: BSL-1.0
// What has been recorded as a diagram for people, and as a trace for programs.
#include <troupe/net/remote.hpp>
#include <troupe/net/tool/recorder.hpp>
#include <troupe/net/tool/wording.hpp>

#include <algorithm>
#include <deque>
#include <utility>

namespace troupe::script {

using nlohmann::json;

namespace {

/// Mermaid takes some characters for its own: they are written by their names or numbers, without the & of HTML, whose
/// semicolon would end a statement.
std::string mermaid_text(const std::string& text) {
  std::string made;
  for (const char c : shortened(text, 100)) {
    switch (c) {
      case ';': made += "#59;"; break;
      case '#': made += "#35;"; break;
      case '%': made += "#37;"; break;
      case '<': made += "#lt;"; break;
      case '>': made += "#gt;"; break;
      case '&': made += "#amp;"; break;
      default: made += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    }
  }
  return made;
}

/// Who is meant by `to`, as far as it can be seen: a process, or somebody with a name.
class names {
 public:
  template <class Records>
  names(const Records& records, const vocabulary& words) : words_(words) {
    for (const auto& [number, r] : records)
      if (r.kind == "spawn" && r.other.is_pid() && !r.function.empty()) functions_[r.other.as_pid()] = r.function;
  }
  std::string of(const pid& p) const {
    std::string label = words_.pids().label_of(p);
    if (label != p.to_string()) return label;
    const auto found = functions_.find(p);
    if (found == functions_.end()) return label;
    // "example::counter(troupe::context&, int)"
    std::string name = found->second.substr(0, found->second.find('('));
    const std::size_t colon = name.rfind(':');
    if (colon != std::string::npos) name = name.substr(colon + 1);
    return name.empty() ? label : name + " " + label;
  }
  /// Whom `from` means by that.
  std::string of(const term& to, const pid& from) const {
    if (to.is_pid()) return of(to.as_pid());
    if (to.is_atom()) {
      const std::string name(to.as_atom().name());
      const std::string label = from ? words_.pids().label_of_name(name, std::string(node_of(from).name())) : name;
      return label.empty() ? name : label;
    }
    if (to.is_tuple() && to.size() == 2 && to[0].is_atom() && to[1].is_atom()) {
      const std::string name(to[0].as_atom().name()), node(to[1].as_atom().name());
      // One participant, however it is addressed.
      const std::string label = words_.pids().label_of_name(name, node);
      if (!label.empty() || node.starts_with("here@")) return label.empty() ? name : label;
      return name + " at " + node.substr(0, node.find('@'));
    }
    return to.to_string();
  }

 private:
  const vocabulary& words_;
  std::map<pid, std::string> functions_;
};

std::string said(const trace_record& r, const vocabulary& words) {
  if (r.role == "failure") return "fails: " + words.print(words.show_value(r.content));
  const std::string text =
      words.print(r.role == "answer" ? words.show_answer(nullptr, r.content) : words.show_message(r.content));
  return r.role == "request" ? "call " + text : text;
}

/// Is it the machinery's own business: a message of the runner's, or of the start of a behaviour?
bool is_internal(const trace_record& r) {
  for (const char* ours : {"branch_done", "spawn_order", "start_demand", "start_result"})
    if (r.message == ours || r.content.is_atom(atom(ours)) || r.content.is_tuple(atom(ours))) return true;
  // {call, script, Function, ...}: to the rex of another node.
  return r.content.is_tuple(atom("call")) && r.content.size() > 1 && r.content[1].is_atom(atom("script"));
}

std::set<pid> directors_of(const std::map<pid, std::vector<recorder::span>>& spans) {
  std::set<pid> all;
  for (const auto& [p, s] : spans) all.insert(p);
  return all;
}

}  // namespace

std::string recorder::diagram(const std::string& title, const vocabulary& words) const {
  const std::vector<numbered> records = sorted();
  const std::set<pid> members = troupe_of(records, directors_of(spans_), words);
  const names called(records, words);
  std::vector<std::string> participants;
  const auto participant = [&](const std::string& name) {
    const auto found = std::find(participants.begin(), participants.end(), name);
    if (found == participants.end()) participants.push_back(name);
    return "p" + std::to_string(std::find(participants.begin(), participants.end(), name) - participants.begin());
  };
  std::string body;
  std::size_t lines = 0;
  auto next_note = notes_.begin();
  const auto notes_until = [&](std::int64_t time, std::uint64_t number) {
    for (; next_note != notes_.end() && std::pair(next_note->time, next_note->number) < std::pair(time, number);
         ++next_note)
      body += "    Note over " + participant("script") + ": " + mermaid_text(next_note->text) + "\n";
  };
  participant("script");
  // Who has been asked, for each question that is open: an answer from another node is seen where it arrives.
  std::map<reference, std::string> asked;
  const auto ours = [&](const pid& p) {
    return p && (members.count(p) != 0 || words.pids().label_of(p) != p.to_string());
  };
  for (const auto& [number, r] : records) {
    const bool own = members.count(r.process) != 0;
    const bool to_own = r.other.is_pid() && ours(r.other.as_pid());
    if (!own) continue;
    if (std::any_of(left_out_.begin(), left_out_.end(),
                    [&, n = number](const auto& left) { return n >= left.first && n < left.second; }))
      continue;
    if (is_internal(r)) continue;
    if (++lines > 500) {
      body += "    Note over " + participant("script") + ": and so on\n";
      break;
    }
    notes_until(r.time, number);
    const std::string who = participant(called.of(r.process));
    const bool is_answer = r.role == "answer" || r.role == "failure";
    if (r.kind == "send") {
      // Between two of them, or to a name; machinery beside them does not matter.
      if (r.other.is_pid() && !to_own) continue;
      if (is_answer) asked.erase(r.ref);
      if (r.role == "request") asked[r.ref] = called.of(r.other, r.process);
      body += "    " + who + (is_answer ? "-->>" : "->>") + participant(called.of(r.other, r.process)) + ": " +
              mermaid_text(said(r, words)) + "\n";
    } else if (r.kind == "receive" && is_answer) {
      const auto question = asked.find(r.ref);
      if (question == asked.end()) continue;
      body += "    " + participant(question->second) + "-->>" + who + ": " + mermaid_text(said(r, words)) + "\n";
      asked.erase(question);
    } else if (r.kind == "spawn" && to_own) {
      body += "    Note over " + who + "," + participant(called.of(r.other, r.process)) + ": starts " +
              mermaid_text(called.of(r.other, r.process)) + "\n";
    } else if (r.kind == "link" && to_own) {
      body += "    Note over " + who + "," + participant(called.of(r.other, r.process)) + ": linked\n";
    } else if (r.kind == "exit" && !r.content.is_atom(atom("normal"))) {
      body += "    Note over " + who + ": ends with " + mermaid_text(words.print(words.show_value(r.content))) + "\n";
    }
  }
  notes_until(INT64_MAX, UINT64_MAX);
  std::string text = "# " + without_controls(title) + "\n\n```mermaid\nsequenceDiagram\n";
  for (std::size_t i = 0; i < participants.size(); ++i)
    text += "    participant p" + std::to_string(i) + " as " + mermaid_text(participants[i]) + "\n";
  return text + body + "```\n";
}

json recorder::chrome_trace(const vocabulary& words) const {
  const std::vector<numbered> records = sorted();
  const names called(records, words);
  json events = json::array();
  std::map<std::string, int> nodes;
  std::map<pid, int> threads;
  const auto us = [&](std::int64_t time) { return static_cast<double>(time) / 1000.0; };
  const auto place = [&](const pid& p) {
    const std::string node = p ? std::string(node_of(p).name()) : "outside";
    const auto [n, new_node] = nodes.emplace(node, static_cast<int>(nodes.size()) + 1);
    if (new_node)
      events.push_back({{"ph", "M"}, {"name", "process_name"}, {"pid", n->second}, {"args", {{"name", node}}}});
    const auto [t, new_thread] = threads.emplace(p, static_cast<int>(threads.size()) + 1);
    if (new_thread)
      events.push_back({{"ph", "M"},
                        {"name", "thread_name"},
                        {"pid", n->second},
                        {"tid", t->second},
                        {"args", {{"name", p ? called.of(p) : "threads and timers"}}}});
    return std::pair(n->second, t->second);
  };
  const auto instant = [&](const trace_record& r, std::string name, json arguments) {
    const auto [node, thread] = place(r.process);
    events.push_back({{"ph", "i"},
                      {"s", "t"},
                      {"name", std::move(name)},
                      {"cat", r.kind},
                      {"ts", us(r.time)},
                      {"pid", node},
                      {"tid", thread},
                      {"args", std::move(arguments)}});
  };
  for (const auto& [p, spans] : spans_) {
    const auto [node, thread] = place(p);
    for (const span& s : spans)
      events.push_back({{"ph", "X"},
                        {"name", s.title},
                        {"cat", "step"},
                        {"ts", us(s.begin)},
                        {"dur", us(s.end - s.begin)},
                        {"pid", node},
                        {"tid", thread},
                        {"args", {{"outcome", s.failed ? "failed" : "ok"}}}});
  }
  // An arrow from each send to the receive of the same thing, first come, first served.
  std::map<std::string, std::deque<int>> open;
  int arrows = 0;
  for (const auto& [number, r] : records) {
    if (is_internal(r)) continue;
    if (r.kind == "spawn") {
      instant(r, "spawn " + called.of(r.other, r.process), {{"function", r.function}});
    } else if (r.kind == "exit") {
      instant(r, "exit " + words.print(words.show_value(r.content)), json::object());
    } else if (r.kind == "link" || r.kind == "unlink") {
      instant(r, r.kind + " " + called.of(r.other, r.process), json::object());
    } else {
      const std::string text = said(r, words);
      instant(r, r.kind + " " + shortened(text, 60),
              {{"content", text}, {"role", r.role}, {"other", r.kind == "send" ? called.of(r.other, r.process) : ""}});
      const bool is_send = r.kind == "send";
      const auto [node, thread] = place(r.process);
      const std::string key = (is_send ? called.of(r.other, r.process) : called.of(r.process)) + "\n" + r.role + text;
      json arrow{{"cat", "message"}, {"name", r.role}, {"ts", us(r.time)}, {"pid", node}, {"tid", thread}};
      if (is_send) {
        open[key].push_back(++arrows);
        arrow["ph"] = "s";
        arrow["id"] = arrows;
        events.push_back(std::move(arrow));
      } else if (!open[key].empty()) {
        arrow["ph"] = "f";
        arrow["bp"] = "e";
        arrow["id"] = open[key].front();
        open[key].pop_front();
        events.push_back(std::move(arrow));
      }
    }
  }
  for (const note& n : notes_)
    events.push_back(
        {{"ph", "i"}, {"s", "g"}, {"name", n.text}, {"cat", "note"}, {"ts", us(n.time)}, {"pid", 1}, {"tid", 1}});
  return {{"traceEvents", std::move(events)}, {"displayTimeUnit", "ms"}};
}

}  // namespace troupe::script
