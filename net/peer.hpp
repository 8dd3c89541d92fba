// SPDX-License-Identifier: BSL-1.0
// peer: another OS process that this program starts as a node, and whose life is tied to its own.
#pragma once

#include <troupe/actors/context.hpp>
#include <troupe/net/node.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

namespace detail {
class peer_process;
struct peer_access;
}  // namespace detail

// The same program is both sides:
//
//     int main() {
//       if (is_peer()) return run_peer([](node& here) { here.export_as("worker", worker); });
//       node here({.name = "a@127.0.0.1"});
//       peer b = start_peer(here, {.name = "b@127.0.0.1"});
//       ...spawn_at(self, "b@127.0.0.1", "worker")...
//     }

/// How a peer's OS process has ended.
struct peer_exit {
  int code = 0;    ///< its exit status, when no signal ended it
  int signal = 0;  ///< the signal that ended it; 0: none
  /// "exit status 3" or "signal 9 (Killed)".
  std::string to_string() const;
  friend bool operator==(const peer_exit&, const peer_exit&) = default;
};

/// To peer_options::report: the OS process of that node has ended. The nodedown of its connection comes apart from it.
/// Erlang: the DOWN of peer's control process.
struct peer_down {
  atom node;   ///< its name
  int code;    ///< as in peer_exit
  int signal;  ///< as in peer_exit
  friend bool operator==(const peer_down&, const peer_down&) = default;
};

/// When start_peer has done its work.
enum class peer_start : std::uint8_t {
  ready,     ///< when the program has called run_peer, and that has prepared the node and connected it with this one
  connected  ///< when a node of that name has connected with this one, whatever the program is: erl, for one
};

/// What start_peer is told.
struct peer_options {
  /// The node's name. Its host is this machine.
  std::string name;
  /// A path, or a name to look for in $PATH. Empty: this program.
  std::string program{};
  /// What its main gets, without the program's name.
  std::vector<std::string> arguments{};
  /// In addition to this process's own.
  std::vector<std::pair<std::string, std::string>> environment{};
  /// When start_peer returns.
  peer_start until = peer_start::ready;
  /// How long that may take.
  std::chrono::nanoseconds patience = std::chrono::seconds(15);
  /// Who gets peer_down when it ends, once it has started; null: nobody.
  pid report{};
};

/// A node in an OS process of its own, started by start_peer. When this program ends, however that is, the peer does
/// too. A peer must not outlive the node that it was started for. One thread at a time, but for wait and is_running.
/// Erlang: peer.
class peer {
 public:
  /// None.
  peer() noexcept = default;
  /// Takes the OS process over; the other has none then.
  peer(peer&&) noexcept;
  /// The same; kills the one that this had.
  peer& operator=(peer&&) noexcept;
  /// Kills it, if it runs, and waits for its end, which is a matter of milliseconds. See stop.
  ~peer();

  /// False when this is none.
  explicit operator bool() const noexcept { return process_ != nullptr; }
  /// Its node's name; the empty atom when this is none.
  atom name() const noexcept { return name_; }
  /// The OS's number of its process; 0 when this is none.
  int os_pid() const noexcept;
  /// Is the OS process running?
  bool is_running() const noexcept;

  /// Blocks until it has ended: nothing when it has not in that time. Throws usage_error on a worker, where it would
  /// stop others: use self.blocking.
  std::optional<peer_exit> wait(detail::duration patience = infinity) const;
  /// Asks it to end (SIGTERM; run_peer then ends its processes, its node, and returns), and kills it when it does not
  /// in that time. Blocks, as wait does. Erlang: peer:stop/1.
  peer_exit stop(detail::duration grace = std::chrono::seconds(5));
  /// Kills it, and blocks for the milliseconds until it is gone. Any thread and any process may do so.
  peer_exit kill() noexcept;
  /// Sends a signal, if it still runs. SIGSTOP and SIGCONT make a node that hangs.
  void signal(int number) noexcept;

 private:
  friend struct detail::peer_access;

  std::shared_ptr<detail::peer_process> process_;
  atom name_;
};

/// Starts a program as a node on this machine, and returns when it is there (see peer_options::until). Throws
/// node_error: the program cannot be started, has ended (with what exit status), or was not there in time; what had
/// started is killed then. It finds all it needs in its environment, never on its command line, which everybody can
/// see:
///
///     TROUPE_PEER_NAME, TROUPE_PEER_COOKIE    its name, and the cookie
///     TROUPE_PEER_PARENT                      this node's name
///     TROUPE_PEER_EPMD_PORT, ERL_EPMD_PORT    where epmd is
///     TROUPE_PEER_PORT                        without epmd: the port that every node listens at
///     TROUPE_PEER_HIDDEN, TROUPE_PEER_TICK_MS as those of this node
///
/// Its standard input ends when this process does, its output and its errors are this process's, and it inherits no
/// other descriptor. From an ordinary thread; blocks. Erlang: peer:start/1.
peer start_peer(node& here, const peer_options& options);
/// The same from a process, which others of its worker do not wait for. (g++ 12: name the options first.)
task<peer> start_peer(context& self, const peer_options& options);

// --- in the peer ----------------------------------------------------------------------------------------------------

/// Was this OS process started as a peer? By start_peer, or by whoever sets TROUPE_PEER_NAME: an Erlang program's port
/// does well. Ask at the beginning of main, before there are threads: the first call takes the variables out of the
/// environment, so that the programs which this one starts do not take themselves for peers.
bool is_peer();
/// What the parent wants this process's node to be; nothing when this is no peer. Throws node_error when it cannot be
/// read.
std::optional<node_options> peer_node_options();

/// What a peer's main does: makes its node, lets `setup` export and spawn what there is to find on it, connects with
/// the parent and tells it so, and waits until the parent says stop, or is gone (standard input ends). Then ends the
/// node, and returns what main should: 0, or 1 when something of this failed, which it prints. When the end takes
/// longer than 10 s, the process exits on the spot. Call it at the beginning of main.
int run_peer(const std::function<void(node&)>& setup);
/// The same with other options than the parent's.
int run_peer(const node_options& options, const std::function<void(node&)>& setup);

}  // namespace troupe
