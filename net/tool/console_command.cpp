// SPDX-License-Identifier: BSL-1.0
// troupe console: a prompt at which one talks with a node.
#include <troupe/net/tool/acting.hpp>
#include <troupe/net/tool/command.hpp>
#include <troupe/net/tool/line_editor.hpp>
#include <troupe/net/tool/looking.hpp>
#include <troupe/net/tool/nearest.hpp>
#include <troupe/net/tool/shown.hpp>
#include <troupe/net/tool/target.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::tool {

using namespace literals;
using namespace std::chrono_literals;

namespace {

/// A word of the console, as its `help` and its completion know it.
struct console_word {
  const char* word;
  const char* arguments;
  const char* what;
};

constexpr console_word words[] = {
    {"send", "PROCESS MESSAGE", "send a message"},
    {"cast", "PROCESS MESSAGE", "send it as gen_server:cast"},
    {"call", "PROCESS MESSAGE", "call, and show the answer"},
    {"state", "PROCESS", "the state of a behaviour"},
    {"info", "[PROCESS]", "what is known of the process, or of the node"},
    {"ps", "", "the processes"},
    {"tree", "[PROCESS]", "the supervisors, and what they supervise"},
    {"names", "", "the registered names"},
    {"kill", "PROCESS", "end it at once"},
    {"stop", "PROCESS", "end a behaviour in good order"},
    {"help", "", "this list"},
    {"quit", "", "the end; so is Ctrl-D"},
};

/// Cuts the first word off.
std::string take_word(std::string_view& rest) {
  const auto begin = rest.find_first_not_of(" \t");
  rest = begin == std::string_view::npos ? std::string_view() : rest.substr(begin);
  const std::size_t end = first_word(rest);
  const std::string word(rest.substr(0, end));
  rest = rest.substr(end);
  const auto next = rest.find_first_not_of(" \t");
  rest = next == std::string_view::npos ? std::string_view() : rest.substr(next);
  return word;
}

std::string help() {
  std::string text;
  for (const console_word& w : words) {
    std::string line = std::string(w.word) + " " + w.arguments;
    line.resize(std::max<std::size_t>(line.size() + 1, 24), ' ');
    text += line + w.what + "\n";
  }
  return text +
         "PROCESS is a registered name or a pid, MESSAGE an Erlang term, {increment, 3}, or JSON, "
         "{\"increment\": {\"by\": 3}}\n";
}

/// What one line says is done; gives what is to be shown.
task<std::string> perform(context& self, target& there, std::string line) {
  std::string_view rest = line;
  const std::string verb = take_word(rest);
  const console_word* known = nullptr;
  for (const console_word& w : words)
    if (verb == w.word) known = &w;
  if (known == nullptr) {
    std::vector<std::string> verbs;
    for (const console_word& w : words) verbs.emplace_back(w.word);
    throw tool_error("there is no command '" + printable(verb) + "'; " + script::suggestion(verb, verbs), 2);
  }
  if (verb == "help") co_return help();
  const std::string process = take_word(rest);
  const std::string_view arguments = known->arguments;
  if (arguments.starts_with("PROCESS") && process.empty())
    throw tool_error(verb + " " + known->arguments + ": which PROCESS?", 2);
  if (verb == "ps") {
    const process_table table = co_await look_at_processes(self, there, sort_key::pid, SIZE_MAX);
    co_return to_string(table);
  }
  if (verb == "names") {
    std::string all;
    const std::vector<std::string> names = co_await look_at_names(self, there);
    for (const std::string& n : names) all += n + "\n";
    co_return all;
  }
  if (verb == "tree") co_return co_await look_at_tree(self, there, process);
  if (verb == "info") co_return co_await look_at(self, there, process);
  if (verb == "state") {
    const term state = co_await state_of(self, there, process);
    co_return there.show(state) + "\n";
  }
  if (verb == "kill") {
    const term reason = co_await end_process(self, there, process, "kill"_atom);
    co_return there.show(reason) + "\n";
  }
  if (verb == "stop") {
    co_await stop_process(self, there, process, "normal"_atom);
    co_return "ok\n";
  }
  if (rest.empty()) throw tool_error(verb + " " + known->arguments + ": which MESSAGE?", 2);
  const term message = there.message(std::string(rest), false);
  if (verb == "call") {
    const term answer = co_await call_to(self, there, process, message);
    co_return there.show(answer) + "\n";
  }
  co_await send_to(self, there, process, message, verb == "cast");
  co_return "ok\n";
}

/// For the completion; nothing where nobody tells, or not soon: the prompt does not wait for that.
task<std::vector<std::string>> names_or_none(context& self, target& there) {
  const detail::duration patience = there.set_patience(std::min<detail::duration>(there.patience(), 300ms));
  std::vector<std::string> names;
  try {
    names = co_await look_at_names(self, there);
  } catch (const tool_error&) {
  }
  there.set_patience(patience);
  co_return names;
}

task<int> run_console(context& self, target& there, std::string history) {
  line_editor editor("troupe", std::move(history));
  std::vector<std::string> verbs;
  for (const console_word& w : words) verbs.emplace_back(w.word);
  const std::string prompt = there.name() + "> ";
  int code = 0;
  for (;;) {
    if (editor.is_terminal()) {
      std::vector<std::string> names = co_await names_or_none(self, there);
      editor.complete(verbs, std::move(names));
    }
    const std::optional<std::string> line = co_await self.blocking([&] { return editor.read(prompt); });
    if (!line) {
      if (editor.is_terminal()) std::puts("");
      break;
    }
    std::string_view rest = *line;
    const std::string verb = take_word(rest);
    if (verb.empty()) continue;
    if (verb == "quit" || verb == "exit") break;
    std::optional<tool_error> failed;
    try {
      const std::string said = co_await perform(self, there, *line);
      std::fwrite(said.data(), 1, said.size(), stdout);
    } catch (const tool_error& e) {
      failed = e;
    } catch (const std::exception& e) {  // what nobody has thought of does not end the session
      failed.emplace(e.what());
    }
    code = failed ? failed->exit_code() : 0;
    if (failed) {
      const tool_error why = co_await with_suggestion(self, there, *failed);
      std::fprintf(editor.is_terminal() ? stdout : stderr, "%s\n", why.what());
    }
    std::fflush(stdout);
  }
  co_return editor.is_terminal() ? 0 : code;
}

std::string default_history() {
  const char* home = std::getenv("HOME");
  return home != nullptr && *home != '\0' ? std::string(home) + "/.troupe_history" : std::string();
}

struct console_options : target_options {
  std::string history = default_history();
};

}  // namespace

command console_command() {
  return {
      "console", "talk with a node at a prompt",
      "Reads lines with the words send, cast, call, state, info, ps, tree, names, kill and stop, which do what the\n"
      "commands of those names do; help lists them. The arrow keys bring lines back, Ctrl-R looks for one, and the\n"
      "tab key completes words and, where the node serves an observer, registered names. A message is an Erlang term\n"
      "or JSON. Input that is no terminal is read without a prompt; then the exit code is that of its last line.",
      "troupe console shop@127.0.0.1\n"
      "  shop@127.0.0.1> call counter {increment, 3}\n  8\n  shop@127.0.0.1> quit",
      [](CLI::App& cli) -> std::function<int()> {
        auto o = std::make_shared<console_options>();
        o->add_to(cli);
        cli.add_option("--history", o->history, "the file that keeps the lines; ~/.troupe_history unless said");
        return [o] {
          return with_target(*o, [&](context& self, target& there) -> task<int> {
            const int code = co_await run_console(self, there, o->history);
            co_return code;
          });
        };
      }};
}

}  // namespace troupe::tool
