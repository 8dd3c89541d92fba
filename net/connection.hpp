// SPDX-License-Identifier: BSL-1.0
// One connection with another node, from the moment that somebody wants it to its loss. Internal.
#pragma once

#include <troupe/actors/router.hpp>
#include <troupe/mailbox/atom.hpp>
#include <troupe/mailbox/envelope.hpp>
#include <troupe/net/outbox.hpp>

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace troupe::detail {

class distribution;

/// The other node as the handshake has shown it.
struct peer_facts {
  std::uint64_t flags = 0;     // what both sides can do
  std::uint32_t creation = 0;  // its incarnation
  bool hidden = false;
};

/// Pending, then up, then down for ever; a pending one may go down at once. A node that connects again does so by
/// another object, with another id: links, monitors and calls remember the id. Any thread, unless it says otherwise.
class connection final : public flushable, public std::enable_shared_from_this<connection> {
 public:
  enum class stage : std::uint8_t { pending, up, down };

  connection(distribution& home, connection_id id, std::string peer, std::size_t busy_limit);
  ~connection() override;

  connection_id id() const noexcept { return id_; }
  const std::string& peer() const noexcept { return peer_; }
  stage state() const noexcept { return stage_.load(std::memory_order_acquire); }
  /// In whose name what comes from the node is delivered: the same for all its connections, so that a simulation, which
  /// keeps the order of each sender, keeps that of the node (on threads what is delivered is there).
  std::uint32_t channel() const noexcept { return channel_; }
  /// Once it is up.
  const peer_facts& facts() const noexcept { return facts_; }

  /// Sends the envelope, or keeps it until the connection is up. `from`: the sender, whose worker encodes it. False
  /// when the connection is down: then the envelope stays the caller's.
  bool hand_over(executor* env, const pid& from, const destination& to, envelope* e) noexcept;
  /// Sends what `write(buffer, flags)` writes. Only when it is up; false otherwise.
  template <class Write>
  bool send(executor* env, Write&& write) {
    if (state() != stage::up) return false;
    auto s = std::make_unique<segment>();
    if (!write(s->bytes, facts_.flags)) return true;
    push(env, std::move(s));
    return true;
  }
  /// What waits is written by this thread now, unless another one does.
  void flush() noexcept override { out_.flush(shared_from_this()); }

  /// The process (of this node) shall hear when the connection is lost. False when it is down.
  bool touch(const pid& process);
  void forget(const pid& process) noexcept;

  /// Monitors that the other node has on processes of ours by name: who it was.
  void add_named(const reference& monitor, const pid& process);
  /// Null pid when it is not known.
  pid take_named(const reference& monitor) noexcept;

  /// A request that a process here has delegated there, for another process here, has its answer, or the news that
  /// there is none: nobody has to tell the caller any more. Then the answer's monitor is to be taken back, unless it
  /// has fired.
  void settle(const reference& question, bool fired) noexcept;

  /// What somebody wanted to send before it was up.
  struct kept {
    pid from;
    destination to;
    envelope* e;
  };

  /// From now on it is up, what was kept is sent, and senders send by themselves. False when it is down already. Once,
  /// by the process that serves it.
  bool open(const peer_facts& facts, std::shared_ptr<byte_stream> stream) noexcept;
  /// From now on it is down; who was touched, in the order of pids. What was kept is dropped: who waits for something
  /// is among those who hear of the loss. Nothing when it was down before.
  std::optional<std::vector<pid>> shut(std::vector<kept>& unsent) noexcept;
  /// Drops what shut() has given back.
  void give_up(const std::vector<kept>& unsent) noexcept;

  bool is_busy() const noexcept { return out_.is_busy() || kept_count_.load(std::memory_order_relaxed) > most_kept; }
  bool ask_for_room(const pid& process) noexcept;
  outbox& out() noexcept { return out_; }

  // --- only under the distribution's lock ----------------------------------------------------------------------------

  pid owner;                  // the process that dials or serves it
  std::uint32_t attempt = 0;  // raised when another one takes over

 private:
  static constexpr std::size_t most_kept = 1000;  // envelopes, while it is pending: then awaited sends wait

  struct delegated {
    pid caller;
    destination to;
  };

  /// Takes the envelope over; null when there is nothing to send.
  std::unique_ptr<segment> encode(executor* env, const pid& from, const destination& to, envelope* e) noexcept;
  void push(executor* env, std::unique_ptr<segment> s) noexcept;
  void give_room() noexcept;

  distribution& home_;
  const connection_id id_;
  const std::string peer_;
  const std::uint32_t channel_;
  std::atomic<stage> stage_{stage::pending};
  peer_facts facts_;  // written before stage_ becomes up
  outbox out_;

  std::mutex lock_;
  std::atomic<std::size_t> kept_count_{0};                                            // a figure alone
  std::vector<kept> kept_;                                                            // under lock_
  boost::unordered::unordered_flat_set<pid, std::hash<pid>> touched_;                 // under lock_
  boost::unordered::unordered_flat_map<reference, pid, std::hash<reference>> named_;  // under lock_
  // Questions of processes that have not used the connection themselves. Under lock_.
  boost::unordered::unordered_flat_map<reference, delegated, std::hash<reference>> delegated_;
  std::atomic<bool> any_delegated_{false};  // there has been one: relaxed, who asks was told of it by the other node
  std::vector<pid> room_wanted_;            // under lock_
};

/// Destroys an envelope that was sent, or that nobody will get: a request says nothing to its caller.
void drop_silently(envelope* e) noexcept;

}  // namespace troupe::detail
