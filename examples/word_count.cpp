// SPDX-License-Identifier: BSL-1.0
// The main job: counts the words of many files on three nodes, one of which is killed half-way
#include <troupe/actors/all.hpp>
#include <troupe/examples/text.hpp>
#include <troupe/net/loopback.hpp>
#include <troupe/net/node.hpp>
#include <troupe/net/peer.hpp>

#include <fmt/core.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <bitset>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

using namespace troupe;
using namespace troupe::literals;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

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

// To the coordinator, from the keepers of the nodes: a node is there, is lost, and will not come back.
struct node_up {
  atom node;
  int os_pid;
  double seconds;  // that it took to start
};
struct node_lost {
  atom node;
  std::string how;
};
struct node_given_up {
  atom node;
  std::string why;
};
// To a keeper.
struct kill_node {};
struct stop_node {
  using reply = void;
};

// To the coordinator, from main: the job, and its result.
struct summary {
  std::uint64_t files = 0, bytes = 0, words = 0, messages = 0;
  std::vector<skipped> left_out;
  std::vector<std::vector<word_total>> totals;  // of each reducer, in no order
  std::uint64_t losses = 0;                     // of nodes
  double recovery = 0;                          // seconds, from the last loss until all was counted again
};
struct count_files {
  std::vector<std::string> paths;
  std::vector<std::string> peers;  // names of the nodes to start beside this one
  int kill_at;                     // per cent of the work, at which the first of them is killed; -1: never
  using reply = summary;
};

// To the progress process.
struct status {
  std::uint64_t percent, files, bytes, words;
};
struct note {
  std::string text;
};
struct tick {};
struct last_line {
  using reply = void;
};

// --- the processes on all nodes --------------------------------------------------------------------------------------

// Counts the words that are its share, until it is asked for the result. Its map is its own: no lock, nobody else can
// reach it. It may live on any node.
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

// --- the processes on the first node ---------------------------------------------------------------------------------

// Whose word is it? FNV-1a, and not std::hash, which may differ from one node to the next.
std::size_t share_of(const std::string& word, std::size_t shares) {
  std::uint64_t hash = 14695981039346656037u;
  for (const char c : word) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return static_cast<std::size_t>(hash % shares);
}

// Reads one file, and deals the words of each block out to the reducers; a null pid: that share is not wanted. Ends
// when the file does. It reads the next block while the reducers count the last one, and no further ahead: whoever is
// slowest sets the pace, and no mailbox grows with the size of a file. A reducer that is lost gets nothing more; what
// that means is the coordinator's affair, who hears of it too.
process file_reader(context& self, std::string path, bool again, std::vector<pid> reducers, pid coordinator) {
  try {
    text::file file = co_await self.blocking([&] { return text::file(path); });
    std::vector<std::pair<std::size_t, response<void>>> unanswered;
    for (;;) {
      const std::string block = co_await self.blocking([&] { return file.next_block(); });
      for (auto& [share, answer] : unanswered) {
        try {
          co_await answer;
        } catch (const call_failed&) {
          reducers[share] = pid();
        }
      }
      unanswered.clear();
      if (block.empty()) co_return;

      block_counted report{.bytes = again ? 0 : block.size(), .words = 0, .messages = 1};
      std::vector<std::vector<std::string>> hands(reducers.size());
      text::each_word(block, [&](std::string word) {
        if (!again) ++report.words;
        hands[share_of(word, reducers.size())].push_back(std::move(word));
      });
      for (std::size_t i = 0; i < reducers.size(); ++i) {
        if (!reducers[i] || hands[i].empty()) continue;
        unanswered.emplace_back(i, self.request<words>(reducers[i], after(infinity), std::move(hands[i])));
        report.messages += 2;  // and its answer
      }
      self.send(coordinator, report);
    }
  } catch (const text::not_text& e) {
    self.send<skipped>(coordinator, path, e.what());
  }
}

// Keeps one node running: starts it, again whenever it is lost, and tells the coordinator. Its peer ends with it.
process node_keeper(context& self, std::string name, pid coordinator) {
  constexpr int most_starts = 20;
  std::string why = "it was lost too often";
  try {
    for (int start = 0; start < most_starts; ++start) {
      const auto begun = steady_clock::now();
      const peer_options options{.name = name};
      peer node = co_await start_peer(self, options);
      const std::chrono::duration<double> took = steady_clock::now() - begun;
      monitor_node(self, name);
      self.send<node_up>(coordinator, node.name(), node.os_pid(), took.count());
      std::optional<request<stop_node>> stop;
      for (bool there = true; there && !stop;)
        co_await self.receive([&](const kill_node&) { node.kill(); },  // SIGKILL: it can do nothing about it
                              [&](const nodedown&) { there = false; },
                              [&](request<stop_node> r) { stop = std::move(r); });
      if (stop) {
        co_await self.blocking([&] { node.stop(); });
        stop->reply();
        co_return;
      }
      // However the connection was lost: what may still run there has lost its work's meaning.
      self.send<node_lost>(coordinator, node.name(), node.kill().to_string());
    }
  } catch (const node_error& e) {
    why = e.what();
  }
  self.send<node_given_up>(coordinator, atom(name), why);
  request<stop_node> stop = co_await self.receive<request<stop_node>>();
  stop.reply();
}

// Some of the shares that the words are dealt out in, by number.
using shares = std::bitset<64>;

// What the coordinator knows and does. A share of the words is counted by one reducer, on one node. When that is lost,
// so is all that the reducer had counted. The share gets a new reducer, which starts at zero, so it is to do again in
// every file; the other shares are not touched by that. `to_do_` says for each file which shares it is still to be read
// for, and a file that is begun takes those of them that have a reducer. That is all there is to recovery.
class coordination {
 public:
  coordination(context& self, pid progress, std::size_t share_count, count_files order)
      : self_(self), progress_(progress), order_(std::move(order)), reducers_(share_count), place_of_(share_count),
        files_(order_.paths.size()) {
    for (std::size_t i = 0; i < share_count; ++i) all_.set(i);
    for (file& f : files_) f.to_do = all_;
    places_[node_of(self)] = {.state = place::up, .keeper = {}};
    for (const std::string& name : order_.peers)
      places_[atom(name)] = {.state = place::starting, .keeper = self.spawn_link(node_keeper, name, self.pid())};
  }

  task<summary> run() {
    for (;;) {
      co_await give_reducers();
      begin_files();
      kill_one_when_it_is_time();
      if (reading_.empty() && nothing_to_do()) co_await gather();
      if (gathered_ == all_) break;
      co_await hear();
      self_.send(progress_, status{percent_done(), files_.size(), result_.bytes, result_.words});
      result_.messages += 2;
    }
    result_.files = files_.size() - result_.left_out.size();
    for (const auto& [name, p] : places_)
      if (p.keeper) co_await self_.call(p.keeper, stop_node{}, 30s);
    co_return std::move(result_);
  }

 private:
  static constexpr std::size_t files_at_once = 32;

  struct file {
    shares to_do;
    int begun = 0;        // so often
    int readers = 0;      // that are at work on it
    bool behind = false;  // it had been begun when a node was lost, and is not done again yet
  };
  struct reading {
    std::size_t file;
    shares what;
  };
  struct place {
    enum { starting, up, gone } state = starting;
    pid keeper;
    int os_pid = 0;
    int losses = 0;
  };

  // Every share without a reducer gets one, on the node that has the fewest; not while a node is starting, which then
  // has none.
  task<void> give_reducers() {
    for (const auto& [name, p] : places_)
      if (p.state == place::starting) co_return;
    for (std::size_t i = 0; i < reducers_.size(); ++i) {
      if (reducers_[i] || gathered_[i]) continue;
      const atom node = emptiest_node();
      try {
        reducers_[i] = co_await spawn_link_at(self_, node, "reducer");
        place_of_[i] = node;
        next_ = 0;
      } catch (const call_failed&) {
        places_[node].state = place::starting;  // its keeper is about to tell
        co_return;
      }
    }
  }

  atom emptiest_node() const {
    const auto count = [&](atom node) {
      std::size_t n = 0;
      for (std::size_t i = 0; i < reducers_.size(); ++i) n += reducers_[i] && place_of_[i] == node ? 1 : 0;
      return n;
    };
    atom best = node_of(self_);
    for (const auto& [name, p] : places_)
      if (p.state == place::up && count(name) < count(best)) best = name;
    return best;
  }

  void begin_files() {
    for (; next_ < files_.size() && reading_.size() < files_at_once; ++next_) {
      file& f = files_[next_];
      shares what;
      std::vector<pid> reducers(reducers_.size());
      for (std::size_t i = 0; i < reducers.size(); ++i) {
        if (!f.to_do[i] || !reducers_[i]) continue;
        what.set(i);
        reducers[i] = reducers_[i];
      }
      if (what.none()) continue;
      f.to_do &= ~what;
      const bool again = f.begun++ > 0;
      ++f.readers;
      const spawned r = self_.spawn_monitor(file_reader, order_.paths[next_], again, std::move(reducers), self_.pid());
      reading_[r.monitor] = {next_, what};
    }
  }

  void kill_one_when_it_is_time() {
    if (order_.kill_at < 0 || order_.peers.empty() || percent_done() < static_cast<std::uint64_t>(order_.kill_at))
      return;
    const auto first = places_.find(atom(order_.peers.front()));
    if (first->second.state != place::up) return;
    order_.kill_at = -1;
    tell("kill -9 {}: that is {}", first->second.os_pid, first->first.name());
    self_.send(first->second.keeper, kill_node{});
  }

  bool nothing_to_do() const {
    for (std::size_t i = 0; i < reducers_.size(); ++i)
      if (!reducers_[i] && !gathered_[i]) return false;
    return std::all_of(files_.begin(), files_.end(), [](const file& f) { return f.to_do.none(); });
  }

  // All words are counted: asks for the result. A reducer may still be lost before it has answered.
  task<void> gather() {
    std::vector<std::pair<std::size_t, response<std::vector<word_total>>>> asked;
    for (std::size_t i = 0; i < reducers_.size(); ++i)
      if (!gathered_[i]) asked.emplace_back(i, self_.request(reducers_[i], get_totals{}, infinity));
    for (auto& [share, answer] : asked) {
      try {
        result_.totals.push_back(co_await answer);
        gathered_.set(share);
        reducers_[share] = pid();  // it has ended
      } catch (const call_failed& e) {
        lose_reducer(share, e.reason());
      }
      result_.messages += 2;
    }
  }

  task<void> hear() {
    co_await self_.receive(
        [&](const block_counted& b) {
          result_.bytes += b.bytes;
          result_.words += b.words;
          result_.messages += b.messages;
        },
        [&](skipped s) {
          const auto same = [&](const skipped& other) { return other.path == s.path; };
          if (std::none_of(result_.left_out.begin(), result_.left_out.end(), same))
            result_.left_out.push_back(std::move(s));
        },
        [&](const down& reader) {  // after all that the reader has sent
          if (!reader.reason.is_atom("normal"_atom)) self_.exit(reader.reason);
          end_file(reader.ref);
        },
        [&](const node_up& n) {
          place& p = places_[n.node];
          p.state = place::up;
          p.os_pid = n.os_pid;
          tell("{} is {}: OS process {}, started in {:.0f} ms", n.node.name(), p.losses > 0 ? "back" : "up", n.os_pid,
               n.seconds * 1000);
        },
        [&](const node_lost& n) { lose_node(n); },
        [&](const node_given_up& n) {
          places_[n.node].state = place::gone;
          tell("going on without {}: {}", n.node.name(), n.why);
        },
        [&](const exit_signal& e) {
          const auto found = std::find(reducers_.begin(), reducers_.end(), e.from);
          if (found != reducers_.end())
            lose_reducer(static_cast<std::size_t>(found - reducers_.begin()), e.reason);
          else if (!e.reason.is_atom("normal"_atom) && !e.reason.is_atom("noconnection"_atom) &&
                   !e.reason.is_atom("killed"_atom))
            self_.exit(e.reason);
        });
  }

  void end_file(const reference& reader) {
    const auto found = reading_.find(reader);
    file& f = files_[found->second.file];
    shares_done_ += found->second.what.count();
    reading_.erase(found);
    --f.readers;
    if (!f.behind || f.readers > 0 || f.to_do.any()) return;
    f.behind = false;
    if (--behind_ > 0) return;
    const std::chrono::duration<double> since = steady_clock::now() - lost_at_;
    result_.recovery = since.count();
    tell("all that was lost is counted again, {:.0f} ms after the loss", since.count() * 1000);
  }

  // A crash would happen again: only what happens to nodes, and kills, can be made good.
  void lose_reducer(std::size_t share, const term& reason) {
    if (reason.is_tuple()) self_.exit(reason);
    place& p = places_[place_of_[share]];
    if (reason.is_atom("noconnection"_atom) && p.state == place::up) p.state = place::starting;  // its keeper will tell
    shares one;
    one.set(share);
    lose(one);
  }

  void lose_node(const node_lost& n) {
    places_[n.node].state = place::starting;
    ++places_[n.node].losses;
    shares its;
    for (std::size_t i = 0; i < reducers_.size(); ++i)
      if (place_of_[i] == n.node && !gathered_[i]) its.set(i);
    lose(its);
    ++result_.losses;
    tell("{} is lost ({}), and with it {} of the {} shares; {} files will be read again for them", n.node.name(), n.how,
         its.count(), reducers_.size(), behind_);
  }

  void lose(shares which) {
    for (std::size_t i = 0; i < reducers_.size(); ++i) {
      if (!which[i]) continue;
      if (!reducers_[i]) which.reset(i);  // known already
      reducers_[i] = pid();
    }
    if (which.none()) return;
    if (behind_ == 0) lost_at_ = steady_clock::now();
    for (auto& [reader, r] : reading_) r.what &= ~which;
    shares_done_ = files_.size() * reducers_.size();
    for (file& f : files_) {
      f.to_do |= which;
      shares_done_ -= f.to_do.count();
      if (f.begun == 0 || f.behind) continue;
      f.behind = true;
      ++behind_;
    }
    for (const auto& [reader, r] : reading_) shares_done_ -= r.what.count();
  }

  std::uint64_t percent_done() const { return shares_done_ * 100 / (files_.size() * reducers_.size()); }

  template <class... Args>
  void tell(fmt::format_string<Args...> format, Args&&... args) {
    self_.send<note>(progress_, fmt::format(format, std::forward<Args>(args)...));
  }

  context& self_;
  pid progress_;
  count_files order_;
  shares all_;
  shares gathered_;               // whose totals are in the result
  std::vector<pid> reducers_;     // of each share; null: it has none
  std::vector<atom> place_of_;    // where it is or was
  std::map<atom, place> places_;  // the nodes
  std::vector<file> files_;
  std::size_t next_ = 0;  // no file before it can be begun
  std::map<reference, reading> reading_;
  std::uint64_t shares_done_ = 0;  // of all files
  std::size_t behind_ = 0;         // files
  steady_clock::time_point lost_at_;
  summary result_;
};

// It stands or falls with what it has linked; either way main's call fails at once with the reason.
process coordinator(context& self, std::size_t share_count, pid progress) {
  self.trap_exit(true);
  self.link(progress);
  request<count_files> order = co_await self.receive<request<count_files>>();
  coordination work(self, progress, share_count, *order);
  summary result = co_await work.run();
  co_await self.call(progress, last_line{});
  order.reply(std::move(result));
}

// Shows how far the job is: on a terminal one line, rewritten ten times a second; elsewhere a line every second and at
// each quarter. What happens has a line of its own.
process show_progress(context& self, bool terminal) {
  status now{0, 0, 0, 0};
  std::uint64_t quarters_shown = 0;
  const auto begun = steady_clock::now();
  const auto line = [&](const std::string& text, bool stays) {
    const std::chrono::duration<double> time = steady_clock::now() - begun;
    fmt::print("{}{:>7.3f} s  {}{}", terminal ? "\r\033[K" : "", time.count(), text, stays || !terminal ? "\n" : "");
    std::fflush(stdout);
  };
  const auto show = [&](bool stays) {
    line(fmt::format("{:>3} % of {} files, {} bytes, {} words", now.percent, now.files, now.bytes, now.words), stays);
  };
  self.send_interval(terminal ? 100ms : 1s, self.pid(), tick{});
  for (bool done = false; !done;)
    co_await self.receive(
        [&](const status& s) {
          now = s;
          const std::uint64_t quarters = now.percent / 25;
          if (!terminal && quarters > std::exchange(quarters_shown, quarters)) show(true);
        },
        [&](const note& n) { line(n.text, true); }, [&](const tick&) { show(false); },
        [&](request<last_line> r) {
          if (terminal) show(true);
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

struct options {
  int nodes = 3;
  int kill_at = 50;
  std::vector<std::string> paths;
};

void usage() {
  fmt::print(R"(word_count [OPTION...] [FILE|DIRECTORY...]

Counts the words of the files, by default of troupe's sources and the licences in /usr/share/common-licenses.

  --nodes N     on so many nodes, 1 to 16; each but the first is an OS process of its own. Default: 3
  --kill-at P   kill -9 the second node when P per cent of the work are done, 0 to 100. Default: 50
  --no-kill     kill nothing
  --help
)");
}

// Nothing: it has said what is wrong, or was asked for help.
std::optional<options> options_from(const std::vector<std::string>& arguments, int& status) {
  options o;
  status = 0;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    const auto number = [&](int low, int high) -> std::optional<int> {
      const std::string text = i + 1 < arguments.size() ? arguments[++i] : "";
      int n = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
      if (error == std::errc() && end == text.data() + text.size() && n >= low && n <= high) return n;
      fmt::print(stderr, "word_count: {} wants a number from {} to {}, and has '{}'\n", word, low, high, text);
      status = 2;
      return std::nullopt;
    };
    if (word == "--nodes" || word == "--kill-at") {
      const std::optional<int> n = word == "--nodes" ? number(1, 16) : number(0, 100);
      if (!n) return std::nullopt;
      (word == "--nodes" ? o.nodes : o.kill_at) = *n;
    } else if (word == "--no-kill") {
      o.kill_at = -1;
    } else if (word == "--help") {
      usage();
      return std::nullopt;
    } else if (word.starts_with("--")) {
      fmt::print(stderr, "word_count: there is no option {}; --help lists those there are\n", word);
      status = 2;
      return std::nullopt;
    } else {
      o.paths.push_back(word);
    }
  }
  return o;
}

int main(int argc, char** argv) {
  spdlog::set_level(spdlog::level::err);  // this program says itself what happens to its nodes
  // A peer has nothing to do but to be there: reducers are started on it from the first node.
  if (is_peer()) return run_peer([](node& here) { here.export_as("reducer", reducer); });

  int status = 0;
  const std::optional<options> wanted = options_from({argv + 1, argv + argc}, status);
  if (!wanted) return status;
  std::vector<std::string> arguments = wanted->paths;
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

  summary result;
  steady_clock::time_point start;
  std::chrono::duration<double> elapsed{};
  try {
    node here(on_loopback("a"));
    here.export_as("reducer", reducer);
    const std::size_t share_count = 4 * static_cast<std::size_t>(wanted->nodes);
    const pid progress = here.spawn(show_progress, isatty(STDOUT_FILENO) == 1);
    const pid boss = here.spawn(coordinator, share_count, progress);
    count_files order{.paths = paths, .peers = {}, .kill_at = wanted->nodes > 1 ? wanted->kill_at : -1};
    for (int i = 1; i < wanted->nodes; ++i)
      order.peers.push_back(fmt::format("{}@127.0.0.1", static_cast<char>('a' + i)));

    fmt::print("counting the words of {} files in {} shares on {} node{}\n", paths.size(), share_count, wanted->nodes,
               wanted->nodes > 1 ? "s" : "");
    start = steady_clock::now();
    result = here.call(boss, order, infinity);
    elapsed = steady_clock::now() - start;
  } catch (const std::runtime_error& e) {  // call_failed, node_error
    fmt::print(stderr, "word_count: {}\n", e.what());
    return 1;
  }

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
  const auto per_second = [&](std::uint64_t n) {
    return grouped(static_cast<std::uint64_t>(static_cast<double>(n) / elapsed.count()));
  };
  fmt::print("{:>10}  messages/s\n{:>10}  words/s\n", per_second(result.messages), per_second(result.words));
  if (result.losses > 0)
    fmt::print("{:>10}  node{} lost, {:.0f} ms until all was counted again\n", result.losses,
               result.losses > 1 ? "s" : "", result.recovery * 1000);
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
// - The processes know one another by pid and share nothing, and the messages are plain structs: a reducer on another
//   node, in another OS process, is the same function, spawned by spawn_link_at instead of spawn_link. Reading, dealing
//   out, back-pressure and gathering do not know where it lives.
// - A node is lost as a process is: by exit signals and nodedown, at once. `node_keeper` holds it, and starts it again.
// - Recovery is planned, not patched: state lives in one place (a share in one reducer), and what was lost with it is
//   derived from what is known elsewhere (which files were begun). So the kill may come at any moment, also while the
//   totals are gathered.
// - One process for each piece of the work, however many pieces there are: a reader holds no thread while it waits.
//   Only `self.blocking` uses one, from a pool beside the workers, for as long as the system call takes.
// - State without locks: each reducer owns its map. A word goes to the share that its hash says, so the maps are
// disjoint
//   and their sum is the result.
// - Back-pressure from request and answer: a reader waits for the answers about one block before it deals out the next.
// - A file that is no text is expected, and is a message; a disk that fails in mid-file is not, and is a crash of that
//   reader, which ends the job: the coordinator monitors it.
// - Time is messages as well: the progress process gets a tick from a timer and reports from the coordinator.
