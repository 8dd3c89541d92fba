// SPDX-License-Identifier: BSL-1.0
// What comes in by a connection: frames to envelopes. Internal.
#pragma once

#include <troupe/actors/context.hpp>
#include <troupe/mailbox/encoded_term.hpp>
#include <troupe/net/connection.hpp>
#include <troupe/net/etf/reader.hpp>
#include <troupe/net/etf/skim.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>

namespace troupe::detail {

class distribution;
enum class control_op : std::uint8_t;

/// The other node does not keep to the protocol: its connection ends. what() says what it sent.
class protocol_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// How payloads of the external term format are read.
extern const wire_format etf_format;

/// Handles the frames of one connection, in order. Only the process that serves it.
class inbound {
 public:
  inbound(distribution& home, std::shared_ptr<connection> c, context& self);

  /// One frame without its length; not empty. `block`: what holds the bytes, if messages may keep all of it alive.
  /// Throws etf::malformed and protocol_error; then the connection is to be closed.
  void take(std::span<const std::byte> frame, const block_ptr& block);

 private:
  struct payload_bytes {
    std::span<const std::byte> bytes;  // of the term
    std::uint64_t key = 0;
  };

  payload_bytes payload(std::span<const std::byte> rest);
  term reason(std::span<const std::byte> rest);
  encoded_term keep(std::span<const std::byte> bytes, std::uint64_t key, const block_ptr& block) const;
  pid read_pid(etf::reader& r, const char* what) const;
  pid read_peer(etf::reader& r, const char* what) const;
  atom read_atom(etf::reader& r, const char* what) const;
  reference read_reference(etf::reader& r, const char* what) const;
  std::uint64_t read_number(etf::reader& r, const char* what) const;
  /// A pid, or the process that has the name; null when nobody has.
  pid read_target(etf::reader& r, atom& name) const;

  void message(const pid& to, const reference& alias, const payload_bytes& p, const block_ptr& block);
  bool request(const pid& to, const payload_bytes& p, const block_ptr& block);
  bool answer(const pid& to, const reference& alias, const payload_bytes& p, const block_ptr& block);
  void spawn(etf::reader& r, std::span<const std::byte> rest);
  void deliver(const pid& to, envelope* e) noexcept;
  void signal(envelope_kind kind, const pid& from, const pid& to, std::uint64_t number = 0);
  pid owner_of(const reference& alias) const noexcept;

  distribution& home_;
  std::shared_ptr<connection> connection_;
  slot& self_;
  etf::skim_limits limits_;
};

}  // namespace troupe::detail
