// SPDX-License-Identifier: BSL-1.0
// The simulated network: what is under way, and what becomes of it.
#include <troupe/net/testing/simulated_network.hpp>

#include <troupe/actors/testing/deterministic.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <deque>
#include <map>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

namespace troupe::detail {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t window = std::size_t{64} * 1024;  // bytes written and not yet read
constexpr duration connect_patience = 127s;             // Linux's, with its usual six repetitions
constexpr std::uint16_t first_free_port = 32768;

/// What happened, for the trace.
enum happened : std::uint64_t { arrived = 100, called, knocked, connected_step, gave_up };

/// A callback and the system that it belongs to.
struct wait {
  io_callback call;
  source_id owner = 0;
};

/// Something that travels to one side of a stream.
struct segment {
  enum class kind : std::uint8_t { bytes, end, reset };
  kind what;
  time_point arrives;
  std::vector<std::byte> bytes;
};

struct machine;

/// One side of a stream, and what is on its way to it.
struct side {
  machine* at = nullptr;
  std::uint16_t port = 0;
  bool held = false;       // somebody has, or is about to get, the byte_stream
  bool closed = false;     // here
  std::error_code broken;  // what read_some says once the bytes that have arrived are read
  std::deque<segment> coming;
  std::vector<std::byte> here;  // has arrived
  std::size_t unread = 0;       // bytes in coming and here
  wait readable, writable;
};

struct wire {
  std::uint64_t number;
  std::array<side, 2> sides;
};

struct simulated_listener_state {
  machine* at;
  std::uint16_t port;
  bool loopback;
  bool open = true;
  std::deque<std::shared_ptr<wire>> backlog;
  wait acceptable;
};

struct machine {
  std::string name;
  std::uint64_t number;
  std::map<std::uint16_t, std::shared_ptr<simulated_listener_state>> listeners;
  std::uint16_t next_port = first_free_port;
};

/// A connect that has not been answered.
struct attempt {
  machine* from;
  machine* to;  // null: no such name
  std::uint16_t port;
  time_point when;  // the next thing happens
  time_point patience;
  bool answered = false;  // `error` and `made` are on their way back
  std::error_code error;
  std::shared_ptr<wire> made;
  network::connected done;
  source_id owner;
};

bool is_loopback(std::string_view address) {
  return address == "localhost" || address == "::1" || address.starts_with("127.");
}

std::error_code error_of(std::errc e) {
  return std::make_error_code(e);
}

}  // namespace

/// All machines and everything between them.
class simulated_wires final : public event_source, public std::enable_shared_from_this<simulated_wires> {
 public:
  explicit simulated_wires(std::shared_ptr<simulated_world> world) : world_(std::move(world)) {
    id_ = world_->join(*this);
  }
  ~simulated_wires() override { world_->leave(*this); }

  std::size_t choices() override {
    collect();
    return possible_.size();
  }
  void take(std::size_t choice) override;
  time_point next_time() override;
  void has_left(source_id who) noexcept override;

  machine* find(std::string_view name) noexcept {
    const auto found = machines_.find(name);
    return found == machines_.end() ? nullptr : found->second.get();
  }
  machine& add(std::string_view name) {
    auto& m = machines_[std::string(name)];
    if (!m) m = std::make_unique<machine>(machine{std::string(name), machines_.size(), {}});
    return *m;
  }
  machine& existing(std::string_view name) {
    machine* m = find(name);
    if (m == nullptr) throw std::invalid_argument("simulated_network: no machine is called " + std::string(name));
    return *m;
  }

  std::shared_ptr<simulated_listener_state> listen(machine& at, const std::string& address, std::uint16_t port,
                                                   std::error_code& error);
  void unlisten(simulated_listener_state& l) noexcept;
  void release(const std::shared_ptr<simulated_listener_state>& l) noexcept;
  std::unique_ptr<byte_stream> accept(simulated_listener_state& l, std::error_code& error);
  void connect(machine& from, const std::string& host, std::uint16_t port, network::connected done);

  std::size_t read(wire& w, std::size_t who, std::span<std::byte> into, std::error_code& error);
  std::size_t write(wire& w, std::size_t who, std::span<const std::span<const std::byte>> from, std::error_code& error);
  void close(wire& w, std::size_t who) noexcept;
  void release(const std::shared_ptr<wire>& w, std::size_t who) noexcept;
  void set_wait(wait& w, io_callback call) { w = {std::move(call), world_->acting()}; }

  void part(machine& a, machine& b) { parted_.insert(pair_of(a, b)); }
  void heal(machine& a, machine& b) { parted_.erase(pair_of(a, b)); }
  void reset(machine& a, machine& b);
  void crash(machine& m);
  std::size_t streams() const noexcept { return wires_.size(); }

  duration usual = 3ms, rare = 200ms;

 private:
  /// Something that can happen now.
  struct event {
    enum class kind : std::uint8_t { arrival, readable, writable, acceptable, attempt };
    kind what;
    std::size_t index;  // of the wire, listener or attempt
    std::size_t who;
  };

  static std::pair<std::uint64_t, std::uint64_t> pair_of(const machine& a, const machine& b) {
    return std::minmax(a.number, b.number);
  }
  bool is_parted(const machine& a, const machine& b) const { return parted_.contains(pair_of(a, b)); }

  static bool can_read(const side& s) { return !s.here.empty() || s.broken || s.closed; }
  static bool can_write(const wire& w, std::size_t who) {
    const side& s = w.sides[who];
    return s.closed || (s.broken && s.broken != end_of_stream()) || w.sides[1 - who].unread < window;
  }

  time_point now() const { return world_->time().now(); }
  time_point soon();
  void collect();
  void push(side& to, segment s);
  void arrive(wire& w, std::size_t who);
  void break_side(side& s) noexcept;
  void call(wait& w);
  void go_on(std::size_t index);
  void finish(std::size_t index, std::error_code error);
  std::unique_ptr<byte_stream> hold(std::shared_ptr<wire> w, std::size_t who);
  std::uint16_t free_port(machine& m) const;

  std::shared_ptr<simulated_world> world_;
  source_id id_;
  std::map<std::string, std::unique_ptr<machine>, std::less<>> machines_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> parted_;
  std::vector<std::shared_ptr<wire>> wires_;
  std::vector<std::shared_ptr<simulated_listener_state>> listeners_;
  std::vector<attempt> attempts_;
  std::vector<event> possible_;
  std::uint64_t wires_made_ = 0;
};

namespace {

class simulated_stream final : public byte_stream {
 public:
  simulated_stream(std::shared_ptr<simulated_wires> wires, std::shared_ptr<wire> w, std::size_t who)
      : wires_(std::move(wires)), wire_(std::move(w)), who_(who) {}
  ~simulated_stream() override { wires_->release(wire_, who_); }

  std::size_t read_some(std::span<std::byte> into, std::error_code& error) noexcept override {
    return wires_->read(*wire_, who_, into, error);
  }
  std::size_t write_some(std::span<const std::span<const std::byte>> from, std::error_code& error) noexcept override {
    return wires_->write(*wire_, who_, from, error);
  }
  void when_readable(io_callback ready) override { wires_->set_wait(here().readable, std::move(ready)); }
  void when_writable(io_callback ready) override { wires_->set_wait(here().writable, std::move(ready)); }
  void close() noexcept override { wires_->close(*wire_, who_); }
  std::string peer() const override {
    const side& other = wire_->sides[1 - who_];
    return other.at->name + ":" + std::to_string(other.port);
  }
  bool is_from_here() const override { return wire_->sides[0].at == wire_->sides[1].at; }

 private:
  side& here() { return wire_->sides[who_]; }

  std::shared_ptr<simulated_wires> wires_;
  std::shared_ptr<wire> wire_;
  std::size_t who_;
};

class simulated_listener final : public byte_listener {
 public:
  simulated_listener(std::shared_ptr<simulated_wires> wires, std::shared_ptr<simulated_listener_state> state)
      : wires_(std::move(wires)), state_(std::move(state)) {}
  ~simulated_listener() override { wires_->release(state_); }

  std::unique_ptr<byte_stream> accept(std::error_code& error) override { return wires_->accept(*state_, error); }
  void when_acceptable(io_callback ready) override { wires_->set_wait(state_->acceptable, std::move(ready)); }
  std::uint16_t port() const override { return state_->port; }
  std::string address() const override { return state_->at->name + ":" + std::to_string(state_->port); }

 private:
  std::shared_ptr<simulated_wires> wires_;
  std::shared_ptr<simulated_listener_state> state_;
};

class simulated_host final : public network {
 public:
  simulated_host(std::shared_ptr<simulated_wires> wires, machine& at) : wires_(std::move(wires)), at_(at) {}

  std::unique_ptr<byte_listener> listen(const std::string& address, std::uint16_t port,
                                        std::error_code& error) override {
    auto state = wires_->listen(at_, address, port, error);
    if (!state) return nullptr;
    return std::make_unique<simulated_listener>(wires_, std::move(state));
  }
  void connect(const std::string& host, std::uint16_t port, connected done) override {
    wires_->connect(at_, host, port, std::move(done));
  }

 private:
  std::shared_ptr<simulated_wires> wires_;
  machine& at_;
};

}  // namespace

// --- what can happen, and when
// ----------------------------------------------------------------------------------------

time_point simulated_wires::soon() {
  const auto up_to = [this](duration most) {
    return duration(static_cast<duration::rep>(world_->choose(static_cast<std::uint64_t>(most.count()) + 1)));
  };
  const std::uint64_t luck = world_->choose(16);
  if (luck < 8) return now();
  return now() + up_to(luck == 15 ? rare : usual);
}

void simulated_wires::collect() {
  possible_.clear();
  const time_point present = now();
  for (std::size_t i = 0; i < wires_.size(); ++i) {
    const wire& w = *wires_[i];
    const bool parted = is_parted(*w.sides[0].at, *w.sides[1].at);
    for (std::size_t who = 0; who < 2; ++who) {
      const side& s = w.sides[who];
      if (!parted && !s.coming.empty() && s.coming.front().arrives <= present)
        possible_.push_back({event::kind::arrival, i, who});
      if (s.readable.call && can_read(s)) possible_.push_back({event::kind::readable, i, who});
      if (s.writable.call && can_write(w, who)) possible_.push_back({event::kind::writable, i, who});
    }
  }
  for (std::size_t i = 0; i < listeners_.size(); ++i)
    if (listeners_[i]->acceptable.call && (!listeners_[i]->backlog.empty() || !listeners_[i]->open))
      possible_.push_back({event::kind::acceptable, i, 0});
  for (std::size_t i = 0; i < attempts_.size(); ++i) {
    const attempt& a = attempts_[i];
    const bool parted = a.to != nullptr && is_parted(*a.from, *a.to);
    if ((!parted && a.when <= present) || a.patience <= present) possible_.push_back({event::kind::attempt, i, 0});
  }
}

time_point simulated_wires::next_time() {
  time_point next = time_point::max();
  const time_point present = now();
  for (const auto& w : wires_) {
    if (is_parted(*w->sides[0].at, *w->sides[1].at)) continue;
    for (const side& s : w->sides)
      if (!s.coming.empty() && s.coming.front().arrives > present) next = std::min(next, s.coming.front().arrives);
  }
  for (const attempt& a : attempts_) {
    if (a.when > present) next = std::min(next, a.when);
    if (a.patience > present) next = std::min(next, a.patience);
  }
  return next;
}

void simulated_wires::take(std::size_t choice) {
  const auto self = shared_from_this();  // a callback may drop all else that holds it
  const event e = possible_[choice];
  switch (e.what) {
    case event::kind::arrival: return arrive(*std::shared_ptr(wires_[e.index]), e.who);
    case event::kind::readable: return call(std::shared_ptr(wires_[e.index])->sides[e.who].readable);
    case event::kind::writable: return call(std::shared_ptr(wires_[e.index])->sides[e.who].writable);
    case event::kind::acceptable: return call(std::shared_ptr(listeners_[e.index])->acceptable);
    case event::kind::attempt: return go_on(e.index);
  }
}

void simulated_wires::call(wait& w) {
  world_->note(called);
  world_->note(w.owner);
  const acting_for whom(*world_, w.owner);
  const io_callback now_due = std::exchange(w.call, nullptr);
  now_due();
}

void simulated_wires::has_left(source_id who) noexcept {
  // Destroyed last: their destructors may close streams.
  std::vector<io_callback> forgotten;
  std::vector<attempt> given_up;
  const auto forget = [&](wait& w) {
    if (w.owner == who && w.call) forgotten.push_back(std::exchange(w.call, nullptr));
  };
  for (const auto& w : wires_)
    for (side& s : w->sides) {
      forget(s.readable);
      forget(s.writable);
    }
  for (const auto& l : listeners_) forget(l->acceptable);
  for (std::size_t i = attempts_.size(); i-- > 0;) {
    if (attempts_[i].owner != who) continue;
    given_up.push_back(std::move(attempts_[i]));
    attempts_.erase(attempts_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  for (const attempt& a : given_up)
    if (a.made) release(a.made, 0);
}

// --- streams
// ------------------------------------------------------------------------------------------------------------

void simulated_wires::push(side& to, segment s) {
  if (!to.coming.empty()) s.arrives = std::max(s.arrives, to.coming.back().arrives);  // in order
  to.unread += s.bytes.size();
  to.coming.push_back(std::move(s));
}

void simulated_wires::arrive(wire& w, std::size_t who) {
  side& s = w.sides[who];
  segment come = std::move(s.coming.front());
  s.coming.pop_front();
  world_->note(arrived);
  world_->note(w.number * 2 + who);
  world_->note(static_cast<std::uint64_t>(come.what) << 32 | come.bytes.size());
  switch (come.what) {
    case segment::kind::bytes:
      if (s.closed || s.broken) {  // nobody will read them: the other side hears of it
        s.unread -= come.bytes.size();
        side& other = w.sides[1 - who];
        if (other.coming.empty() || other.coming.back().what != segment::kind::reset)
          push(other, {segment::kind::reset, soon(), {}});
        return;
      }
      s.here.insert(s.here.end(), come.bytes.begin(), come.bytes.end());
      return;
    case segment::kind::end:
      if (!s.broken) s.broken = end_of_stream();
      return;
    case segment::kind::reset: return break_side(s);
  }
}

void simulated_wires::break_side(side& s) noexcept {
  for (const segment& lost : s.coming) s.unread -= lost.bytes.size();
  s.coming.clear();
  s.broken = error_of(std::errc::connection_reset);
}

std::size_t simulated_wires::read(wire& w, std::size_t who, std::span<std::byte> into, std::error_code& error) {
  side& s = w.sides[who];
  error.clear();
  if (s.closed) {
    error = error_of(std::errc::bad_file_descriptor);
    return 0;
  }
  std::size_t count = std::min(into.size(), s.here.size());
  if (count == 0) {
    error = s.broken && s.here.empty() ? s.broken : error_of(std::errc::operation_would_block);
    return 0;
  }
  if (world_->choose(4) == 0) count = 1 + world_->choose(count);
  const auto end = s.here.begin() + static_cast<std::ptrdiff_t>(count);
  std::copy(s.here.begin(), end, into.begin());
  s.here.erase(s.here.begin(), end);
  s.unread -= count;
  return count;
}

std::size_t simulated_wires::write(wire& w, std::size_t who, std::span<const std::span<const std::byte>> from,
                                   std::error_code& error) {
  side& s = w.sides[who];
  side& to = w.sides[1 - who];
  error.clear();
  if (s.closed) {
    error = error_of(std::errc::bad_file_descriptor);
    return 0;
  }
  if (s.broken && s.broken != end_of_stream()) {
    error = error_of(std::errc::broken_pipe);
    return 0;
  }
  std::size_t room = window - std::min(window, to.unread);
  std::vector<std::byte> taken;
  for (const auto& piece : from) {
    const std::size_t part = std::min(room - taken.size(), piece.size());
    taken.insert(taken.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(part));
  }
  if (taken.empty()) {
    error = error_of(std::errc::operation_would_block);
    return 0;
  }
  if (world_->choose(4) == 0) taken.resize(1 + world_->choose(taken.size()));
  for (std::size_t at = 0; at < taken.size();) {
    std::size_t length = taken.size() - at;
    switch (world_->choose(4)) {
      case 0: length = 1 + world_->choose(length); break;
      case 1: length = 1 + world_->choose(std::min<std::size_t>(length, 8)); break;
      default: break;
    }
    const auto begin = taken.begin() + static_cast<std::ptrdiff_t>(at);
    push(to, {segment::kind::bytes, soon(), {begin, begin + static_cast<std::ptrdiff_t>(length)}});
    at += length;
  }
  return taken.size();
}

void simulated_wires::close(wire& w, std::size_t who) noexcept {
  side& s = w.sides[who];
  side& other = w.sides[1 - who];
  if (std::exchange(s.closed, true)) return;
  // As with TCP: what was written still arrives, and then the end; but when something had arrived here that nobody has
  // read, the other side hears of that by a reset, in which the end of what was written may be lost.
  const bool unread = !s.here.empty();
  s.unread -= s.here.size();
  s.here.clear();
  if (!s.broken || s.broken == end_of_stream()) {
    while (unread && !other.coming.empty() && world_->choose(2) == 0) {
      other.unread -= other.coming.back().bytes.size();
      other.coming.pop_back();
    }
    push(other, {unread ? segment::kind::reset : segment::kind::end, soon(), {}});
  }
  if (world_->choose(2) == 0) {  // either is allowed
    const wait dropped_read = std::exchange(s.readable, {});
    const wait dropped_write = std::exchange(s.writable, {});
  }
}

void simulated_wires::release(const std::shared_ptr<wire>& w, std::size_t who) noexcept {
  side& s = w->sides[who];
  close(*w, who);
  const wait dropped_read = std::exchange(s.readable, {});
  const wait dropped_write = std::exchange(s.writable, {});
  s.held = false;
  if (!w->sides[1 - who].held) std::erase(wires_, w);
}

std::unique_ptr<byte_stream> simulated_wires::hold(std::shared_ptr<wire> w, std::size_t who) {
  return std::make_unique<simulated_stream>(shared_from_this(), std::move(w), who);
}

// --- connecting
// ---------------------------------------------------------------------------------------------------------

std::uint16_t simulated_wires::free_port(machine& m) const {
  do {
    if (++m.next_port < first_free_port) m.next_port = first_free_port;
  } while (m.listeners.contains(m.next_port));
  return m.next_port;
}

std::shared_ptr<simulated_listener_state> simulated_wires::listen(machine& at, const std::string& address,
                                                                  std::uint16_t port, std::error_code& error) {
  error.clear();
  const bool loopback = is_loopback(address);
  if (!loopback && address != at.name && address != "0.0.0.0" && address != "::" && !address.empty()) {
    error = error_of(std::errc::address_not_available);
    return nullptr;
  }
  if (port == 0) port = free_port(at);
  auto& place = at.listeners[port];
  if (place) {
    error = error_of(std::errc::address_in_use);
    return nullptr;
  }
  place = std::make_shared<simulated_listener_state>(simulated_listener_state{&at, port, loopback, true, {}, {}});
  listeners_.push_back(place);
  return place;
}

void simulated_wires::unlisten(simulated_listener_state& l) noexcept {
  if (!std::exchange(l.open, false)) return;
  for (const auto& w : std::exchange(l.backlog, {})) release(w, 1);
  l.at->listeners.erase(l.port);
}

void simulated_wires::release(const std::shared_ptr<simulated_listener_state>& l) noexcept {
  const wait dropped = std::exchange(l->acceptable, {});
  unlisten(*l);
  std::erase(listeners_, l);
}

std::unique_ptr<byte_stream> simulated_wires::accept(simulated_listener_state& l, std::error_code& error) {
  error.clear();
  if (!l.open) {
    error = error_of(std::errc::bad_file_descriptor);
    return nullptr;
  }
  if (l.backlog.empty()) {
    error = error_of(std::errc::operation_would_block);
    return nullptr;
  }
  std::shared_ptr<wire> w = std::move(l.backlog.front());
  l.backlog.pop_front();
  return hold(std::move(w), 1);
}

void simulated_wires::connect(machine& from, const std::string& host, std::uint16_t port, network::connected done) {
  const bool itself = is_loopback(host) || host == from.name;
  attempts_.push_back({&from,
                       itself ? &from : find(host),
                       port,
                       soon(),
                       now() + connect_patience,
                       false,
                       {},
                       nullptr,
                       std::move(done),
                       world_->acting()});
}

void simulated_wires::go_on(std::size_t index) {
  attempt& a = attempts_[index];
  if (a.to == nullptr) return finish(index, error_of(std::errc::host_unreachable));
  if (is_parted(*a.from, *a.to)) return finish(index, error_of(std::errc::host_unreachable));
  if (a.answered) return finish(index, a.error);
  // It knocks.
  a.answered = true;
  a.when = soon();
  const auto found = a.to->listeners.find(a.port);
  world_->note(knocked);
  world_->note(a.from->number << 32 | a.to->number << 16 | a.port);
  if (found == a.to->listeners.end() || (found->second->loopback && a.from != a.to)) {
    a.error = error_of(std::errc::connection_refused);
    return;
  }
  a.made = std::make_shared<wire>();
  a.made->number = ++wires_made_;
  a.made->sides[0].at = a.from;
  a.made->sides[0].port = free_port(*a.from);
  a.made->sides[1].at = a.to;
  a.made->sides[1].port = a.port;
  a.made->sides[0].held = a.made->sides[1].held = true;
  wires_.push_back(a.made);
  found->second->backlog.push_back(a.made);
}

void simulated_wires::finish(std::size_t index, std::error_code error) {
  attempt a = std::move(attempts_[index]);
  attempts_.erase(attempts_.begin() + static_cast<std::ptrdiff_t>(index));
  world_->note(error ? gave_up : connected_step);
  world_->note(a.from->number << 32 | a.port);
  const acting_for whom(*world_, a.owner);
  std::unique_ptr<byte_stream> stream;
  if (a.made) stream = hold(std::move(a.made), 0);
  if (error) stream = nullptr;
  a.done(error, std::move(stream));
}

// --- faults
// -------------------------------------------------------------------------------------------------------------

void simulated_wires::reset(machine& a, machine& b) {
  for (const auto& w : wires_) {
    machine* const one = w->sides[0].at;
    machine* const two = w->sides[1].at;
    if (!((one == &a && two == &b) || (one == &b && two == &a))) continue;
    for (side& s : w->sides) break_side(s);
  }
}

void simulated_wires::crash(machine& m) {
  for (const auto& w : wires_)
    for (std::size_t who = 0; who < 2; ++who) {
      side& s = w->sides[who];
      if (s.at != &m) continue;
      break_side(s);
      side& other = w->sides[1 - who];
      if (other.at == &m)
        break_side(other);
      else if (!other.broken)
        push(other, {segment::kind::reset, soon(), {}});
    }
  while (!m.listeners.empty()) unlisten(*std::shared_ptr(m.listeners.begin()->second));
  for (attempt& a : attempts_) {
    if (a.from != &m) continue;
    a.answered = true;
    a.to = &m;  // no partition keeps it from hearing this
    a.error = error_of(std::errc::connection_reset);
    a.when = now();
  }
}

}  // namespace troupe::detail

namespace troupe::testing {

simulated_network::simulated_network(simulation& world)
    : wires_(std::make_shared<detail::simulated_wires>(world.world())) {}

simulated_network::~simulated_network() = default;

std::shared_ptr<detail::network> simulated_network::host(std::string_view name) {
  return std::make_shared<detail::simulated_host>(wires_, wires_->add(name));
}

void simulated_network::set_delays(std::chrono::nanoseconds usual, std::chrono::nanoseconds rare) noexcept {
  wires_->usual = std::max(usual, std::chrono::nanoseconds(0));
  wires_->rare = std::max(rare, std::chrono::nanoseconds(0));
}

void simulated_network::partition(std::string_view a, std::string_view b) {
  wires_->part(wires_->existing(a), wires_->existing(b));
}

void simulated_network::heal(std::string_view a, std::string_view b) {
  wires_->heal(wires_->existing(a), wires_->existing(b));
}

void simulated_network::reset(std::string_view a, std::string_view b) {
  wires_->reset(wires_->existing(a), wires_->existing(b));
}

void simulated_network::crash(std::string_view host) {
  wires_->crash(wires_->existing(host));
}

std::size_t simulated_network::streams() const noexcept {
  return wires_->streams();
}

}  // namespace troupe::testing
