// SPDX-License-Identifier: BSL-1.0
// Asking a node about itself, and setting the answers out.
#include <troupe/net/tool/looking.hpp>

#include <troupe/actors/behaviours/supervisor_calls.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <span>
#include <unordered_map>

namespace troupe::tool {

using namespace literals;

namespace {

const term no_arguments = term::list(std::vector<term>());

term arguments(std::vector<term> all) {
  return term::list(std::move(all));
}

std::uint64_t number(const term& map, atom key) {
  const term* found = map.is_map() ? map.find(key) : nullptr;
  return found != nullptr && found->is_integer() && !found->is_big() ? found->as_unsigned() : 0;
}

/// A text for people: that of a binary, and nothing of the atom undefined.
std::string text(const target& there, const term& value) {
  if (value.is_atom("undefined"_atom)) return "";
  if (value.is_binary()) return std::string(value.as_binary());
  return there.show(value);
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
  return term::list(
      {"registered_name"_atom, "status"_atom, "message_queue_len"_atom, "reductions"_atom, "memory"_atom});
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
    row.what = function_text(there, calls[i]);
    for (const term& item : infos[i].elements()) {
      if (!item.is_tuple() || item.size() != 2) continue;
      if (item[0].is_atom("registered_name"_atom) && item[1].is_atom()) row.name = there.show(item[1]);
      if (item[0].is_atom("status"_atom)) row.status = there.show(item[1]);
      if (item[0].is_atom("message_queue_len"_atom)) row.mailbox = item[1].as_unsigned();
      if (item[0].is_atom("reductions"_atom)) row.messages = item[1].as_unsigned();
      if (item[0].is_atom("memory"_atom)) row.memory = item[1].as_unsigned();
    }
    rows.push_back(std::move(row));
  }
  co_return rows;
}

/// The end of a long word tells more than its beginning.
std::string_view last_of(std::string_view word, std::size_t width) {
  return word.size() > width ? word.substr(word.size() - width) : word;
}

std::string cut(const std::string& line, std::size_t width) {
  return width != 0 && line.size() > width ? line.substr(0, width) : line;
}

}  // namespace

std::optional<sort_key> sort_key_of(std::string_view word) {
  if (word == "pid") return sort_key::pid;
  if (word == "messages") return sort_key::messages;
  if (word == "mailbox") return sort_key::mailbox;
  if (word == "memory") return sort_key::memory;
  return std::nullopt;
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
  std::size_t pid = 3;
  std::size_t name = 4;
  std::size_t what = 4;
  for (const process_row& r : table.rows) {
    pid = std::max(pid, r.pid.size());
    name = std::max(name, r.name.size());
    what = std::max(what, r.what.size());
  }
  name = std::min<std::size_t>(name, 32);
  what = std::min<std::size_t>(what, 40);
  const auto line = [&](std::string_view p, std::string_view n, std::string_view w, std::string_view s,
                        std::string_view mailbox, std::string_view messages, std::string_view memory) {
    std::string text = fmt::format("{:<{}}  {:<{}}  {:<{}}  {:<9}  {:>8}  {:>12}  {:>10}", p, pid, last_of(n, name),
                                   name, last_of(w, what), what, s, mailbox, messages, memory);
    return cut(text, width) + "\n";
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

/// The root is called by its name, when it has one.
task<std::string> tree_below(context& self, target& there, pid root, std::string named) {
  try {
    const destination process = root;
    supervised tree = co_await supervisor_tree(self, process, there.patience());
    if (!named.starts_with('<')) tree.id = atom(named);
    co_return there.show(troupe::to_string(tree));
  } catch (const call_failed& e) {
    if (e.reason().is_tuple("unexpected_call"_atom))
      throw tool_error(there.name() + ": " + named + " is no supervisor");
    throw there.explain(e, named);
  }
}

/// Its registered name; else the pid.
task<std::string> name_of(context& self, target& there, pid process, bool erlang) {
  if (erlang) {
    const term both = arguments({process, "registered_name"_atom});
    const term found = co_await there.rpc(self, "erlang:process_info", both);
    if (found.is_tuple("registered_name"_atom) && found.size() == 2) co_return std::string(found[1].as_atom().name());
  } else {
    const term one = arguments({process});
    const term found = co_await there.rpc(self, "troupe_observer:process", one);
    const term* name = found.is_map() ? found.find("registered_name"_atom) : nullptr;
    if (name != nullptr && name->is_atom() && !name->is_atom("undefined"_atom))
      co_return std::string(name->as_atom().name());
  }
  co_return there.show(process.to_string());
}

}  // namespace

task<std::string> look_at_tree(context& self, target& there, std::string root) {
  if (!root.empty()) {
    const pid process = co_await there.pid_of(self, root);
    co_return co_await tree_below(self, there, process, root);
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
    std::string named = there.show(p.to_string());
    std::string tree;
    try {
      named = co_await name_of(self, there, p, erlang);
      tree = co_await tree_below(self, there, p, named);
    } catch (const tool_error& e) {
      tree = named + ": " + e.what() + "\n";  // it has just ended, or is busy: the others are shown
    }
    all += tree;
  }
  co_return all.empty() ? there.name() + " has no supervisors\n" : all;
}

namespace {

std::string lines_of(const target& there, std::span<const std::pair<term, term>> items) {
  std::size_t width = 0;
  for (const auto& [key, value] : items) width = std::max(width, there.show(key).size());
  std::string all;
  for (const auto& [key, value] : items)
    all += fmt::format("{:<{}}  {}\n", there.show(key), width,
                       value.is_binary() ? std::string(value.as_binary()) : there.show(value));
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
