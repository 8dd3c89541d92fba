// SPDX-License-Identifier: BSL-1.0
// From the table of commands to a command line.
#include <troupe/net/tool/command.hpp>
#include <troupe/net/tool/manual.hpp>
#include <troupe/net/tool/nearest.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <vector>

namespace troupe::tool {

namespace {

/// After the options: what the command does, and the example as it was written.
std::string help_footer(const command& c) {
  std::string text = std::string(c.description) + "\n\nExample:\n";
  std::string_view rest = c.example;
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    text += "  " + std::string(rest.substr(0, end)) + "\n";
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  return text;
}

/// The parser would say of a mistyped command that it has not expected it.
void refuse_unknown_command(int argc, const char* const* argv) {
  if (argc < 2 || argv[1][0] == '-') return;
  std::vector<std::string> names;
  for (const command& c : commands()) names.emplace_back(c.name);
  const std::string typed = argv[1];
  if (std::find(names.begin(), names.end(), typed) == names.end())
    throw tool_error("there is no command '" + typed + "'; " + script::suggestion(typed, names), 2);
}

}  // namespace

parsed_commands::parsed_commands() : cli(std::make_unique<CLI::App>("nodes of troupe and of Erlang, from the shell")) {
  cli->name("troupe");
  cli->require_subcommand(0, 1);
  for (const command& c : commands()) {
    CLI::App* sub = cli->add_subcommand(std::string(c.name), std::string(c.summary));
    sub->footer(help_footer(c));
    work.emplace_back(sub, c.prepare(*sub));
  }
}

parsed_commands::~parsed_commands() = default;

int main(int argc, const char* const* argv) {
  try {
    parsed_commands parsed;
    std::string completions;
    bool man = false;
    parsed.cli->add_flag("--man", man, "print the manual page, for man -l -");
    parsed.cli->add_option("--completions", completions, "print the completions for a shell: bash");
    try {
      parsed.cli->parse(argc, argv);
    } catch (const CLI::ParseError& e) {
      refuse_unknown_command(argc, argv);
      return parsed.cli->exit(e) == 0 ? 0 : 2;
    }
    if (man) {
      std::fputs(manual_page(parsed).c_str(), stdout);
      return 0;
    }
    if (!completions.empty()) {
      if (completions != "bash") throw tool_error("--completions " + completions + ": there are those for bash", 2);
      std::fputs(bash_completions(parsed).c_str(), stdout);
      return 0;
    }
    for (const auto& [sub, run] : parsed.work)
      if (sub->parsed()) return run();
    std::fputs(parsed.cli->help().c_str(), stderr);
    return 2;
  } catch (const tool_error& e) {
    std::fprintf(stderr, "troupe: %s\n", e.what());
    return e.exit_code();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "troupe: %s\n", e.what());
    return 1;
  }
}

}  // namespace troupe::tool
