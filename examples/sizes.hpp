// SPDX-License-Identifier: BSL-1.0
// What the examples have in common that are told how big they shall be: the numbers on their command line.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <system_error>

namespace example {

/// A number that may be given: what it is called in the usage, what it is unless given, and its bounds.
struct size_option {
  const char* name;
  std::int64_t otherwise, least, most;
};

/// The command line as numbers, in order; those left out are what their option says. Whatever is no such number is
/// named on stderr, with the usage, and ends the program with exit code 2; --help prints the usage and ends it with 0.
template <std::size_t N>
std::array<std::int64_t, N> sizes(int argc, char** argv, const size_option (&options)[N]) {
  std::string_view program = argv[0];
  program.remove_prefix(program.rfind('/') + 1);  // npos + 1 is 0
  const auto usage = [&](std::FILE* to) {
    std::fprintf(to, "usage: %.*s", static_cast<int>(program.size()), program.data());
    for (const size_option& o : options) std::fprintf(to, " [%s", o.name);
    for (std::size_t i = 0; i < N; ++i) std::fputc(']', to);
    for (const size_option& o : options)
      std::fprintf(to, "\n  %s  from %lld to %lld, %lld unless given", o.name, static_cast<long long>(o.least),
                   static_cast<long long>(o.most), static_cast<long long>(o.otherwise));
    std::fputc('\n', to);
  };
  const auto refuse = [&](const char* argument, const char* why) {
    std::fprintf(stderr, "%.*s: '%s' %s\n", static_cast<int>(program.size()), program.data(), argument, why);
    usage(stderr);
    std::exit(2);
  };

  std::array<std::int64_t, N> given{};
  for (std::size_t i = 0; i < N; ++i) {
    given[i] = options[i].otherwise;
    if (i + 1 >= static_cast<std::size_t>(argc)) continue;
    const char* const argument = argv[i + 1];
    const std::string_view text = argument;
    if (text == "-h" || text == "--help") {
      usage(stdout);
      std::exit(0);
    }
    const char* const end = argument + text.size();
    const auto [stop, error] = std::from_chars(argument, end, given[i]);
    if (error == std::errc::invalid_argument || stop != end) refuse(argument, "is no whole number");
    if (error != std::errc() || given[i] < options[i].least || given[i] > options[i].most)
      refuse(argument, "is out of range");
  }
  if (static_cast<std::size_t>(argc) > N + 1) refuse(argv[N + 1], "is one argument too many");
  return given;
}

}  // namespace example
