// SPDX-License-Identifier: BSL-1.0
// What many_processes measures by, and compares with: memory, threads and forked children. No troupe in here.
#pragma once

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

namespace cost {

using std::chrono::steady_clock;

/// What one of many costs that wait, all at the same time.
struct figures {
  std::int64_t alive = 0;  ///< how many there were
  double bytes = 0;        ///< memory of one
  double seconds = 0;      ///< from the start of the first until all wait, divided by how many they are
};

inline double seconds_since(steady_clock::time_point start) {
  return std::chrono::duration<double>(steady_clock::now() - start).count();
}

/// The sum of the lines of a file of /proc that begin with one of `keys` and give kB; in bytes. 0 when there are none.
inline double sum_of(const std::string& path, std::initializer_list<std::string_view> keys) {
  std::ifstream in(path);
  double kilobytes = 0;
  for (std::string key, rest; in >> key && std::getline(in, rest);)
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) kilobytes += std::strtod(rest.c_str(), nullptr);
  return kilobytes * 1024;
}

/// The memory that an OS process, "self" or a number, has for itself: pages that it shares with no other, and its page
/// tables. What the kernel keeps beside that is not in it: a stack of 16 KiB and some more for each thread and child.
inline double memory_of(const std::string& os_process) {
  const std::string folder = "/proc/" + os_process;
  return sum_of(folder + "/smaps_rollup", {"Private_Clean:", "Private_Dirty:"}) +
         sum_of(folder + "/status", {"VmPTE:"});
}

/// What could be had without swapping.
inline double memory_free() {
  return sum_of("/proc/meminfo", {"MemAvailable:"});
}

/// Threads that wait for a condition. A limit of the system is a line on stdout, and then there are fewer.
inline figures of_threads(std::int64_t wanted) {
  std::mutex lock;
  std::condition_variable one_more;
  std::condition_variable told;
  std::size_t up = 0;
  bool over = false;
  std::vector<std::thread> threads;
  threads.reserve(static_cast<std::size_t>(wanted));
  const double before = memory_of("self");
  const auto start = steady_clock::now();
  try {
    for (std::int64_t i = 0; i < wanted; ++i)
      threads.emplace_back([&] {
        std::unique_lock held(lock);
        ++up;
        one_more.notify_one();
        told.wait(held, [&] { return over; });
      });
  } catch (const std::system_error& e) {
    std::printf("  %zu is all that the system allows: %s\n", threads.size(), e.what());
  }
  std::unique_lock held(lock);
  one_more.wait(held, [&] { return up == threads.size(); });
  const double elapsed = seconds_since(start);
  const double grown = memory_of("self") - before;
  over = true;
  held.unlock();
  told.notify_all();
  for (std::thread& t : threads) t.join();
  const auto n = static_cast<double>(threads.size());
  return {static_cast<std::int64_t>(threads.size()), n > 0 ? grown / n : 0, n > 0 ? elapsed / n : 0};
}

/// Forked children that wait. They read a pipe that nobody writes to and that is closed when this program ends, however
/// it does: no child outlives it. To be called while the program has one thread. Limits as above.
inline figures of_forks(std::int64_t wanted) {
  figures found;
  int ready[2];
  int life[2];
  if (::pipe(ready) != 0) {
    std::printf("  none, for the system allows no pipe: %s\n", std::strerror(errno));
    return found;
  }
  if (::pipe(life) != 0) {
    std::printf("  none, for the system allows no pipe: %s\n", std::strerror(errno));
    ::close(ready[0]);
    ::close(ready[1]);
    return found;
  }
  std::vector<pid_t> children;
  children.reserve(static_cast<std::size_t>(wanted));
  char byte = 0;
  const auto start = steady_clock::now();
  while (static_cast<std::int64_t>(children.size()) < wanted) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(life[1]);
      bool waiting = ::write(ready[1], &byte, 1) == 1;
      ::close(ready[1]);
      while (waiting) waiting = ::read(life[0], &byte, 1) < 0 && errno == EINTR;
      ::_exit(0);
    }
    if (child < 0) {
      std::printf("  %zu is all that the system allows: %s\n", children.size(), std::strerror(errno));
      break;
    }
    children.push_back(child);
  }
  ::close(ready[1]);
  while (::read(ready[0], &byte, 1) == 1) ++found.alive;  // until the last has closed its end
  const double elapsed = seconds_since(start);
  double all = 0;
  for (const pid_t child : children) all += memory_of(std::to_string(child));
  ::close(life[1]);
  for (const pid_t child : children) ::waitpid(child, nullptr, 0);
  ::close(life[0]);
  ::close(ready[0]);
  if (found.alive == 0) return found;
  found.bytes = all / static_cast<double>(found.alive);
  found.seconds = elapsed / static_cast<double>(found.alive);
  return found;
}

}  // namespace cost
