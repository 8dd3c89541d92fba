// SPDX-License-Identifier: BSL-1.0
// From the table of commands to a command line.
#include <troupe/net/tool/command.hpp>
#include <troupe/net/tool/manual.hpp>
#include <troupe/net/tool/nearest.hpp>

#include <troupe/net/run_line.hpp>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cerrno>
#include <clocale>
#include <cstdio>
#include <cstring>
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

void add_seconds(CLI::App& cli, const std::string& option, double& seconds, double least, double most,
                 const std::string& what) {
  cli.add_option(option, seconds, what)->check([least, most](const std::string& text) {
    double value = 0;
    if (CLI::detail::lexical_cast(text, value) && value >= least && value <= most) return std::string();
    return fmt::format("{} is no time: write seconds, from {} to {}", text, least, most);
  });
}

void add_timeout(CLI::App& cli, double& seconds) {
  add_seconds(cli, "--timeout", seconds, 0.001, 1e6, "seconds to wait for an answer; 5 unless said");
}

void add_epmd_port(CLI::App& cli, std::uint16_t& port) {
  cli.add_option("--epmd-port", port, "epmd's port; else $ERL_EPMD_PORT, or 4369");
}

void check_node_name(const std::string& name) {
  const auto at = name.find('@');
  if (at == std::string::npos || at == 0 || at + 1 == name.size() || name.find('@', at + 1) != std::string::npos)
    throw tool_error("'" + name + "' is no node's name: write NAME@HOST, as in shop@127.0.0.1", 2);
}

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

namespace {

/// What was written may still wait to be written: on a full disk that is no success.
int ended(int code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  throw tool_error(std::string("the output cannot be written: ") + std::strerror(errno));
}

int run_command_line(int argc, const char* const* argv) {
  parsed_commands parsed;
  std::string completions;
  bool man = false;
  parsed.cli->set_version_flag("--version", "troupe " TROUPE_VERSION, "print the version");
  parsed.cli->add_flag("--man", man, "print the manual page, for man -l -");
  parsed.cli->add_option("--completions", completions, "print the completions for a shell: bash");
  try {
    parsed.cli->parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    refuse_unknown_command(argc, argv);
    return ended(parsed.cli->exit(e) == 0 ? 0 : 2);
  }
  if (man) {
    std::fputs(manual_page(parsed).c_str(), stdout);
    return ended(0);
  }
  if (!completions.empty()) {
    if (completions != "bash") throw tool_error("--completions " + completions + ": there are those for bash", 2);
    std::fputs(bash_completions(parsed).c_str(), stdout);
    return ended(0);
  }
  for (const auto& [sub, run] : parsed.work)
    if (sub->parsed()) return ended(run());
  std::fputs(parsed.cli->help().c_str(), stderr);
  return 2;
}

}  // namespace

int main(int argc, const char* const* argv) {
  troupe::detail::keep_standard_descriptors();
  std::setlocale(LC_CTYPE, "");  // libedit reads characters, not bytes; and there are no threads yet
  int code = 1;
  std::string why;
  try {
    return run_command_line(argc, argv);
  } catch (const tool_error& e) {
    code = e.exit_code();
    why = e.what();
  } catch (const std::exception& e) {
    why = e.what();
  }
  std::fprintf(stderr, "%s%s\n", why.starts_with("troupe: ") ? "" : "troupe: ", why.c_str());
  return code;
}

}  // namespace troupe::tool
