// SPDX-License-Identifier: BSL-1.0
// The control messages of the distribution protocol: their numbers, and how envelopes become frames. Internal.
#pragma once

#include <troupe/actors/destination.hpp>
#include <troupe/mailbox/envelope.hpp>
#include <troupe/net/etf/buffer.hpp>

#include <cstdint>

namespace troupe::detail {

/// The first element of a control message. Erlang: DOP_*.
enum class control_op : std::uint8_t {
  link = 1,
  send = 2,
  exit = 3,
  unlink = 4,
  reg_send = 6,
  group_leader = 7,
  exit2 = 8,
  send_tt = 12,
  exit_tt = 13,
  reg_send_tt = 16,
  exit2_tt = 18,
  monitor_p = 19,
  demonitor_p = 20,
  monitor_p_exit = 21,
  send_sender = 22,
  send_sender_tt = 23,
  payload_exit = 24,
  payload_exit_tt = 25,
  payload_exit2 = 26,
  payload_exit2_tt = 27,
  payload_monitor_p_exit = 28,
  spawn_request = 29,
  spawn_request_tt = 30,
  spawn_reply = 31,
  spawn_reply_tt = 32,
  alias_send = 33,
  alias_send_tt = 34,
  unlink_id = 35,
  unlink_id_ack = 36,
};

/// Appends the frames, lengths included, that carry the envelope to `to`. `from`: who sends it; `flags`: what both
/// sides can do. A request becomes a monitor and a '$gen_call'. False when such a thing cannot be sent on this
/// connection. Throws what the payload's codec throws, and leaves the buffer as it was then.
bool write_frames(etf::buffer& out, std::uint64_t flags, const pid& from, const destination& to, const envelope& e);
/// The answer to a caller on the other node: {Tag, Reply}. A null reply is the atom ok.
void write_answer(etf::buffer& out, std::uint64_t flags, const pid& from, const request_envelope& request,
                  const envelope* reply);
/// The answer to a spawn request from the other node: the process, or the error (an atom) when it is null.
void write_spawn_reply(etf::buffer& out, const reference& ref, const pid& to, std::uint64_t made, const pid& process,
                       atom error);
/// Says that the request's caller will get no answer: the end of the monitor that it has made for it. False when its
/// tag names no monitor.
bool write_refusal(etf::buffer& out, std::uint64_t flags, const pid& from, const request_envelope& request,
                   const term& reason);

/// The monitor that a caller has made for the call with that tag; null when it names none.
reference monitor_in_tag(const term& tag) noexcept;
/// The alias that a caller's tag names: that of [alias|Ref] and of [[alias|Ref]|_]; null when it names none.
reference alias_in_tag(const term& tag) noexcept;

}  // namespace troupe::detail
