// SPDX-License-Identifier: BSL-1.0
// The figures of OTP's behaviours, beside OTP's own in the same run, alternating. One line for each row and each of the
// two: row, who, min, median, max, unit.
#include "behaviours.hpp"
#include "report.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

namespace {

struct row {
  const char* title;
  const char* name;  // of the row in behaviours_bench.erl
  const char* unit;
  std::size_t size;
  double (*run)(std::size_t);
};

const row rows[] = {
    {"gen_server call, same node", "calls", "ns", 1'000'000, server_calls},
    {"supervisor, restarts of a gen_server", "restarts", "k/s", 5'000, supervisor_restarts},
    {"simple_one_for_one, start of 100,000", "start", "ms", 100'000, dynamic_children_start},
    {"simple_one_for_one, shutdown of 100,000", "shutdown", "ms", 100'000, dynamic_children_end},
};

/// What Erlang says for that row; negative when it says nothing.
double erlang_figure(const std::string& beams, const char* name, std::size_t size) {
  const std::string command = "erl -noshell -pa " + beams + " -eval 'behaviours_bench:main([\"" + name + "\", \"" +
                              std::to_string(size) + "\"]), halt().' 2>/dev/null";
  std::FILE* out = ::popen(command.c_str(), "r");
  double figure = -1;
  if (out != nullptr && std::fscanf(out, "%lf", &figure) != 1) figure = -1;
  if (out != nullptr) ::pclose(out);
  return figure;
}

}  // namespace

int main(int argc, char** argv) {
  const bool quick = argc > 1 && std::string_view(argv[1]) == "--quick";
  if (argc > 1 && !quick) {
    std::fprintf(stderr, "usage: behaviours_bench [--quick]\nErlang's figures only where erl and erlc are there.\n");
    return std::string_view(argv[1]) == "--help" ? 0 : 2;
  }
  const std::size_t rounds = quick ? 1 : 5;
  const char* tmp = std::getenv("TMPDIR");
  std::string beams = std::string(tmp != nullptr ? tmp : "/tmp") + "/troupe-behaviours-bench-XXXXXX";
  const bool with_erlang =
      ::mkdtemp(beams.data()) != nullptr &&
      std::system(("erlc -o " + beams + " " + TROUPE_BENCH_DIR + "/behaviours_bench.erl 2>/dev/null").c_str()) == 0;
  for (const row& r : rows) {
    const std::size_t size = quick ? r.size / 50 : r.size;
    std::vector<double> ours, theirs;
    for (std::size_t round = 0; round < rounds; ++round) {
      ours.push_back(r.run(size));
      if (with_erlang) theirs.push_back(erlang_figure(beams, r.name, size));
    }
    bench::print_figures(r.title, "troupe", std::move(ours), r.unit);
    bench::print_figures(r.title, "erlang", std::move(theirs), r.unit);
  }
  std::system(("rm -rf " + beams).c_str());
  return 0;
}
