// SPDX-License-Identifier: BSL-1.0
// The main job under supervision: words are counted by an application whose processes are killed: supervised_count
// [--config FILE]
#include <troupe/actors/all.hpp>
#include <troupe/actors/behaviours/all.hpp>
#include <troupe/examples/text.hpp>
#include <troupe/net/run.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace troupe;
using namespace std::chrono_literals;

using word_counts = std::map<std::string, std::uint64_t>;

std::atomic<bool> wrong{false};  // the count differs from the sequential one

word_counts count_file(const std::string& path) {
  word_counts words;
  text::file file(path);
  for (std::string block = file.next_block(); !block.empty(); block = file.next_block())
    text::each_word(block, [&](std::string word) { ++words[std::move(word)]; });
  return words;
}

// --- the messages ----------------------------------------------------------------------------------------------------

// From a reader to the totals. Answered when it is in.
struct counted {
  std::string path;
  word_counts words;
  using reply = void;
};
// To the totals: how far is it?
struct progress {
  using reply = std::uint64_t;
};
// To the totals: everything.
struct result {
  using reply = word_counts;
};

// --- the tree: totals <- readers <- dealer, rest_for_one -------------------------------------------------------------

// A file that is told twice, because its reader was killed just after it had told it, is counted once.
class totals : public gen_server {
 public:
  void add(const counted& c) {
    if (!files_.insert(c.path).second) return;
    for (const auto& [word, n] : c.words) words_[word] += n;
  }
  std::uint64_t tell(const progress&) const { return files_.size(); }
  word_counts all(const result&) const { return words_; }

  using handles = handlers<call<&totals::add>, call<&totals::tell>, call<&totals::all>>;

 private:
  std::set<std::string> files_;
  word_counts words_;
};

// One for each file. It ends normally when its file is in; else its supervisor starts another one with the same file.
process reader(context& self, std::string path) {
  const auto count = [path] { return count_file(path); };
  const word_counts words = co_await self.blocking(count);
  co_await self.sleep(5ms);  // time to be killed
  co_await self.call<counted>(server<totals>("totals"), path, words);
}

// Hands out the files, shows how far it is, and compares. Its end is the application's.
process dealer(context& self, std::vector<std::string> files) {
  const server<totals> sums("totals");
  for (const std::string& path : files) co_await start_child(self, "readers", path);
  std::uint64_t done = 0;
  while (done < files.size()) {
    co_await self.sleep(20ms);
    done = co_await self.call(sums, progress{});
    std::printf("\r%llu of %zu files", static_cast<unsigned long long>(done), files.size());
    std::fflush(stdout);
  }
  const word_counts words = co_await self.call(sums, result{});
  word_counts expected;
  std::uint64_t count = 0;
  for (const std::string& path : files)
    for (const auto& [word, n] : count_file(path)) {
      expected[word] += n;
      count += n;
    }
  std::printf("\n%llu words, %zu different; a sequential count says %s\n", static_cast<unsigned long long>(count),
              words.size(), words == expected ? "exactly the same" : "something else");
  wrong = words != expected;
}

class counting : public supervisor {
 public:
  explicit counting(std::vector<std::string> files) : files_(std::move(files)) {}

  supervisor_init init() {
    const supervisor_flags many_readers{.strategy = simple_one_for_one, .intensity = 100'000};
    std::vector<child_spec> readers{
        {.id = "reader", .start = child_of(reader, later<std::string>), .restart = transient, .shutdown = brutal_kill}};
    return {{.strategy = rest_for_one, .intensity = 100, .auto_shutdown = auto_shutdown::any_significant},
            {{.id = "totals", .start = child_of<totals>({.name = "totals"})},
             {.id = "readers", .start = child_of<supervisor>({.name = "readers"}, many_readers, std::move(readers))},
             {.id = "dealer", .start = child_of(dealer, files_), .restart = transient, .significant = true}}};
  }

 private:
  std::vector<std::string> files_;
};

// --- the saboteur ----------------------------------------------------------------------------------------------------

// Kills readers, and the totals once: then everybody after them begins anew.
process saboteur(context& self, std::int64_t kills) {
  bool totals_killed = false;
  for (std::int64_t n = 0; n < kills;) {
    co_await self.sleep(1ms);
    std::vector<child_info> readers;
    try {
      readers = co_await which_children(self, "readers");
    } catch (const call_failed&) {
      continue;  // they have been killed with the totals, and are on their way
    }
    const auto victim = std::find_if(readers.begin(), readers.end(), [](const child_info& c) { return c.running(); });
    if (victim == readers.end()) continue;
    self.exit(victim->process, "kill"_atom);
    ++n;
    if (n > kills / 2 && !std::exchange(totals_killed, true))
      if (const pid sums = self.whereis("totals")) self.exit(sums, "kill"_atom);
  }
  std::printf("\n%lld readers killed, and the totals\n", static_cast<long long>(kills));
}

// --- the application -------------------------------------------------------------------------------------------------

int main(int argc, char** argv) {
  set_log_level(log_level::off);  // reports of killed children
  application app;
  app.name = "supervised_count";
  app.environment = R"({"directories": ["/usr/share/common-licenses"], "kills": 20})";
  app.start = [](context& self, const environment& env) -> task<start_result> {
    const auto skip = [](const std::string& path, const std::string& why) {
      std::fprintf(stderr, "%s: %s\n", path.c_str(), why.c_str());
    };
    const auto files = text::find_files(env.get<std::vector<std::string>>("directories"), skip);
    start_result root = co_await self.try_start_link<counting>({.name = "counting"}, files);
    if (root.started()) self.spawn(saboteur, env.get<std::int64_t>("kills"));
    co_return root;
  };
  const int code = run(argc, argv, std::move(app));
  return code != 0 ? code : static_cast<int>(wrong);
}
