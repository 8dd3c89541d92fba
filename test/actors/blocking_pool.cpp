// SPDX-License-Identifier: BSL-1.0
// The pool of threads for blocking work: it grows, shrinks, queues, and stops what it runs.
#include <troupe/actors/blocking_pool.hpp>

#include <troupe/actors/exit.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <pthread.h>

using namespace troupe::detail;
using namespace std::chrono_literals;

namespace {

constexpr duration for_good = duration::max();  // an idle timeout: threads stay

class work : public job {
 public:
  explicit work(std::function<void(std::stop_token)> f) : f_(std::move(f)) {}
  void run(std::stop_token stop) noexcept override { f_(std::move(stop)); }

 private:
  std::function<void(std::stop_token)> f_;
};

std::shared_ptr<job> make(std::function<void()> f) {
  return std::make_shared<work>([f = std::move(f)](const std::stop_token&) { f(); });
}

std::shared_ptr<job> make_stoppable(std::function<void(std::stop_token)> f) {
  return std::make_shared<work>(std::move(f));
}

/// Blocks until somebody requests the stop.
void wait_for_stop(const std::stop_token& stop) {
  std::mutex lock;
  std::condition_variable_any stopped;
  std::unique_lock guard(lock);
  stopped.wait(guard, stop, [] { return false; });
}

/// Waits for what a thread of the pool will do without being asked again.
void until(const std::function<bool()>& come) {
  while (!come()) std::this_thread::yield();
}

/// The thread that runs one more job.
std::thread::id thread_of_next_job(blocking_pool& pool) {
  std::thread::id id;
  std::latch ran(1);
  pool.run(make([&] {
    id = std::this_thread::get_id();
    ran.count_down();
  }));
  ran.wait();
  return id;
}

}  // namespace

TEST_CASE("a pool without work has no threads") {
  blocking_pool pool;
  CHECK(pool.threads() == 0);
  CHECK(pool.outstanding() == 0);
}

TEST_CASE("a job runs on a thread of its own, which bears the pool's name") {
  std::string name;
  std::thread::id id;
  std::latch ran(1);
  blocking_pool pool;
  pool.run(make([&] {
    char text[16] = {};
    pthread_getname_np(pthread_self(), text, sizeof text);
    name = text;
    id = std::this_thread::get_id();
    ran.count_down();
  }));
  ran.wait();
  CHECK(name == "troupe-block");
  CHECK(id != std::this_thread::get_id());
}

TEST_CASE("the pool grows by a thread for each job that finds no idle one") {
  std::latch all_run(8);
  std::latch end(1);
  blocking_pool pool(8);
  for (int i = 0; i < 8; ++i)
    pool.run(make([&] {
      all_run.arrive_and_wait();  // hangs unless all eight run at once
      end.wait();
    }));
  all_run.wait();
  CHECK(pool.threads() == 8);
  CHECK(pool.idle() == 0);
  CHECK(pool.outstanding() == 8);
  end.count_down();
}

TEST_CASE("jobs beyond the greatest number of threads wait, first in first out") {
  std::vector<int> order;
  std::latch end(1);
  {
    blocking_pool pool(1);
    for (int i = 0; i < 5; ++i)
      pool.run(make([&, i] {
        end.wait();
        order.push_back(i);  // one thread alone
      }));
    CHECK(pool.threads() == 1);
    CHECK(pool.outstanding() == 5);
    end.count_down();
  }
  CHECK(order == std::vector{0, 1, 2, 3, 4});
}

TEST_CASE("a pool of no threads has one") {
  blocking_pool pool(0);
  CHECK(thread_of_next_job(pool) != std::thread::id());
}

TEST_CASE("an idle thread is used again") {
  std::set<std::thread::id> seen;
  blocking_pool pool(8, for_good);
  for (int i = 0; i < 20; ++i) {
    seen.insert(thread_of_next_job(pool));
    until([&] { return pool.idle() == 1; });
  }
  CHECK(seen.size() == 1);
  CHECK(pool.threads() == 1);
}

TEST_CASE("the thread that became idle last gets the next job") {
  constexpr std::size_t count = 3;
  std::latch all_run(count);
  std::vector<std::thread::id> thread(count);
  std::vector<std::unique_ptr<std::latch>> end;
  blocking_pool pool(8, for_good);
  for (std::size_t i = 0; i < count; ++i) end.push_back(std::make_unique<std::latch>(1));
  for (std::size_t i = 0; i < count; ++i)
    pool.run(make([&, i] {
      thread[i] = std::this_thread::get_id();
      all_run.count_down();
      end[i]->wait();
    }));
  all_run.wait();
  const std::size_t order[] = {1, 2, 0};
  for (std::size_t i = 0; i < count; ++i) {
    end[order[i]]->count_down();
    until([&] { return pool.idle() == i + 1; });
  }
  CHECK(thread_of_next_job(pool) == thread[0]);
}

TEST_CASE("a thread that finds no job leaves after the idle timeout") {
  for (const duration timeout : {duration(0), duration(1ns), duration(1ms)}) {
    blocking_pool pool(8, timeout);
    for (int round = 0; round < 3; ++round) {
      std::latch all_run(4);
      for (int i = 0; i < 4; ++i) pool.run(make([&] { all_run.arrive_and_wait(); }));
      all_run.wait();
      until([&] { return pool.threads() == 0; });
      CHECK(pool.idle() == 0);
      CHECK(pool.outstanding() == 0);
    }
  }
}

TEST_CASE("a job sees that its stop is requested") {
  std::atomic<bool> seen{false};
  std::latch running(1);
  const auto j = make_stoppable([&](const std::stop_token& stop) {
    running.count_down();
    wait_for_stop(stop);
    seen = stop.stop_requested();
  });
  blocking_pool pool;
  pool.run(j);
  running.wait();
  CHECK_FALSE(j->stop_token().stop_requested());
  j->request_stop();
  until([&] { return pool.outstanding() == 0; });
  CHECK(seen);
}

TEST_CASE("a job whose stop is requested while it waits is run all the same") {
  std::latch end(1);
  std::atomic<int> seen{-1};
  blocking_pool pool(1);
  pool.run(make([&] { end.wait(); }));
  const auto j = make_stoppable([&](const std::stop_token& stop) { seen = stop.stop_requested() ? 1 : 0; });
  pool.run(j);
  j->request_stop();
  end.count_down();
  until([&] { return pool.outstanding() == 0; });
  CHECK(seen == 1);
}

TEST_CASE("one job's stop is no other's") {
  std::latch end(1);
  std::atomic<bool> other_stopped{true};
  const auto stopped = make_stoppable([](const std::stop_token& stop) { wait_for_stop(stop); });
  const auto other = make_stoppable([&](const std::stop_token& stop) {
    end.wait();
    other_stopped = stop.stop_requested();
  });
  blocking_pool pool;
  pool.run(stopped);
  pool.run(other);
  stopped->request_stop();
  until([&] { return pool.outstanding() == 1; });
  end.count_down();
  until([&] { return pool.outstanding() == 0; });
  CHECK_FALSE(other_stopped);
}

TEST_CASE("stop requests the stop of all jobs, runs those that wait and joins the threads") {
  for (const duration idle_timeout : {duration(0), duration(10s), for_good}) {
    blocking_pool pool(3, idle_timeout);
    std::atomic<int> stopped{0};
    for (int i = 0; i < 20; ++i)
      pool.run(make_stoppable([&](const std::stop_token& stop) {
        wait_for_stop(stop);
        ++stopped;
      }));
    CHECK(pool.outstanding() == 20);
    pool.stop();
    CHECK(stopped == 20);
    CHECK(pool.outstanding() == 0);
    CHECK(pool.threads() == 0);
    pool.stop();  // once more does nothing
  }
}

TEST_CASE("stop ends idle threads at once, however long their timeout") {
  std::latch all_run(4);
  blocking_pool pool(8, for_good);
  for (int i = 0; i < 4; ++i) pool.run(make([&] { all_run.arrive_and_wait(); }));
  until([&] { return pool.idle() == 4; });
  pool.stop();
  CHECK(pool.threads() == 0);
}

TEST_CASE("a pool that has stopped refuses a job and keeps no share in it") {
  blocking_pool pool;
  pool.stop();
  const auto j = make([] {});
  CHECK_THROWS_AS(pool.run(j), troupe::usage_error);
  CHECK(j.use_count() == 1);
  CHECK(pool.outstanding() == 0);
}

TEST_CASE("the destructor waits for the jobs") {
  std::atomic<int> ran{0};
  {
    blocking_pool pool(4);
    for (int i = 0; i < 50; ++i) pool.run(make([&] { ++ran; }));
  }
  CHECK(ran == 50);
}

TEST_CASE("stop callbacks of jobs may use the pool") {
  std::atomic<std::size_t> threads{0};
  std::latch running(1);
  blocking_pool pool(2);
  pool.run(make_stoppable([&](const std::stop_token& stop) {
    const std::stop_callback report(stop, [&] { threads = pool.threads(); });
    running.count_down();
    wait_for_stop(stop);
  }));
  running.wait();
  pool.stop();
  CHECK(threads == 1);
}

TEST_CASE("a job is let go of before it stops being counted") {
  std::weak_ptr<job> watched;
  blocking_pool pool;
  {
    auto j = make([] {});
    watched = j;
    pool.run(std::move(j));
  }
  until([&] { return pool.outstanding() == 0; });
  CHECK(watched.expired());
}

TEST_CASE("a job given by unique_ptr is run and destroyed") {
  std::atomic<bool> ran{false};
  blocking_pool pool;
  pool.run(std::unique_ptr<job>(std::make_unique<work>([&](const std::stop_token&) { ran = true; })));
  until([&] { return pool.outstanding() == 0; });
  CHECK(ran);
}

TEST_CASE("the pool tells when no job is left, and may be given another one then") {
  std::atomic<int> drained{0};
  std::atomic<int> ran{0};
  std::latch twice(2);
  std::optional<blocking_pool> pool;
  pool.emplace(4, 10s, [&] {
    if (pool->outstanding() == 0 && ++drained == 1) pool->run(make([&] { ++ran; }));
    twice.count_down();
  });
  pool->run(make([&] { ++ran; }));
  twice.wait();
  CHECK(drained == 2);
  CHECK(ran == 2);
}

TEST_CASE("a thousand jobs from several threads all run, on no more threads than allowed") {
  constexpr std::size_t most = 6;
  for (const duration idle_timeout : {duration(0), duration(50us), for_good}) {
    std::atomic<int> sum{0};
    std::atomic<std::size_t> at_once{0};
    std::atomic<bool> too_many{false};
    blocking_pool pool(most, idle_timeout);
    {
      std::vector<std::jthread> givers;
      for (int t = 0; t < 4; ++t)
        givers.emplace_back([&, t] {
          for (int i = 0; i < 250; ++i)
            pool.run(make([&, n = t * 250 + i] {
              if (at_once.fetch_add(1) + 1 > most) too_many = true;
              sum += n;
              at_once.fetch_sub(1);
            }));
        });
    }
    until([&] { return pool.outstanding() == 0; });
    CHECK(sum == 999 * 1000 / 2);
    CHECK_FALSE(too_many);
    CHECK(pool.threads() <= most);
  }
}

TEST_CASE("stop may come while threads leave and begin") {
  for (int round = 0; round < 200; ++round) {
    std::atomic<int> ran{0};
    blocking_pool pool(4, round % 2 == 0 ? duration(0) : duration(20us));
    for (int i = 0; i < 8; ++i) pool.run(make([&] { ++ran; }));
    pool.stop();
    REQUIRE(ran == 8);
  }
}
