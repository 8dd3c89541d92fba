// SPDX-License-Identifier: BSL-1.0
// The distribution of one node: its connections, and the router that the runtime sees. Internal; users see it as node.
#pragma once

#include <troupe/actors/executor.hpp>
#include <troupe/actors/router.hpp>
#include <troupe/mailbox/atom.hpp>
#include <troupe/mailbox/pid.hpp>
#include <troupe/net/connection.hpp>
#include <troupe/net/cookie.hpp>
#include <troupe/net/exports.hpp>
#include <troupe/net/node_options.hpp>
#include <troupe/net/stream.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::detail {

class runtime;

/// What a process of the distribution is given: a share of something that its makers know how to use from many threads.
template <class T>
class shared {
 public:
  shared() = default;
  explicit shared(std::shared_ptr<T> what) noexcept : what_(std::move(what)) {}
  T* operator->() const noexcept { return what_.get(); }
  T& operator*() const noexcept { return *what_; }
  const std::shared_ptr<T>& get() const noexcept { return what_; }
  explicit operator bool() const noexcept { return what_ != nullptr; }

 private:
  std::shared_ptr<T> what_;
};

/// How an incoming connection is answered. Erlang: net_kernel's accept_pending.
struct incoming_verdict {
  enum class kind : std::uint8_t { ok, ok_simultaneous, nok, alive, not_allowed };
  kind status = kind::not_allowed;
  std::shared_ptr<connection> slot;  // ok, ok_simultaneous: what it will be
  std::uint32_t attempt = 0;
};

/// Any thread may call everything here. Lives as long as its system.
class distribution final : public router, public std::enable_shared_from_this<distribution> {
 public:
  distribution(detail::runtime& rt, node_options options, std::shared_ptr<network> net);
  ~distribution() override;

  detail::runtime& runtime() noexcept { return rt_; }
  const node_options& options() const noexcept { return options_; }
  const std::shared_ptr<network>& net() const noexcept { return net_; }
  /// "a@host", and its parts.
  const std::string& name() const noexcept { return options_.name; }
  std::string_view short_name() const noexcept { return std::string_view(name()).substr(0, name().find('@')); }
  std::string_view host() const noexcept { return std::string_view(name()).substr(name().find('@') + 1); }
  detail::cookies& cookies() noexcept { return cookies_; }
  export_table& exports() noexcept { return exports_; }
  /// What we tell other nodes that we can do.
  std::uint64_t flags() const noexcept;

  // --- router --------------------------------------------------------------------------------------------------------

  connection_id route(executor* env, std::uint32_t from, const destination& to, envelope* e) noexcept override;
  void answer(executor* env, std::uint32_t from, request_envelope& request, envelope* reply) noexcept override;
  void refuse(executor* env, std::uint32_t from, request_envelope& request, const term& reason) noexcept override;
  bool touch(connection_id connection, const pid& process) noexcept override;
  void forget(connection_id connection, const pid& process) noexcept override;
  bool is_busy(connection_id connection) const noexcept override;
  bool wait_for_room(connection_id connection, const pid& process) noexcept override;
  void stop() noexcept override;

  // --- connections ---------------------------------------------------------------------------------------------------

  /// The connection with that node; dials when there is none and `dial`. Null: there is none, or the name is no node's.
  std::shared_ptr<connection> find(std::string_view node, bool dial) noexcept;
  /// Nodes that are connected, sorted: those that are visible, or hidden, or both.
  std::vector<atom> nodes(bool visible, bool hidden) const;
  /// Why the connection with that node was lost or could not be made, when none was lost after it; else empty.
  std::string why_lost(std::string_view node) const;
  /// Ends the connection with that node; false when there was none.
  bool disconnect(std::string_view node) noexcept;

  /// A node that calls itself `peer` has dialled us; `server` is the process that answers it.
  incoming_verdict incoming(const std::string& peer, const pid& server);
  /// After "alive" and "true", and after its digest was found right: a place for the connection that replaces the old
  /// one, which has been told to end. Null: wait for that, and ask again.
  incoming_verdict replace(const std::string& peer, const pid& server);
  /// Is this attempt still the one that shall become the connection?
  bool is_wanted(const connection& c, std::uint32_t attempt) const;
  /// The process that dials or serves it.
  pid owner_of(const connection& c) const;
  /// The handshake is done: the connection is up, and its waiters hear of it. False: it is not wanted any more.
  bool established(connection& c, std::uint32_t attempt, const peer_facts& facts, std::shared_ptr<byte_stream> stream);
  /// The attempt has failed: nothing when another one has taken over.
  void failed(connection& c, std::uint32_t attempt, const std::string& why) noexcept;
  /// The connection has ended.
  void ended(connection& c, const std::string& why) noexcept;

  // --- who wants to know ---------------------------------------------------------------------------------------------

  /// One nodedown for each time that it was asked. Erlang: monitor_node/2.
  void monitor_node(const pid& process, atom node, bool on);
  /// nodeup and nodedown of all nodes (hidden ones only when wanted). Erlang: net_kernel:monitor_nodes/2.
  void monitor_nodes(const pid& process, bool on, bool hidden);
  /// The process gets connect_result{ticket} when the node is up, or cannot be reached. Dials.
  void tell_connected(const pid& process, atom node, std::uint64_t ticket);
  /// It has given up waiting for that.
  void forget_waiter(const pid& process, atom node, std::uint64_t ticket);

  /// Time and chance are a seed's.
  bool is_simulated() const noexcept { return options_.network != nullptr; }
  std::uint32_t next_challenge() noexcept;
  std::uint16_t epmd_port() const noexcept { return epmd_port_; }

  /// One line of the log.
  void report(const std::string& text) const noexcept;
  /// The process that stands for the node: net_kernel.
  void set_kernel(const pid& process) noexcept { kernel_ = process; }
  /// The process that prints for processes elsewhere: user.
  void set_io(const pid& process) noexcept { io_ = process; }
  const pid& io() const noexcept { return io_; }
  const pid& kernel() const noexcept { return kernel_; }

 private:
  using connections = boost::unordered::unordered_flat_map<std::string, std::shared_ptr<connection>>;

  pid sender(std::uint32_t from) const noexcept;
  std::shared_ptr<connection> by_id(connection_id id) const noexcept;
  std::shared_ptr<connection> begin(std::string_view node);
  void take_out(connection& c) noexcept;
  void lost(connection& c, bool was_up, const std::string& why) noexcept;
  /// What the connection's node does, in order with what comes from it.
  template <class Message>
  void tell(const connection& c, const pid& process, Message message) noexcept;
  template <class Message>
  void tell(const pid& process, Message message) noexcept;
  template <class Message>
  void tell_from(std::uint32_t from, const pid& process, Message message) noexcept;

  detail::runtime& rt_;
  const node_options options_;
  const std::shared_ptr<network> net_;
  detail::cookies cookies_;
  export_table exports_;
  const std::uint16_t epmd_port_;
  std::atomic<std::uint32_t> challenges_{0};
  pid kernel_;
  pid io_;

  mutable std::shared_mutex lock_;
  std::map<std::string, std::shared_ptr<connection>, std::less<>> connections_;             // under lock_
  boost::unordered::unordered_flat_map<connection_id, std::shared_ptr<connection>> by_id_;  // under lock_
  bool stopping_ = false;                                                                   // under lock_

  mutable std::mutex watch_lock_;
  std::map<atom, std::vector<pid>> node_monitors_;                             // under watch_lock_
  std::map<pid, bool> nodes_monitors_;                                         // under watch_lock_
  std::map<std::string, std::vector<std::pair<pid, std::uint64_t>>> waiters_;  // under watch_lock_
  std::pair<std::string, std::string> last_lost_;                              // who, and why; under watch_lock_
};

/// The answer to distribution::tell_connected.
struct connect_result {
  std::uint64_t ticket;
  bool up;
};

/// A process that may not use the connection any more. To the process that serves it.
struct close_connection {
  std::string why;
};

}  // namespace troupe::detail
