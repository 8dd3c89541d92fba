// SPDX-License-Identifier: BSL-1.0
// What the programs of figures share: the line of a row, the processor time that idle rows go by, and a command line.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <thread>
#include <vector>

#include <sys/resource.h>

namespace bench {

/// Prints title, who, min, median, max and unit, tab-separated. Nothing for a row that was not measured.
inline void print_figures(const char* title, const char* who, std::vector<double> figures, const char* unit) {
  if (figures.empty()) return;
  std::sort(figures.begin(), figures.end());
  std::printf("%s\t%s\t%.4g\t%.4g\t%.4g\t%s\n", title, who, figures.front(), figures[figures.size() / 2],
              figures.back(), unit);
  std::fflush(stdout);
}

/// What the command line says: [--quick] [--scale X] [--rounds N] [TEXT].
struct options {
  double scale = 1;  // how large: 1 in full, less for a smoke test
  std::size_t rounds = 5;
  std::string_view filter;  // rows whose name contains it
};

/// Takes one argument, and what belongs to it, and moves `i` to its last. False: it is none of these, or makes no
/// sense.
inline bool take_argument(options& o, int argc, char** argv, int& i) {
  const std::string_view argument = argv[i];
  if (argument == "--quick") {
    o.scale = 0.01;
    o.rounds = 1;
  } else if (argument == "--scale" && i + 1 < argc) {
    o.scale = std::strtod(argv[++i], nullptr);
  } else if (argument == "--rounds" && i + 1 < argc) {
    o.rounds = std::strtoul(argv[++i], nullptr, 10);
  } else if (argument.starts_with("-")) {
    return false;
  } else {
    o.filter = argument;
  }
  return o.scale > 0 && o.rounds > 0;
}

/// Seconds of a processor that this program has used.
inline double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// The share of a processor, in per cent, that this program takes while it does nothing: over 3 s, or 300 ms when
/// quick.
inline double idle_share(bool quick) {
  using namespace std::chrono_literals;
  std::this_thread::sleep_for(200ms);  // what was begun comes to rest
  const double before = cpu_seconds();
  const auto start = std::chrono::steady_clock::now();
  std::this_thread::sleep_for(quick ? 300ms : 3000ms);
  return (cpu_seconds() - before) / std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() *
         100;
}

}  // namespace bench
