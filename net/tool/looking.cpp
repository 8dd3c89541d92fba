// SPDX-License-Identifier: BSL-1.0
// Asking a node about itself, and setting the answers out.
#include <troupe/net/tool/looking.hpp>
#include <troupe/net/tool/shown.hpp>

#include <troupe/actors/behaviours/supervisor_calls.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <span>
#include <unordered_map>

namespace troupe::tool {

using namespace literals;

namespace {

const term no_arguments = term::list(std::vector<term>());

term arguments(std::vector<term> all) {
  return term::list(std::move(all));
}

/// A figure; 0 for what is none.
std::uint64_t number(const term& value) {
  return value.is_integer() && !value.is_big() && value >= term(0) ? value.as_unsigned() : 0;
}
std::uint64_t number(const term& map, atom key) {
  const term* found = map.is_map() ? map.find(key) : nullptr;
  return found != nullptr ? number(*found) : 0;
}

/// A text for people: that of a binary, and nothing of the atom undefined.
std::string text(const target& there, const term& value) {
  return value.is_atom("undefined"_atom) ? "" : there.show_to_people(value);
}
std::string text(const target& there, const term& map, atom key) {
  const term* found = map.is_map() ? map.find(key) : nullptr;
  return found != nullptr ? text(there, *found) : "";
}

/// Without the namespaces that say nothing to whoever looks at a table.
std::string short_function(std::string name) {
  for (const std::string_view dull : {"(anonymous namespace)::", "troupe::detail::", "troupe::"})
    for (auto at = name.find(dull); at != std::string::npos; at = name.find(dull)) name.erase(at, dull.size());
  return name;
}

process_row row_of(const target& there, const term& map) {
  process_row row;
  row.pid = text(there, map, "pid"_atom);
  row.name = text(there, map, "registered_name"_atom);
  row.what = text(there, map, "behaviour"_atom);
  if (row.what.empty()) row.what = short_function(text(there, map, "initial_function"_atom));
  row.status = text(there, map, "status"_atom);
  row.mailbox = number(map, "message_queue_len"_atom);
  row.messages = number(map, "messages"_atom);
  row.memory = number(map, "memory"_atom);
  return row;
}

void sort(std::vector<process_row>& rows, sort_key by) {
  const auto value = [by](const process_row& r) {
    return by == sort_key::messages ? r.messages : by == sort_key::mailbox ? r.mailbox : r.memory;
  };
  if (by == sort_key::pid) return;
  std::sort(rows.begin(), rows.end(), [&](const process_row& a, const process_row& b) {
    return value(a) != value(b)
               ? value(a) > value(b)
               : std::pair(a.pid.size(), std::string_view(a.pid)) < std::pair(b.pid.size(), std::string_view(b.pid));
  });
}

/// lists:Function(fun M:F/1 or 2, Lists...) there: one question for all processes.
task<term> map_over(context& self, target& there, export_name function, external_function f, std::vector<term> lists) {
  lists.insert(lists.begin(), term(f));
  const term all = arguments(std::move(lists));
  co_return co_await there.rpc(self, function, all);
}

/// {M, F, A} as M:F/A.
std::string function_text(const target& there, const term& mfa) {
  if (!mfa.is_tuple() || mfa.size() != 3) return there.show(mfa);
  return there.show(mfa[0]) + ":" + there.show(mfa[1]) + "/" + there.show(mfa[2]);
}

term erlang_items() {
  return term::list({"registered_name"_atom, "status"_atom, "message_queue_len"_atom, "reductions"_atom, "memory"_atom,
                     "initial_call"_atom});
}

task<std::vector<process_row>> erlang_rows(context& self, target& there) {
  const term pids = co_await there.rpc(self, "erlang:processes", no_arguments);
  if (!pids.is_list()) throw tool_error(there.name() + ": erlang:processes() gave " + there.show(pids));
  const term each = term::list(std::vector<term>(pids.size(), erlang_items()));
  const external_function ask{"erlang"_atom, "process_info"_atom, 2};
  const std::vector<term> both{pids, each};
  const term infos = co_await map_over(self, there, "lists:zipwith", ask, both);
  const external_function initial{"proc_lib"_atom, "translate_initial_call"_atom, 1};
  const std::vector<term> one{pids};
  const term calls = co_await map_over(self, there, "lists:map", initial, one);
  std::vector<process_row> rows;
  for (std::size_t i = 0; i < pids.size() && i < infos.size() && i < calls.size(); ++i) {
    if (!infos[i].is_list()) continue;  // it has ended meanwhile
    process_row row;
    row.pid = there.show(pids[i]);
    for (const term& item : infos[i].elements()) {
      if (!item.is_tuple() || item.size() != 2) continue;
      if (item[0].is_atom("registered_name"_atom) && item[1].is_atom()) row.name = there.show(item[1]);
      if (item[0].is_atom("status"_atom)) row.status = there.show(item[1]);
      if (item[0].is_atom("message_queue_len"_atom)) row.mailbox = number(item[1]);
      if (item[0].is_atom("reductions"_atom)) row.messages = number(item[1]);
      if (item[0].is_atom("memory"_atom)) row.memory = number(item[1]);
      // What proc_lib starts says itself what it is.
      if (item[0].is_atom("initial_call"_atom))
        row.what = function_text(there, item[1].is_tuple("proc_lib"_atom) ? calls[i] : item[1]);
    }
    rows.push_back(std::move(row));
  }
  co_return rows;
}

}  // namespace

const char* to_string(sort_key key) noexcept {
  switch (key) {
    case sort_key::pid: return "pid";
    case sort_key::messages: return "messages";
    case sort_key::mailbox: return "mailbox";
    case sort_key::memory: return "memory";
  }
  return "pid";
}

sort_key sort_key_of(const std::string& word) {
  for (const sort_key key : {sort_key::pid, sort_key::messages, sort_key::mailbox, sort_key::memory})
    if (word == to_string(key)) return key;
  throw tool_error("--sort " + word + ": there are pid, messages, mailbox and memory", 2);
}

task<process_table> look_at_processes(context& self, target& there, sort_key by, std::size_t limit) {
  process_table table;
  table.erlang = co_await there.is_erlang(self);
  if (table.erlang) {
    table.rows = co_await erlang_rows(self, there);
  } else {
    term maps;
    if (by == sort_key::pid || limit > INT32_MAX) {
      maps = co_await there.rpc(self, "troupe_observer:processes", no_arguments);
    } else {
      const atom key = by == sort_key::messages  ? "messages"_atom
                       : by == sort_key::mailbox ? "message_queue_len"_atom
                                                 : "memory"_atom;
      const term both = arguments({key, limit});
      maps = co_await there.rpc(self, "troupe_observer:processes", both);
      const term system = co_await there.rpc(self, "troupe_observer:system", no_arguments);
      table.processes = number(system, "processes"_atom);
    }
    if (!maps.is_list()) throw tool_error(there.name() + ": troupe_observer:processes gave " + there.show(maps));
    for (const term& map : maps.elements()) table.rows.push_back(row_of(there, map));
  }
  sort(table.rows, by);
  table.processes = std::max<std::uint64_t>(table.processes, table.rows.size());
  if (table.rows.size() > limit) table.rows.resize(limit);
  co_return table;
}

task<process_table> look_at_rates(context& self, target& there, std::size_t limit, detail::duration window) {
  process_table table;
  table.rates = true;
  table.erlang = co_await there.is_erlang(self);
  const auto in_a_second = [window](std::uint64_t growth) {
    return static_cast<std::uint64_t>(static_cast<double>(growth) / std::chrono::duration<double>(window).count());
  };
  if (table.erlang) {
    std::unordered_map<std::string, std::uint64_t> before;
    const std::vector<process_row> first = co_await erlang_rows(self, there);
    for (const process_row& r : first) before.emplace(r.pid, r.messages);
    co_await self.sleep(window);
    table.rows = co_await erlang_rows(self, there);
    for (process_row& r : table.rows) {
      const auto was = before.find(r.pid);
      r.messages = in_a_second(was == before.end() ? r.messages : r.messages - std::min(r.messages, was->second));
    }
    table.processes = table.rows.size();
  } else {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(window).count();
    const term three = arguments({"messages"_atom, limit, ms});
    const term maps = co_await there.rpc(self, "troupe_observer:processes", three);
    const term system = co_await there.rpc(self, "troupe_observer:system", no_arguments);
    if (!maps.is_list()) throw tool_error(there.name() + ": troupe_observer:processes gave " + there.show(maps));
    for (const term& map : maps.elements()) {
      table.rows.push_back(row_of(there, map));
      table.rows.back().messages = in_a_second(number(map, "growth"_atom));
    }
    table.processes = number(system, "processes"_atom);
  }
  sort(table.rows, sort_key::messages);
  if (table.rows.size() > limit) table.rows.resize(limit);
  co_return table;
}

std::string to_string(const process_table& table, std::size_t width) {
  constexpr std::size_t figures = 2 + 9 + 2 + 8 + 2 + 12 + 2 + 10;  // the columns behind WHAT
  std::size_t pid = 3;
  std::size_t name = 4;
  std::size_t what = 4;
  for (const process_row& r : table.rows) {
    pid = std::max(pid, columns(r.pid));
    name = std::max(name, columns(r.name));
    what = std::max(what, columns(r.what));
  }
  name = std::min<std::size_t>(name, 32);
  what = std::min<std::size_t>(what, 40);
  // The figures are what is looked for: where there is little room the words are cut first.
  constexpr std::size_t shortest = 8;
  if (width != 0)
    for (std::size_t* word : {&what, &name})
      while (pid + 2 + name + 2 + what + figures > width && *word > shortest) --*word;
  const auto line = [&](std::string_view p, std::string_view n, std::string_view w, std::string_view s,
                        std::string_view mailbox, std::string_view messages, std::string_view memory) {
    // The end of a long word tells more than its beginning.
    const std::string text =
        fmt::format("{}  {}  {}  {}  {:>8}  {:>12}  {:>10}", padded(p, pid), padded(last_columns(n, name), name),
                    padded(last_columns(w, what), what), padded(s, 9), mailbox, messages, memory);
    return std::string(width == 0 ? text : first_columns(text, width)) + "\n";
  };
  const std::string taken = table.erlang ? "REDUCTIONS" : "MESSAGES";
  std::string text = line("PID", "NAME", "WHAT", "STATUS", "MAILBOX", table.rates ? taken + "/S" : taken, "MEMORY");
  for (const process_row& r : table.rows)
    text += line(r.pid, r.name, r.what, r.status, std::to_string(r.mailbox), std::to_string(r.messages),
                 std::to_string(r.memory));
  return text;
}

namespace {

/// The root supervisors of an Erlang node's applications.
task<std::vector<pid>> erlang_roots(context& self, target& there) {
  std::vector<pid> roots;
  const term running = co_await there.rpc(self, "application:which_applications", no_arguments);
  if (!running.is_list()) co_return roots;
  for (const term& one : running.elements()) {
    if (!one.is_tuple() || one.size() == 0) continue;
    const term name = arguments({one[0]});
    const term master = co_await there.rpc(self, "application_controller:get_master", name);
    if (!master.is_pid()) continue;
    const term whose = arguments({master});
    const term child = co_await there.rpc(self, "application_master:get_child", whose);
    if (child.is_tuple() && child.size() == 2 && child[0].is_pid()) roots.push_back(child[0].as_pid());
  }
  co_return roots;
}

/// The tree, whose root is shown as `id`. Nothing when it is no supervisor: which may not be asked for its children,
/// since many a server ends at a call that it does not know.
task<std::optional<std::string>> tree_below(context& self, target& there, pid root, term id) {
  const std::optional<bool> supervisor = co_await there.is_supervisor(self, root);
  if (supervisor == false) co_return std::nullopt;
  try {
    const destination process = root;
    supervised tree = co_await supervisor_tree(self, process, there.patience());
    if (!id.is_pid()) tree.id = id;
    co_return std::optional<std::string>(there.show(troupe::to_string(tree)));
  } catch (const call_failed& e) {
    if (!e.reason().is_tuple("unexpected_call"_atom)) throw there.explain(e, there.show(id));
  }
  co_return std::nullopt;
}

/// Its registered name; else the pid.
task<term> name_of(context& self, target& there, pid process, bool erlang) {
  term name = process;
  if (erlang) {
    const term both = arguments({process, "registered_name"_atom});
    const term found = co_await there.rpc(self, "erlang:process_info", both);
    if (found.is_tuple("registered_name"_atom) && found.size() == 2) name = found[1];
  } else {
    const term one = arguments({process});
    const term found = co_await there.rpc(self, "troupe_observer:process", one);
    const term* its = found.is_map() ? found.find("registered_name"_atom) : nullptr;
    if (its != nullptr && its->is_atom() && !its->is_atom("undefined"_atom)) name = *its;
  }
  co_return name;
}

}  // namespace

task<std::string> look_at_tree(context& self, target& there, std::string root) {
  if (!root.empty()) {
    const pid process = co_await there.pid_of(self, root);
    const term called = there.process(root).to_term();  // a pid, or {Name, Node}
    const term id = called.is_tuple() ? called[0] : called;
    std::optional<std::string> tree = co_await tree_below(self, there, process, id);
    if (!tree) throw tool_error(there.name() + ": " + there.show(id) + " is no supervisor");
    co_return std::move(*tree);
  }
  std::vector<pid> roots;
  const bool erlang = co_await there.is_erlang(self);
  if (erlang) {
    roots = co_await erlang_roots(self, there);
  } else {
    const term pids = co_await there.rpc(self, "troupe_observer:roots", no_arguments);
    if (pids.is_list())
      for (const term& p : pids.elements())
        if (p.is_pid()) roots.push_back(p.as_pid());
  }
  std::string all;
  for (const pid& p : roots) {
    term id = p;
    try {
      id = co_await name_of(self, there, p, erlang);
      const std::optional<std::string> tree = co_await tree_below(self, there, p, id);
      // An application may be one process that supervises nothing.
      all += tree ? *tree : there.show(id) + " " + there.show(p) + " worker\n";
    } catch (const tool_error& e) {
      all += there.show(id) + ": " + e.what() + "\n";  // it has just ended, or is busy: the others are shown
    }
  }
  co_return all.empty() ? there.name() + " has no supervisors\n" : all;
}

namespace {

std::string lines_of(const target& there, std::span<const std::pair<term, term>> items) {
  std::size_t width = 0;
  for (const auto& [key, value] : items) width = std::max(width, there.show(key).size());
  std::string all;
  for (const auto& [key, value] : items)
    all += fmt::format("{:<{}}  {}\n", there.show(key), width, there.show_to_people(value));
  return all;
}

/// Of an Erlang node.
task<std::string> erlang_system(context& self, target& there) {
  std::vector<std::pair<term, term>> items{{"node"_atom, there.node_atom()}};
  for (const char* what : {"otp_release", "version", "process_count", "process_limit", "atom_count", "atom_limit",
                           "port_count", "schedulers_online"}) {
    const term which = arguments({atom(what)});
    const term value = co_await there.rpc(self, "erlang:system_info", which);
    items.emplace_back(atom(what), value);
  }
  const term total = arguments({"total"_atom});
  const term memory = co_await there.rpc(self, "erlang:memory", total);
  items.emplace_back("memory"_atom, memory);
  co_return lines_of(there, items);
}

}  // namespace

task<std::string> look_at(context& self, target& there, std::string process) {
  const bool erlang = co_await there.is_erlang(self);
  if (process.empty()) {
    if (erlang) {
      const std::string all = co_await erlang_system(self, there);
      co_return all;
    }
    const term system = co_await there.rpc(self, "troupe_observer:system", no_arguments);
    co_return system.is_map() ? lines_of(there, system.items()) : there.show(system);
  }
  const pid which = co_await there.pid_of(self, process);
  const term argument = arguments({which});
  const export_name question = erlang ? "erlang:process_info" : "troupe_observer:process";
  const term info = co_await there.rpc(self, question, argument);
  if (info.is_map()) co_return lines_of(there, info.items());
  if (!info.is_list()) throw there.no_process(process);
  std::vector<std::pair<term, term>> items{{"pid"_atom, which}};
  for (const term& item : info.elements())
    if (item.is_tuple() && item.size() == 2) items.emplace_back(item[0], item[1]);
  co_return lines_of(there, items);
}

task<std::vector<std::string>> look_at_names(context& self, target& there) {
  const bool erlang = co_await there.is_erlang(self);
  const export_name question = erlang ? "erlang:registered" : "troupe_observer:registered";
  const term found = co_await there.rpc(self, question, no_arguments);
  std::vector<std::string> names;
  if (found.is_list())
    for (const term& name : found.elements()) names.push_back(there.show(name));
  std::sort(names.begin(), names.end());
  co_return names;
}

}  // namespace troupe::tool
