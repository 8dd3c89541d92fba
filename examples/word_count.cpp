// SPDX-License-Identifier: BSL-1.0
// The main job: counts the words of many files at once, a process for each file: word_count [FILE|DIRECTORY]...
#include <troupe/actors/all.hpp>
#include <troupe/examples/text.hpp>

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

using namespace troupe;
using namespace troupe::literals;
using namespace std::chrono_literals;

// --- the messages ----------------------------------------------------------------------------------------------------

// To a reducer: the words of one block that are its to count. It answers when it has counted them.
struct words {
  std::vector<std::string> list;
  using reply = void;
};
struct word_total {
  std::string word;
  std::uint64_t count;
};
// To a reducer: all that it has counted.
struct get_totals {
  using reply = std::vector<word_total>;
};

// To the coordinator, from the readers: a block has been counted; a file is left out.
struct block_counted {
  std::uint64_t bytes, words, messages;
};
struct skipped {
  std::string path, why;
};

// To the coordinator, from main: the job, and its result.
struct summary {
  std::uint64_t files = 0, bytes = 0, words = 0, messages = 0;
  std::vector<skipped> left_out;
  std::vector<std::vector<word_total>> totals;  // of each reducer, in no order
};
struct count_files {
  std::vector<std::string> paths;
  using reply = summary;
};

// To the progress process.
struct status {
  std::uint64_t files_done, files, bytes, words;
};
struct tick {};
struct last_line {
  using reply = void;
};

// --- the processes ---------------------------------------------------------------------------------------------------

// Counts the words whose hash is its number, until it is asked for the result. Its map is its own: no lock, nobody else
// can reach it.
process reducer(context& self) {
  std::unordered_map<std::string, std::uint64_t> totals;
  std::optional<request<get_totals>> asked;
  while (!asked)
    co_await self.receive(
        [&](request<words> r) {
          for (const std::string& word : r->list) ++totals[word];
          r.reply();
        },
        [&](request<get_totals> r) { asked = std::move(r); });

  // A list of a million words takes longer than a process should hold its worker.
  std::vector<word_total> list = co_await self.blocking([&] {
    std::vector<word_total> all;
    all.reserve(totals.size());
    for (const auto& [word, count] : totals) all.push_back({word, count});
    return all;
  });
  asked->reply(std::move(list));
}

// Whose word is it? FNV-1a, and not std::hash, which may differ from one node to the next.
std::size_t reducer_of(const std::string& word, std::size_t reducers) {
  std::uint64_t hash = 14695981039346656037u;
  for (const char c : word) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return static_cast<std::size_t>(hash % reducers);
}

// Reads one file, and deals the words of each block out to the reducers. Ends when the file does. It reads the next
// block while the reducers count the last one, and no further ahead: whoever is slowest sets the pace, and no mailbox
// grows with the size of a file.
process file_reader(context& self, std::string path, std::vector<pid> reducers, pid coordinator) {
  try {
    text::file file = co_await self.blocking([&] { return text::file(path); });
    std::vector<response<void>> unanswered;
    for (;;) {
      const std::string block = co_await self.blocking([&] { return file.next_block(); });
      co_await self.all(std::move(unanswered));
      unanswered.clear();
      if (block.empty()) co_return;

      block_counted report{.bytes = block.size(), .words = 0, .messages = 1};
      std::vector<std::vector<std::string>> hands(reducers.size());
      text::each_word(block, [&](std::string word) {
        ++report.words;
        hands[reducer_of(word, reducers.size())].push_back(std::move(word));
      });
      for (std::size_t i = 0; i < reducers.size(); ++i) {
        if (hands[i].empty()) continue;
        unanswered.push_back(self.request<words>(reducers[i], std::move(hands[i])));
        report.messages += 2;  // and its answer
      }
      self.send(coordinator, report);
    }
  } catch (const text::not_text& e) {
    self.send<skipped>(coordinator, path, e.what());
  }
}

// Starts the readers, never more than `files_at_once`, and gathers the result. It stands or falls with its reducers,
// and a reader that crashes ends it too; either way main's call fails at once with the reason.
process coordinator(context& self, std::vector<pid> reducers, pid progress) {
  constexpr std::size_t files_at_once = 32;
  for (const pid& r : reducers) self.link(r);
  self.link(progress);

  request<count_files> job = co_await self.receive<request<count_files>>();
  const std::vector<std::string>& paths = job->paths;
  summary result;
  std::size_t begun = 0;
  std::size_t ended = 0;
  while (ended < paths.size()) {
    for (; begun < paths.size() && begun - ended < files_at_once; ++begun)
      self.spawn_monitor(file_reader, paths[begun], reducers, self.pid());
    co_await self.receive(
        [&](const block_counted& b) {
          result.bytes += b.bytes;
          result.words += b.words;
          result.messages += b.messages;
        },
        [&](skipped s) {
          result.left_out.push_back(std::move(s));
          ++result.messages;
        },
        [&](const down& reader) {  // after all that the reader has sent
          if (!reader.reason.is_atom("normal"_atom)) self.exit(reader.reason);
          ++ended;
        });
    self.send(progress, status{ended, paths.size(), result.bytes, result.words});
    ++result.messages;
  }
  result.files = paths.size() - result.left_out.size();

  std::vector<response<std::vector<word_total>>> asked;
  for (const pid& r : reducers) asked.push_back(self.request(r, get_totals{}, infinity));
  result.totals = co_await self.all(std::move(asked));

  co_await self.call(progress, last_line{});
  result.messages += 2 * reducers.size() + 2;
  job.reply(std::move(result));
}

// Shows how far the job is: on a terminal one line, rewritten ten times a second; elsewhere a line every second and at
// each quarter of the files.
process show_progress(context& self, bool terminal) {
  status now{0, 0, 0, 0};
  std::uint64_t quarters_shown = 0;
  const auto show = [&] {
    fmt::print("{}{} of {} files, {} bytes, {} words{}", terminal ? "\r\033[K" : "", now.files_done, now.files,
               now.bytes, now.words, terminal ? "" : "\n");
    std::fflush(stdout);
  };
  self.send_interval(terminal ? 100ms : 1s, self.pid(), tick{});
  for (bool done = false; !done;)
    co_await self.receive(
        [&](const status& s) {
          now = s;
          const std::uint64_t quarters = now.files_done * 4 / now.files;
          if (!terminal && quarters > std::exchange(quarters_shown, quarters)) show();
        },
        [&](const tick&) { show(); },
        [&](request<last_line> r) {
          if (terminal) {
            show();
            fmt::print("\n");
          }
          r.reply();
          done = true;
        });
}

// --- the program -----------------------------------------------------------------------------------------------------

// "1234567" as "1,234,567".
std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  return digits;
}

// Counts the same files one after the other, without a process. Says what differs.
bool agrees_with_plain_count(const std::vector<std::string>& paths, const summary& result,
                             const std::vector<word_total>& totals) {
  std::map<std::string, std::uint64_t> plain;
  std::uint64_t files = 0;
  for (const std::string& path : paths) files += text::count_plainly(path, plain) ? 1 : 0;
  std::uint64_t sum = 0;
  for (const auto& [word, count] : plain) sum += count;

  int differences = 0;
  const auto compare = [&](const std::string& what, std::uint64_t here, std::uint64_t there) {
    if (here != there && ++differences <= 10)
      fmt::print(stderr, "word_count: {}: {}, but the plain count says {}\n", what, here, there);
  };
  compare("files", result.files, files);
  compare("words", result.words, sum);
  compare("distinct words", totals.size(), plain.size());
  for (const word_total& t : totals) {
    const auto found = plain.find(t.word);
    compare("the word \"" + t.word + "\"", t.count, found == plain.end() ? 0 : found->second);
  }
  return differences == 0;
}

int main(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.empty()) {
    arguments.push_back("/usr/share/common-licenses");  // every Debian has these
    for (const char* part : {"README.md", "CMakeLists.txt", "mailbox", "actors", "net", "examples", "test"})
      arguments.push_back(std::string(TROUPE_SOURCE_DIR "/") + part);
  }
  std::vector<skipped> left_out;
  const std::vector<std::string> paths = text::find_files(
      arguments, [&](std::string path, std::string why) { left_out.push_back({std::move(path), std::move(why)}); });

  if (paths.empty()) {
    for (const skipped& s : left_out) fmt::print(stderr, "word_count: {}: {}\n", s.path, s.why);
    fmt::print(stderr, "word_count: there is no file to count\n");
    return 2;
  }
  const std::vector<text::stamp> before = text::stamps_of(paths);

  actor_system sys;
  const std::size_t reducer_count = std::max(4u, std::thread::hardware_concurrency());
  std::vector<pid> reducers;
  for (std::size_t i = 0; i < reducer_count; ++i) reducers.push_back(sys.spawn(reducer));
  const pid progress = sys.spawn(show_progress, isatty(STDOUT_FILENO) == 1);
  const pid boss = sys.spawn(coordinator, reducers, progress);

  fmt::print("counting the words of {} files, {} reducers\n", paths.size(), reducer_count);
  summary result;
  const auto start = std::chrono::steady_clock::now();
  try {
    result = sys.call(boss, count_files{paths}, infinity);
  } catch (const call_failed& e) {
    fmt::print(stderr, "word_count: {}\n", e.what());
    return 1;
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;

  left_out.insert(left_out.end(), result.left_out.begin(), result.left_out.end());
  for (const skipped& s : left_out) fmt::print("skipped {}: {}\n", s.path, s.why);

  std::vector<word_total> totals;
  for (std::vector<word_total>& part : result.totals) std::move(part.begin(), part.end(), std::back_inserter(totals));
  std::sort(totals.begin(), totals.end(), [](const word_total& a, const word_total& b) {
    return a.count != b.count ? a.count > b.count : a.word < b.word;
  });
  fmt::print("\nthe most frequent words\n");
  for (std::size_t i = 0; i < std::min<std::size_t>(20, totals.size()); ++i)
    fmt::print("{:>10}  {}\n", grouped(totals[i].count), totals[i].word);

  fmt::print("\n{:>10}  files ({} skipped)\n", grouped(result.files), left_out.size());
  fmt::print("{:>10}  bytes\n{:>10}  words\n", grouped(result.bytes), grouped(result.words));
  fmt::print("{:>10}  distinct words\n", grouped(totals.size()));
  fmt::print("{:>10}  messages\n", grouped(result.messages));
  fmt::print("{:>10}  messages/s\n",
             grouped(static_cast<std::uint64_t>(static_cast<double>(result.messages) / elapsed.count())));
  fmt::print("{:>10.3f}  s elapsed\n", elapsed.count());

  if (!agrees_with_plain_count(paths, result, totals)) {
    const std::vector<text::stamp> after = text::stamps_of(paths);
    for (std::size_t i = 0; i < paths.size(); ++i)
      if (before[i] != after[i]) fmt::print(stderr, "word_count: {} has changed meanwhile: try again\n", paths[i]);
    return 1;
  }
  fmt::print("a plain sequential count agrees exactly\n");
}

// What it shows
//
// - One process for each piece of the work, however many pieces there are: a reader holds no thread while it waits.
//   Only `self.blocking` uses one, from a pool beside the workers, for as long as the system call takes.
// - State without locks: each reducer owns its map. A word goes to the reducer that its hash says, so the maps are
//   disjoint and their sum is the result.
// - Back-pressure from request and answer: a reader waits for the answers about one block before it deals out the next.
// - Failure is planned once, by links and monitors, at the coordinator. A file that is no text is expected, and is a
//   message; a disk that fails in mid-file is not, and is a crash of that reader.
// - Time is messages as well: the progress process gets a tick from a timer and reports from the coordinator.
// - The processes know one another by pid and share nothing, and the messages are plain structs. So the reducers may
//   live on other nodes as soon as troupe has a network; nothing but the spawning in main would change.
