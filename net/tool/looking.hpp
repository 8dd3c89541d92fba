// SPDX-License-Identifier: BSL-1.0
// What is seen of a node: its processes, its supervisors, itself; of Erlang's nodes by their own functions. Internal.
#pragma once

#include <troupe/net/tool/target.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::tool {

/// A process, as tables show it.
struct process_row {
  std::string pid;
  std::string name;  ///< registered; or empty
  std::string what;  ///< its behaviour, or its initial function
  std::string status;
  std::uint64_t mailbox = 0;
  std::uint64_t messages = 0;  ///< those taken so far, or in a second; of an Erlang process its reductions
  std::uint64_t memory = 0;    ///< bytes
};

/// Which comes first.
enum class sort_key : std::uint8_t { pid, messages, mailbox, memory };
/// "messages", "mailbox", "memory", "pid". Throws tool_error, with exit code 2, for other words.
sort_key sort_key_of(const std::string& word);
/// The word of it.
const char* to_string(sort_key key) noexcept;

/// What ps and top show.
struct process_table {
  std::vector<process_row> rows;
  std::uint64_t processes = 0;  ///< how many there are; perhaps more than rows
  bool erlang = false;
  bool rates = false;  ///< messages are those of a second
};

/// The `limit` processes with the most of what is sorted by. Throws tool_error, as all here.
task<process_table> look_at_processes(context& self, target& there, sort_key by, std::size_t limit);
/// The same, now; but `messages` are those that are taken in a second, by what is taken within `window`.
task<process_table> look_at_rates(context& self, target& there, std::size_t limit, detail::duration window);
/// A line for each process under a line of headings, cut to `width` columns; 0: whole.
std::string to_string(const process_table& table, std::size_t width = 0);

/// The supervisors below `root` (a pid, or a name), or all of the node, and their children.
task<std::string> look_at_tree(context& self, target& there, std::string root);
/// A line for each thing that is known of the process; of the node itself when it is empty.
task<std::string> look_at(context& self, target& there, std::string process);
/// The registered names, sorted.
task<std::vector<std::string>> look_at_names(context& self, target& there);

}  // namespace troupe::tool
