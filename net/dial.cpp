// SPDX-License-Identifier: BSL-1.0
// From a name to a connection that is up, either way; and then its reader.
#include <troupe/net/dial.hpp>

#include <troupe/actors/runtime.hpp>
#include <troupe/net/epmd_client.hpp>
#include <troupe/net/frames.hpp>
#include <troupe/net/handshake.hpp>
#include <troupe/net/inbound.hpp>
#include <troupe/net/stream_io.hpp>

#include <charconv>
#include <utility>

namespace troupe::detail {

using namespace literals;

namespace {

constexpr int most_unfinished = 256;  // handshakes of others at a time
constexpr int reads_in_a_row = 16;    // then others get their turn

handshake_config config_of(distribution& home) {
  handshake_config config;
  config.name = home.name();
  config.creation = home.runtime().creation();
  config.flags = home.flags();
  config.patience = home.options().setup_time;
  if (home.options().network != nullptr && home.is_simulated())
    config.challenge = [&home] { return home.next_challenge(); };
  return config;
}

peer_facts facts_of(const handshake_result& shaken) {
  peer_facts facts;
  facts.flags = shaken.effective_flags;
  facts.creation = shaken.creation;
  facts.hidden = (shaken.effective_flags & dist_flag::published) == 0;
  return facts;
}

/// However its process ends, the connection does so too.
class while_up {
 public:
  while_up(distribution& home, connection& c) noexcept : home_(home), connection_(c) {}
  while_up(const while_up&) = delete;
  while_up& operator=(const while_up&) = delete;
  ~while_up() { home_.ended(connection_, why); }
  std::string why = "its process was killed";

 private:
  distribution& home_;
  connection& connection_;
};

/// The same for an attempt.
class while_pending {
 public:
  while_pending(distribution& home, std::shared_ptr<connection> c, std::uint32_t attempt) noexcept
      : home_(home), connection_(std::move(c)), attempt_(attempt) {}
  while_pending(const while_pending&) = delete;
  while_pending& operator=(const while_pending&) = delete;
  ~while_pending() {
    if (connection_) home_.failed(*connection_, attempt_, why);
  }
  void done() noexcept { connection_.reset(); }
  std::string why = "its process was killed";

 private:
  distribution& home_;
  std::shared_ptr<connection> connection_;
  std::uint32_t attempt_;
};

/// Ticks, and listens for the other side's.
class ticker {
 public:
  ticker(time_point now, duration tick_time, std::uint64_t written) noexcept
      : interval_(std::max(tick_time / 4, duration(1))), next_(now + interval_), written_(written) {}

  void heard() noexcept { silent_ = 0; }
  duration left(time_point now) const noexcept { return std::max(duration(0), next_ - now); }
  bool is_due(time_point now) const noexcept { return now >= next_; }
  /// An interval has passed. False: nothing came for a whole tick time.
  bool tick(time_point now, connection& c) {
    next_ = now + interval_;
    const std::uint64_t written = c.out().written();
    if (written == written_ && c.out().queued() == 0) {
      auto s = std::make_unique<segment>();
      s->bytes.put32(0);
      c.out().push(std::move(s));
    }
    c.flush();
    written_ = written;
    return ++silent_ <= 4;
  }

 private:
  duration interval_;
  time_point next_;
  std::uint64_t written_;
  int silent_ = 0;
};

/// Reads until the connection ends; gives the reason.
task<std::string> serve(context& self, distribution& home, std::shared_ptr<connection> c,
                        std::shared_ptr<byte_stream> stream) {
  inbound in(home, c, self);
  frame_buffer buffer(home.options().max_message);
  ticker ticks(self.now(), home.options().tick_time, c->out().written());
  std::uint64_t waiting_for = 0;
  std::string ended;
  const auto on_ready = [&](const stream_ready& r) {
    if (r.ticket == waiting_for) waiting_for = 0;
  };
  const auto on_close = [&](const close_connection& order) { ended = order.why; };
  const auto on_other = [](const any_message&) {};
  for (;;) {
    // Some reads, and then a look at what else there is, so that a flood stops neither the ticks nor us.
    bool drained = waiting_for != 0;
    for (int reads = 0; !drained && reads < reads_in_a_row; ++reads) {
      std::error_code error;
      const auto space = buffer.space();
      const std::size_t n = stream->read_some(space, error);
      if (n == 0) {
        drained = error == std::errc::operation_would_block || error == std::errc::resource_unavailable_try_again;
        if (drained) break;
        co_return error.message();
      }
      ticks.heard();
      buffer.commit(n);
      try {
        while (auto frame = buffer.next())
          if (!frame->bytes.empty()) in.take(frame->bytes, frame->block);
      } catch (const decode_error& e) {
        co_return std::string("it has sent a malformed term: ") + e.what();
      } catch (const protocol_error& e) {
        co_return std::string("it does not keep to the protocol: ") + e.what();
      } catch (const system_limit& e) {
        co_return std::string(e.what());
      }
      drained = n < space.size();
    }
    if (drained && waiting_for == 0) {
      waiting_for = next_ticket();
      stream->when_readable(waking(self, waiting_for));
    }
    if (!drained) co_await self.yield();
    auto clause = after(drained ? ticks.left(self.now()) : duration(0));
    co_await self.receive(on_ready, on_close, on_other, clause);
    if (!ended.empty()) co_return ended;
    const time_point now = self.now();
    if (ticks.is_due(now) && !ticks.tick(now, *c)) co_return "net_tick_timeout: nothing came for the whole tick time";
  }
}

/// Dials on behalf of one attempt.
class dialling final : public handshake_host {
 public:
  dialling(distribution& home, connection& c, std::uint32_t attempt) noexcept
      : home_(home), connection_(c), attempt_(attempt) {}
  handshake_verdict incoming(const std::string&, std::uint64_t, std::uint32_t) override {
    return handshake_verdict::not_allowed;
  }
  bool is_still_wanted(const std::string&) override { return home_.is_wanted(connection_, attempt_); }
  task<void> before_ack(context&, std::string) override { co_return; }
  std::string cookie_for(const std::string& peer) override { return home_.cookies().get(peer); }

 private:
  distribution& home_;
  connection& connection_;
  std::uint32_t attempt_;
};

/// Answers one call.
class answering final : public handshake_host {
 public:
  answering(distribution& home, const pid& self) noexcept : home_(home), self_(self) {}

  handshake_verdict incoming(const std::string& peer, std::uint64_t, std::uint32_t) override {
    if (peer == home_.name()) return handshake_verdict::not_allowed;
    verdict_ = home_.incoming(peer, self_);
    switch (verdict_.status) {
      case incoming_verdict::kind::ok: return handshake_verdict::ok;
      case incoming_verdict::kind::ok_simultaneous: return handshake_verdict::ok_simultaneous;
      case incoming_verdict::kind::nok: return handshake_verdict::nok;
      case incoming_verdict::kind::alive: return handshake_verdict::alive;
      case incoming_verdict::kind::not_allowed: break;
    }
    return handshake_verdict::not_allowed;
  }
  bool is_still_wanted(const std::string&) override { return true; }
  /// A node that wants a name gets one that nobody has, for as long as its connection lives. Erlang: `erl -name
  /// undefined`.
  std::optional<name_message> name_for(const std::string& host, std::uint64_t) override {
    name_message given;
    do {
      char text[20];
      const std::uint64_t number = std::uint64_t{home_.next_challenge()} << 32 | home_.next_challenge();
      const auto end = std::to_chars(text, text + sizeof text, number, 36).ptr;
      given.name = "T" + std::string(text, end) + "@" + host;
    } while (home_.find(given.name, false) != nullptr);
    given.creation = std::max<std::uint32_t>(4, home_.next_challenge());
    return given;
  }
  /// The old connection ends before its successor begins, so that its nodedown comes first.
  task<void> before_ack(context& self, std::string peer) override {
    while (verdict_.status == incoming_verdict::kind::alive) {
      verdict_ = home_.replace(peer, self_);
      if (verdict_.status != incoming_verdict::kind::alive) break;
      const pid old = home_.owner_of(*verdict_.slot);
      verdict_.slot.reset();
      const reference gone = self.monitor(old);
      const auto mine = [gone](const down& d) { return d.ref == gone; };
      const auto note = [](const down&) {};
      auto handler = when(mine, note);
      co_await self.receive(handler);
    }
    if (verdict_.slot == nullptr)
      throw handshake_failed(handshake_failed::cause::not_allowed,
                             "another connection with " + peer + " is being made");
  }
  std::string cookie_for(const std::string& peer) override { return home_.cookies().get(peer); }

  const incoming_verdict& verdict() const noexcept { return verdict_; }

 private:
  distribution& home_;
  pid self_;
  incoming_verdict verdict_;
};

/// Where the node listens.
task<std::uint16_t> port_of(context& self, distribution& home, std::string host, std::string name,
                            time_point deadline) {
  const node_options& options = home.options();
  if (!options.use_epmd) co_return options.dial_port != 0 ? options.dial_port : options.port;
  const auto found = co_await epmd_lookup(self, home.net(), host, home.epmd_port(), name, deadline);
  if (!found) throw stream_error("epmd of " + host + " knows no node " + name, std::error_code());
  co_return found->port;
}

task<void> dial(context& self, distribution& home, std::shared_ptr<connection> c, while_pending& attempt) {
  const std::string peer = c->peer();
  const std::size_t at = peer.find('@');
  const std::string host = peer.substr(at + 1);
  const time_point deadline = later(self.now(), 2 * home.options().setup_time);
  const std::uint16_t port = co_await port_of(self, home, host, peer.substr(0, at), deadline);
  std::shared_ptr<byte_stream> stream = co_await connect(self, home.net(), host, port, deadline);
  dialling answers(home, *c, 0);
  const handshake_config config = config_of(home);
  const handshake_result shaken = co_await initiate(self, *stream, answers, config, peer, deadline);
  const bool up = home.established(*c, 0, facts_of(shaken), stream);
  attempt.done();
  if (!up) co_return;
  while_up serving(home, *c);
  serving.why = co_await serve(self, home, c, stream);
}

}  // namespace

process dial_process(context& self, shared<distribution> home, shared<connection> c) {
  while_pending attempt(*home, c.get(), 0);
  bool lost_race = false;
  try {
    co_await dial(self, *home, c.get(), attempt);
  } catch (const handshake_failed& e) {
    attempt.why = e.what();
    lost_race = e.why() == handshake_failed::cause::lost_race;
  } catch (const std::exception& e) {
    attempt.why = e.what();
  }
  // The other node dials us at this moment, and goes on: it takes this attempt over, which ends this process.
  if (lost_race) co_await self.sleep(home->options().setup_time);
}

process answer_process(context& self, shared<distribution> home, shared<byte_stream> stream,
                       shared<std::atomic<int>> count) {
  struct counted {
    std::atomic<int>& n;
    bool open = true;
    void done() noexcept {
      if (std::exchange(open, false)) n.fetch_sub(1, std::memory_order_relaxed);  // a figure alone
    }
    ~counted() { done(); }
  } unfinished{*count};
  answering answers(*home, self.pid());
  std::string why = "its process was killed";
  struct on_failure {
    distribution& home;
    const answering& answers;
    std::string& why;
    bool up = false;
    ~on_failure() {
      if (!up && answers.verdict().slot) home.failed(*answers.verdict().slot, answers.verdict().attempt, why);
    }
  } guard{*home, answers, why};
  try {
    handshake_config config = config_of(*home);
    config.flags |= dist_flag::name_me;  // who has no name gets one
    const handshake_result shaken = co_await respond(self, *stream, answers, config);
    unfinished.done();
    const std::shared_ptr<connection> c = answers.verdict().slot;
    if (!home->established(*c, answers.verdict().attempt, facts_of(shaken), stream.get())) co_return;
    guard.up = true;
    while_up serving(*home, *c);
    serving.why = co_await serve(self, *home, c, stream.get());
  } catch (const handshake_failed& e) {
    why = e.what();
    // Nobody's own connection has failed by this: its line stands alone.
    if (!answers.verdict().slot) home->report("no connection for " + stream->peer() + ": " + why);
  } catch (const std::exception& e) {
    why = e.what();
    if (!answers.verdict().slot) home->report("no connection for " + stream->peer() + ": " + why);
  }
}

process accept_process(context& self, shared<distribution> home, shared<byte_listener> listener) {
  const shared<std::atomic<int>> count(std::make_shared<std::atomic<int>>(0));
  for (;;) {
    std::unique_ptr<byte_stream> taken;
    std::string failed;
    try {
      taken = co_await accept(self, *listener);
    } catch (const std::exception& e) {
      failed = e.what();
    }
    if (!taken) {
      home->report(failed);
      co_await self.sleep(std::chrono::seconds(1));
      continue;
    }
    if (count->load(std::memory_order_relaxed) >= most_unfinished) {
      home->report("no connection for " + taken->peer() + ": " + std::to_string(most_unfinished) +
                   " others have not finished their handshakes");
      continue;
    }
    count->fetch_add(1, std::memory_order_relaxed);
    const shared<byte_stream> stream{std::shared_ptr<byte_stream>(std::move(taken))};
    try {
      self.spawn(answer_process, home, stream, count);
    } catch (const std::exception& e) {  // there are as many processes as may be
      count->fetch_sub(1, std::memory_order_relaxed);
      home->report("no connection for " + stream->peer() + ": " + e.what());
    }
  }
}

}  // namespace troupe::detail
