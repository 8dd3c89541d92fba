// SPDX-License-Identifier: BSL-1.0
// One picture for a thousand receivers: multicast [RECEIVERS]; send_all shares it, and nothing is copied.
#include <troupe/actors/all.hpp>
#include <troupe/examples/sizes.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace troupe;

// Large, and counts how often it is copied.
class picture {
 public:
  explicit picture(std::string pixels) : pixels_(std::move(pixels)) {}
  picture(const picture& other) : pixels_(other.pixels_) { copies.fetch_add(1, std::memory_order_relaxed); }
  picture(picture&&) noexcept = default;
  picture& operator=(const picture&) = delete;
  picture& operator=(picture&&) = delete;
  ~picture() = default;

  const std::string& pixels() const noexcept { return pixels_; }

  static inline std::atomic<std::int64_t> copies{0};

 private:
  std::string pixels_;
};

// A struct is a message as it is. For a class, this says what it is made of; on the wire a picture is a binary.
template <>
struct troupe::codec<picture> {
  static void visit(const picture& p, term_sink& sink) { sink.put_binary(p.pixels()); }
  static picture build(term_source& source) { return picture(codec<std::string>::build(source)); }
};

// From a receiver: which picture it has looked at.
struct seen {
  std::uintptr_t where;
  std::size_t size;
};
// To the painter: the whole show. Answered with whether what it says is true.
struct show {
  std::int64_t receivers;
  using reply = bool;
};

// Looks at pictures in the place where they lie: const&.
process viewer(context& self, pid painter) {
  for (;;)
    co_await self.receive(
        [&](const picture& p) { self.send(painter, seen{reinterpret_cast<std::uintptr_t>(&p), p.pixels().size()}); });
}

// Wants its own: by value.
process collector(context& self, pid painter) {
  for (;;) {
    const picture mine = co_await self.receive<picture>();
    self.send(painter, seen{reinterpret_cast<std::uintptr_t>(&mine), mine.pixels().size()});
  }
}

constexpr std::size_t picture_size = 64 * 1024;

// How many different pictures the receivers have looked at; 0 when one of them was not whole.
task<std::size_t> wait_for_all(context& self, std::size_t receivers) {
  std::set<std::uintptr_t> places;
  bool whole = true;
  for (std::size_t i = 0; i < receivers; ++i) {
    const seen s = co_await self.receive<seen>();
    places.insert(s.where);
    whole = whole && s.size == picture_size;
  }
  co_return whole ? places.size() : 0;
}

process painter(context& self) {
  request<show> asked = co_await self.receive<request<show>>();
  const auto receivers = static_cast<std::size_t>(asked->receivers);
  std::vector<pid> viewers;
  std::vector<pid> collectors;
  for (std::size_t i = 0; i < receivers; ++i) viewers.push_back(self.spawn_link(viewer, self.pid()));
  for (std::size_t i = 0; i < receivers; ++i) collectors.push_back(self.spawn_link(collector, self.pid()));

  const picture original(std::string(picture_size, '#'));
  auto start = self.now();
  const auto report = [&](const char* how) {
    const std::int64_t copies = picture::copies.exchange(0);
    const std::chrono::duration<double, std::milli> elapsed = self.now() - start;
    std::printf("%-42s %6lld copies  %8.2f ms\n", how, static_cast<long long>(copies), elapsed.count());
    start = self.now();
    return static_cast<std::size_t>(copies);
  };

  self.send_all(viewers, picture(std::string(picture_size, '#')));
  const std::size_t places = co_await wait_for_all(self, receivers);
  const std::size_t shared = report("send_all, received by const&");

  for (const pid& p : viewers) self.send(p, original);
  const bool own_whole = co_await wait_for_all(self, receivers) > 0;
  const std::size_t own = report("a send for each, received by const&");

  self.send_all(collectors, picture(std::string(picture_size, '#')));
  const bool taken_whole = co_await wait_for_all(self, receivers) > 0;
  const std::size_t taken = report("send_all, received by value");

  asked.reply(places == 1 && shared == 0 && own_whole && own == receivers && taken_whole && taken <= receivers);
}

int main(int argc, char** argv) {
  const auto [receivers] = example::sizes(argc, argv, {{"RECEIVERS", 1000, 1, 100'000}});
  std::printf("a picture of %zu KiB for %lld receivers\n", picture_size / 1024, static_cast<long long>(receivers));
  actor_system sys;
  return sys.call(sys.spawn(painter), show{receivers}, infinity) ? 0 : 1;
}

// What it shows
//
// - `send_all` makes one payload, and an envelope for each receiver that refers to it. The last who lets go frees it.
// - Nobody can change a message, so sharing it is safe: a handler has it by const&, in the place where it lies, or by
//   value, and then it is the handler's own: moved when no one else has it, else copied.
// - A picture that was sent alone is moved all the way: into the envelope, and out of it.
// - A class of your own becomes a message by a codec of two functions; `send_all` and everything else work as before.
