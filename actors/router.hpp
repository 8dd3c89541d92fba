// SPDX-License-Identifier: BSL-1.0
// What the runtime asks of whoever connects it with other nodes. net/ stands behind it. Internal.
#pragma once

#include <troupe/actors/destination.hpp>
#include <troupe/mailbox/envelope.hpp>
#include <troupe/mailbox/pid.hpp>

#include <cstdint>

namespace troupe::detail {

class executor;
struct slot;

/// Identifies one connection with another node, of all that this OS process has had. Links and monitors remember
/// theirs, so that the loss of an old connection does not touch what was made on a new one. 0: none.
using connection_id = std::uint64_t;

/// What a spawn on another node has made; spawn_reply's number.
enum spawn_made : std::uint64_t { made_link = 1, made_monitor = 2 };

/// A request that a router sends as a spawn request. Its answer is a spawn_reply. Erlang: spawn_request/5.
struct spawn_order {
  atom module;
  atom function;
  term arguments;  // a list
  bool link;
  bool monitor;
  pid group_leader;
};

/// Carries envelopes to other nodes. Any thread.
class router {
 public:
  virtual ~router() = default;

  /// Takes the envelope over and sends it to `to`, a pid, alias or name of another node, connecting first when need be;
  /// in the order of the calls of one sender. `from`: the id of the slot that sends, 0 for others. Gives the connection
  /// that it was handed to; 0 when there is none, and it has been answered as runtime::bounce does.
  virtual connection_id route(executor* env, std::uint32_t from, const destination& to, envelope* e) noexcept = 0;
  /// Sends the answer to a request whose caller is on another node (request.remote). `reply` may be null: no content.
  virtual void answer(executor* env, std::uint32_t from, request_envelope& request, envelope* reply) noexcept = 0;
  /// Tells such a caller that there will be no answer.
  virtual void refuse(executor* env, std::uint32_t from, request_envelope& request, const term& reason) noexcept = 0;
  /// The process shall hear of the loss of the connection. False: it is lost already.
  virtual bool touch(connection_id connection, const pid& process) noexcept = 0;
  /// The process has ended, and no longer wants to hear of the loss of the connection.
  virtual void forget(connection_id connection, const pid& process) noexcept = 0;
  /// Is so much waiting to be written there that senders should wait?
  virtual bool is_busy(connection_id connection) const noexcept = 0;
  /// The same; if so, the process gets an envelope of kind room
  /// when that has changed.
  virtual bool wait_for_room(connection_id connection, const pid& process) noexcept = 0;
  /// The system stops: nothing of what comes from now on leaves.
  virtual void stop() noexcept = 0;
};

/// What an executor has to write to a connection before it rests.
class flushable {
 public:
  virtual ~flushable() = default;
  virtual void flush() noexcept = 0;
};

}  // namespace troupe::detail
