// SPDX-License-Identifier: BSL-1.0
// Which connection an envelope takes, and what happens when nodes come and go.
#include <troupe/net/distribution.hpp>

#include <troupe/actors/context.hpp>
#include <troupe/actors/runtime.hpp>
#include <troupe/net/control.hpp>
#include <troupe/net/dial.hpp>
#include <troupe/net/epmd_protocol.hpp>
#include <troupe/net/flags.hpp>
#include <troupe/net/handshake.hpp>
#include <troupe/net/node.hpp>

#include <spdlog/spdlog.h>

#include <algorithm>

namespace troupe::detail {

using namespace literals;

namespace {

connection_id next_connection_id() noexcept {
  static std::atomic<connection_id> next{1};
  return next.fetch_add(1, std::memory_order_relaxed);  // uniqueness is all
}

std::string_view node_of(const destination& to) noexcept {
  switch (to.which()) {
    case destination::kind::process: return node_name(to.process().node());
    case destination::kind::alias: return node_name(to.alias().node());
    case destination::kind::remote_name: return to.node().name();
    case destination::kind::name: return {};
  }
  return {};
}

/// Signals that belong to what was made on one connection: they take that one, or none.
bool belongs_to_connection(envelope_kind kind) noexcept {
  return kind == envelope_kind::link_exit || kind == envelope_kind::down || kind == envelope_kind::demonitor ||
         kind == envelope_kind::unlink_ack;
}

constexpr const char* disconnected = "disconnected";

/// The attempt of a connection that is up.
constexpr std::uint32_t is_taken = 0xffff'ffffU;

}  // namespace

distribution::distribution(detail::runtime& rt, node_options options, std::shared_ptr<network> net)
    : rt_(rt), options_(std::move(options)), net_(std::move(net)), cookies_(options_.cookie),
      epmd_port_(options_.epmd_port != 0 ? options_.epmd_port : detail::epmd_port()) {}

distribution::~distribution() = default;

std::uint64_t distribution::flags() const noexcept {
  return our_flags | (options_.hidden ? 0 : dist_flag::published);
}

void distribution::report(const std::string& text) const noexcept {
  try {
    spdlog::warn("{}: {}", options_.name, text);
  } catch (...) {
  }
}

std::uint32_t distribution::next_challenge() noexcept {
  if (!is_simulated()) return random_challenge();
  return static_cast<std::uint32_t>(
      mix(rt_.creation(), challenges_.fetch_add(1, std::memory_order_relaxed)));  // uniqueness is all
}

pid distribution::sender(std::uint32_t from) const noexcept {
  if (from != 0)
    if (const slot* s = rt_.table().find(from)) return s->self();
  return kernel_;
}

// --- router
// ------------------------------------------------------------------------------------------------------------

connection_id distribution::route(executor* env, std::uint32_t from, const destination& to, envelope* e) noexcept {
  const std::string_view node = node_of(to);
  if (node == name()) {  // an earlier incarnation of this node
    rt_.bounce(env, to.process(), e, "noproc"_atom);
    return 0;
  }
  const bool bound = belongs_to_connection(e->kind);
  const bool dial = !bound && e->kind != envelope_kind::unlink;
  for (;;) {
    const std::shared_ptr<connection> c = find(node, dial);
    if (c == nullptr || (bound && static_cast<signal_envelope&>(*e).connection != c->id())) {
      if (bound)
        free_envelope(e);
      else
        rt_.bounce(env, to.process(), e, "noconnection"_atom);
      return 0;
    }
    if (e->kind == envelope_kind::down && !static_cast<signal_envelope&>(*e).name.empty())
      c->take_named(static_cast<signal_envelope&>(*e).ref);
    if (c->hand_over(env, sender(from), to, e)) return c->id();
    // It went down in this moment; find() will not give it again.
    take_out(*c);
  }
}

void distribution::answer(executor* env, std::uint32_t from, request_envelope& request, envelope* reply) noexcept {
  const envelope_ptr owned(reply);
  const std::shared_ptr<connection> c = find(node_name(request.from.node()), false);
  try {
    const bool sent = c != nullptr && c->send(env, [&](etf::buffer& out, std::uint64_t flags) {
      if (request.from.creation() != c->facts().creation) return false;
      write_answer(out, flags, sender(from), request, reply);
      return true;
    });
    if (sent) return;
    // The question came by way of another node, or its connection was lost: the answer dials, as Erlang's does.
    const term& tag = request.remote->tag;
    term answer =
        term::tuple({tag, reply == nullptr || reply->type == nullptr ? term("ok"_atom) : payload_to_term(*reply)});
    const reference alias = alias_in_tag(tag);
    const destination to = alias ? destination(alias) : destination(request.from);
    if (alias) {
      auto* e = make_envelope<routed_envelope, term>(envelope_kind::alias_message, std::move(answer));
      e->ref = alias;
      route(env, from, to, e);
    } else {
      route(env, from, to, make_envelope<envelope, term>(envelope_kind::message, std::move(answer)));
    }
  } catch (const std::exception& error) {
    report("an answer to " + request.from.to_string() + " on " + c->peer() + " cannot be sent: " + error.what());
    refuse(env, from, request, "bad_reply"_atom);
  }
}

void distribution::refuse(executor* env, std::uint32_t from, request_envelope& request, const term& reason) noexcept {
  const std::shared_ptr<connection> c = find(node_name(request.from.node()), false);
  if (c == nullptr) return;
  // The caller's monitor has fired then, and he does not take it back.
  if (slot* asked = env == nullptr ? nullptr : env->current; asked != nullptr && asked->extra != nullptr)
    if (const auto it = asked->extra->watched_by.find(monitor_in_tag(request.remote->tag));
        it != asked->extra->watched_by.end() && it->second.peer == request.from)
      asked->extra->watched_by.erase(it);
  try {
    c->send(env, [&](etf::buffer& out, std::uint64_t flags) {
      return request.from.creation() == c->facts().creation && write_refusal(out, flags, sender(from), request, reason);
    });
  } catch (const std::exception& error) {
    report("the refusal of a call from " + request.from.to_string() + " cannot be sent: " + error.what());
  }
}

std::shared_ptr<connection> distribution::by_id(connection_id id) const noexcept {
  const std::shared_lock guard(lock_);
  const auto it = by_id_.find(id);
  return it == by_id_.end() ? nullptr : it->second;
}

bool distribution::touch(connection_id connection, const pid& process) noexcept {
  const auto c = by_id(connection);
  return c != nullptr && c->touch(process);
}

void distribution::forget(connection_id connection, const pid& process) noexcept {
  if (const auto c = by_id(connection)) c->forget(process);
}

bool distribution::is_busy(connection_id connection) const noexcept {
  const auto c = by_id(connection);
  return c != nullptr && c->is_busy();
}

bool distribution::wait_for_room(connection_id connection, const pid& process) noexcept {
  const auto c = by_id(connection);
  return c != nullptr && c->ask_for_room(process);
}

void distribution::stop() noexcept {
  std::vector<std::shared_ptr<connection>> left;
  {
    const std::unique_lock guard(lock_);
    stopping_ = true;
    for (const auto& [node, c] : connections_) left.push_back(c);
    connections_.clear();
    by_id_.clear();
  }
  for (const auto& c : left) {
    std::vector<connection::kept> unsent;
    c->shut(unsent);
    c->give_up(unsent);
  }
}

// --- connections
// -------------------------------------------------------------------------------------------------------

std::shared_ptr<connection> distribution::find(std::string_view node, bool dial) noexcept {
  {
    const std::shared_lock guard(lock_);
    const auto it = connections_.find(node);
    if (it != connections_.end()) return it->second;
    if (!dial || stopping_) return nullptr;
  }
  if (!is_node_name(node)) return nullptr;
  try {
    std::shared_ptr<connection> c;
    {
      const std::unique_lock guard(lock_);
      const auto it = connections_.find(node);
      if (it != connections_.end()) return it->second;
      c = begin(node);
    }
    // Outside of the lock: it may run the other end of something. Until it has its process nobody can take it over.
    const pid dialler =
        spawn_process(rt_, nullptr, {}, dial_process, shared<distribution>(shared_from_this()), shared<connection>(c))
            .pid;
    const std::unique_lock guard(lock_);
    if (c->attempt == 0) c->owner = dialler;
    return c;
  } catch (const std::exception& error) {  // the system stops, or is full
    const auto c = [&] {
      const std::shared_lock guard(lock_);
      const auto it = connections_.find(node);
      return it == connections_.end() ? nullptr : it->second;
    }();
    if (c) failed(*c, 0, error.what());
    return nullptr;
  }
}

/// Under lock_.
std::shared_ptr<connection> distribution::begin(std::string_view node) {
  auto c = std::make_shared<connection>(*this, next_connection_id(), std::string(node), options_.busy_limit);
  connections_.emplace(c->peer(), c);
  by_id_.emplace(c->id(), c);
  return c;
}

void distribution::take_out(connection& c) noexcept {
  const std::unique_lock guard(lock_);
  const auto it = connections_.find(c.peer());
  if (it != connections_.end() && it->second.get() == &c) connections_.erase(it);
  by_id_.erase(c.id());
}

std::vector<atom> distribution::nodes(bool visible, bool hidden) const {
  std::vector<atom> result;
  const std::shared_lock guard(lock_);
  for (const auto& [node, c] : connections_)
    if (c->state() == connection::stage::up && (c->facts().hidden ? hidden : visible)) result.emplace_back(node);
  return result;
}

std::string distribution::why_lost(std::string_view node) const {
  const std::lock_guard guard(watch_lock_);
  return last_lost_.first == node ? last_lost_.second : std::string();
}

bool distribution::disconnect(std::string_view node) noexcept {
  const std::shared_ptr<connection> c = find(node, false);
  if (c == nullptr || c->state() != connection::stage::up) return false;
  tell(owner_of(*c), close_connection{disconnected});
  return true;
}

incoming_verdict distribution::incoming(const std::string& peer, const pid& server) {
  using kind = incoming_verdict::kind;
  const std::unique_lock guard(lock_);
  if (stopping_) return {};
  const auto it = connections_.find(peer);
  if (it == connections_.end()) {
    auto c = begin(peer);
    c->owner = server;
    c->attempt = 1;
    return {kind::ok, c, 1};
  }
  connection& c = *it->second;
  switch (c.state()) {
    case connection::stage::up: return {kind::alive, nullptr, 0};
    case connection::stage::down: return {};  // just going; it will call again
    case connection::stage::pending: break;
  }
  if (c.attempt != 0) return {};  // it is calling already: its other call goes on
  // Its call and ours have crossed. The node with the greater name keeps its own.
  if (name() > peer) return {kind::nok, nullptr, 0};
  const pid before = std::exchange(c.owner, server);
  ++c.attempt;
  if (before && before != server) {
    signal_envelope* e = make_signal(envelope_kind::exit, server);
    e->reason = "kill"_atom;
    rt_.deliver(rt_.this_env(), server.id(), before, e);
  }
  return {kind::ok_simultaneous, it->second, c.attempt};
}

incoming_verdict distribution::replace(const std::string& peer, const pid& server) {
  std::shared_ptr<connection> old;
  {
    const std::shared_lock guard(lock_);
    const auto it = connections_.find(peer);
    if (it != connections_.end() && it->second->state() == connection::stage::up) old = it->second;
  }
  if (old != nullptr) {
    tell(owner_of(*old), close_connection{"replaced by a new connection of the same node"});
    return {incoming_verdict::kind::alive, old, 0};
  }
  incoming_verdict verdict = incoming(peer, server);
  if (verdict.status == incoming_verdict::kind::ok_simultaneous) verdict.status = incoming_verdict::kind::ok;
  return verdict;
}

pid distribution::owner_of(const connection& c) const {
  const std::shared_lock guard(lock_);
  return c.owner;
}

bool distribution::is_wanted(const connection& c, std::uint32_t attempt) const {
  const std::shared_lock guard(lock_);
  return c.attempt == attempt && c.state() == connection::stage::pending && !stopping_;
}

bool distribution::established(connection& c, std::uint32_t attempt, const peer_facts& facts,
                               std::shared_ptr<byte_stream> stream) {
  // nodeup comes before the first message, which this process will read; and after all that the loss of an earlier
  // connection says: see lost().
  {
    const std::unique_lock guard(lock_);
    if (c.attempt != attempt || c.state() != connection::stage::pending || stopping_) return false;
    c.attempt = is_taken;  // nobody takes it over any more
    if (const executor* env = rt_.this_env(); env != nullptr && env->current != nullptr) c.owner = env->current->self();
  }
  const atom node(c.peer());
  if (!c.open(facts, std::move(stream))) return false;
  const std::lock_guard guard(watch_lock_);
  for (const auto& [process, hidden] : nodes_monitors_)
    if (hidden || !facts.hidden) tell(c, process, nodeup{node});
  if (const auto it = waiters_.find(c.peer()); it != waiters_.end()) {
    for (const auto& [process, ticket] : it->second) tell(c, process, connect_result{ticket, true});
    waiters_.erase(it);
  }
  return true;
}

void distribution::failed(connection& c, std::uint32_t attempt, const std::string& why) noexcept {
  {
    const std::unique_lock guard(lock_);
    if (c.attempt != attempt || c.state() != connection::stage::pending) return;
    c.attempt = is_taken;  // nobody takes over what is about to go
  }
  lost(c, false, why);
}

void distribution::ended(connection& c, const std::string& why) noexcept {
  lost(c, true, why);
}

void distribution::lost(connection& c, bool was_up, const std::string& why) noexcept {
  const auto hold = c.shared_from_this();
  std::vector<connection::kept> unsent;
  {
    // Its successor can be there as soon as it is taken out, but says so only afterwards: see established().
    const std::lock_guard guard(watch_lock_);
    take_out(c);
    try {
      last_lost_ = {c.peer(), why};
    } catch (...) {  // no memory: then it is not known
    }
    const auto touched = c.shut(unsent);
    if (!touched) return;
    executor* env = rt_.this_env();
    for (const pid& process : *touched)
      rt_.deliver(env, c.channel(), process, make_number(envelope_kind::lost, c.id()));
    // A stranger's name makes no atom: who was up, and whom somebody monitors, has one.
    const auto known = atom::find(c.peer());
    const atom node = known.value_or(atom());
    if (const auto it = node_monitors_.find(node); known && it != node_monitors_.end()) {
      for (const pid& process : it->second) tell(c, process, nodedown{node});
      node_monitors_.erase(it);
    }
    if (was_up)
      for (const auto& [process, hidden] : nodes_monitors_)
        if (hidden || !c.facts().hidden) tell(c, process, nodedown{node});
    if (const auto it = waiters_.find(c.peer()); it != waiters_.end()) {
      for (const auto& [process, ticket] : it->second) tell(c, process, connect_result{ticket, false});
      waiters_.erase(it);
    }
  }
  c.give_up(unsent);  // outside of the lock: it may run destructors of messages
  if (rt_.is_stopping()) return;
  try {
    const std::string text =
        (was_up ? "the connection with " : "no connection with ") + c.peer() + (was_up ? " has ended: " : ": ") + why;
    if (was_up && (why == disconnected || why == end_of_stream().message()))
      spdlog::info("{}: {}", name(), text);  // as it should be
    else
      report(text);
  } catch (...) {  // no memory for that line
  }
}

// --- who wants to know
// ---------------------------------------------------------------------------------------------------

template <class Message>
void distribution::tell(const connection& c, const pid& process, Message message) noexcept {
  tell_from(c.channel(), process, std::move(message));
}

template <class Message>
void distribution::tell(const pid& process, Message message) noexcept {
  executor* env = rt_.this_env();
  tell_from(env != nullptr && env->current != nullptr ? env->current->id : 0, process, std::move(message));
}

template <class Message>
void distribution::tell_from(std::uint32_t from, const pid& process, Message message) noexcept {
  try {
    rt_.deliver(rt_.this_env(), from, process,
                make_envelope<envelope, Message>(envelope_kind::message, std::move(message)));
  } catch (...) {  // no memory for an envelope
  }
}

void distribution::monitor_node(const pid& process, atom node, bool on) {
  if (!on) {
    const std::lock_guard guard(watch_lock_);
    auto& watching = node_monitors_[node];
    if (const auto it = std::find(watching.begin(), watching.end(), process); it != watching.end()) watching.erase(it);
    if (watching.empty()) node_monitors_.erase(node);
    return;
  }
  if (node.name() == name()) return;  // nobody sees his own node go
  {
    const std::lock_guard guard(watch_lock_);
    // Those that have ended without taking it back go when there is a new one.
    auto& watching = node_monitors_[node];
    std::erase_if(watching, [this](const pid& p) { return !rt_.is_alive(p); });
    watching.push_back(process);
  }
  // As in Erlang, it dials; and what cannot be reached is down.
  const std::shared_ptr<connection> c = find(node.name(), true);
  if (c != nullptr && c->state() != connection::stage::down) return;
  {
    const std::lock_guard guard(watch_lock_);
    const auto it = node_monitors_.find(node);
    if (it == node_monitors_.end()) return;  // told meanwhile
    const auto mine = std::find(it->second.begin(), it->second.end(), process);
    if (mine == it->second.end()) return;
    it->second.erase(mine);
    if (it->second.empty()) node_monitors_.erase(it);
  }
  tell(process, nodedown{node});
}

void distribution::monitor_nodes(const pid& process, bool on, bool hidden) {
  const std::lock_guard guard(watch_lock_);
  if (on) {
    std::erase_if(nodes_monitors_, [this](const auto& m) { return !rt_.is_alive(m.first); });
    nodes_monitors_[process] = hidden;
  } else {
    nodes_monitors_.erase(process);
  }
}

void distribution::forget_waiter(const pid& process, atom node, std::uint64_t ticket) {
  const std::lock_guard guard(watch_lock_);
  const auto it = waiters_.find(std::string(node.name()));
  if (it == waiters_.end()) return;
  std::erase(it->second, std::pair(process, ticket));
  if (it->second.empty()) waiters_.erase(it);
}

void distribution::tell_connected(const pid& process, atom node, std::uint64_t ticket) {
  {
    const std::lock_guard guard(watch_lock_);
    waiters_[std::string(node.name())].emplace_back(process, ticket);
  }
  const bool own = node.name() == name();
  const std::shared_ptr<connection> c = own ? nullptr : find(node.name(), true);
  const bool up = own || (c != nullptr && c->state() == connection::stage::up);
  if (!up && c != nullptr && c->state() == connection::stage::pending) return;
  // It is up, or there is none: nobody else will say so.
  {
    const std::lock_guard guard(watch_lock_);
    const auto it = waiters_.find(node.name().data() == nullptr ? std::string() : std::string(node.name()));
    if (it == waiters_.end()) return;
    const auto mine = std::find(it->second.begin(), it->second.end(), std::pair(process, ticket));
    if (mine == it->second.end()) return;
    it->second.erase(mine);
    if (it->second.empty()) waiters_.erase(it);
  }
  tell(process, connect_result{ticket, up});
}

}  // namespace troupe::detail
