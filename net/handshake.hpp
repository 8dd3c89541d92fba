// SPDX-License-Identifier: BSL-1.0
// The handshake by which two nodes find out who they are and that they know the same cookie: its messages, and the two
// sides as tasks over a byte stream. Version 6 of Erlang's distribution protocol. Internal.
#pragma once

#include <troupe/actors/context.hpp>
#include <troupe/net/flags.hpp>
#include <troupe/net/stream.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::detail {

/// A handshake that did not end in a connection. what() says at which step, with whom and what came instead; never a
/// cookie or a digest.
class handshake_failed : public std::runtime_error {
 public:
  enum class cause : std::uint8_t {
    broken,       ///< the stream broke or ended. After our digest was sent, the peer's way to say "wrong cookie"
    timed_out,    ///< a step took too long
    bad_message,  ///< what came is not what belongs there
    bad_name,     ///< the peer has another name than it should, or an impossible one
    bad_flags,    ///< one side cannot do what the other must have
    bad_cookie,   ///< the peer's digest is not made of our cookie
    not_allowed,  ///< refused: by the peer, or by us
    lost_race,    ///< "nok": the connection that the other side has begun is the one that goes on
    not_wanted    ///< "alive": there is a connection, and the attempt at another one is given up
  };

  handshake_failed(cause why, const std::string& what) : std::runtime_error(what), why_(why) {}
  cause why() const noexcept { return why_; }

 private:
  cause why_;
};

// --- flags
// ------------------------------------------------------------------------------------------------------------

/// What a peer must be able to do: what OTP 26 and 27 demand of theirs.
inline constexpr std::uint64_t mandatory_flags_25 = 0x1070F94;
inline constexpr std::uint64_t mandatory_flags =
    mandatory_flags_25 | dist_flag::unlink_id | dist_flag::v4_nc;  // 0x403070F94
/// What we can do, for a hidden node without fragments and atom cache; a visible one adds dist_flag::published.
inline constexpr std::uint64_t our_flags = mandatory_flags | dist_flag::mandatory_25_digest | dist_flag::dist_monitor |
                                           dist_flag::dist_monitor_name | dist_flag::small_atom_tags |
                                           dist_flag::send_sender | dist_flag::big_seqtrace_labels |
                                           dist_flag::exit_payload | dist_flag::spawn | dist_flag::alias;
static_assert(mandatory_flags == 0x403070F94 && our_flags == 0xD075F4FBC);

/// Theirs, where the digest bit stands for all that OTP 25 demands.
constexpr std::uint64_t expanded(std::uint64_t theirs) noexcept {
  return (theirs & dist_flag::mandatory_25_digest) != 0 ? theirs | mandatory_flags_25 : theirs;
}
/// What both sides can do.
constexpr std::uint64_t effective(std::uint64_t ours, std::uint64_t theirs) noexcept {
  return ours & expanded(theirs);
}
/// "UNLINK_ID, V4_NC"; unknown bits as "bit 40".
std::string flag_names(std::uint64_t flags);

// --- names
// ------------------------------------------------------------------------------------------------------------

/// Is it `name@host`: one @, something on both sides, UTF-8 of at most 255 characters? Erlang:
/// dist_util:is_node_name/1.
bool is_node_name(std::string_view text) noexcept;
/// The same without a name, which is what a node sends that wants one given.
bool is_host_name(std::string_view text) noexcept;
/// A host that Erlang nodes with -name talk to (a dot, or an IPv6 address), rather than those with -sname.
bool is_long_host(std::string_view host) noexcept;

// --- digests
// ----------------------------------------------------------------------------------------------------------

using digest = std::array<std::byte, 16>;

/// MD5 of the cookie and the challenge in decimal. Erlang: dist_util:gen_digest/2.
digest digest_of(std::string_view cookie, std::uint32_t challenge);
/// Compares without telling by its time how much is equal.
bool equal(const digest& a, const digest& b) noexcept;
/// From the system's source of unpredictable numbers.
std::uint32_t random_challenge();

// --- messages
// --------------------------------------------------------------------------------------------------------- Each is
// written without its length. The parsers throw handshake_failed{bad_message}; what follows a complete message is
// ignored, as the protocol has it.

/// 'N': who dials.
struct name_message {
  std::uint64_t flags = 0;
  std::uint32_t creation = 0;
  std::string name;

  friend bool operator==(const name_message&, const name_message&) = default;
};

/// 's': what the one who was dialled thinks of it; or the answer to "alive".
struct status_message {
  std::string status;          ///< "ok", "ok_simultaneous", "nok", "not_allowed", "alive", "true", "false", "named"
  std::string name{};          ///< of "named": the whole name that the dialling node gets
  std::uint32_t creation = 0;  ///< of "named"

  friend bool operator==(const status_message&, const status_message&) = default;
};

/// 'N': who was dialled, and what to prove the cookie with.
struct challenge_message {
  std::uint64_t flags = 0;
  std::uint32_t challenge = 0;
  std::uint32_t creation = 0;
  std::string name;

  friend bool operator==(const challenge_message&, const challenge_message&) = default;
};

/// 'r': the proof, and the counter-question.
struct challenge_reply {
  std::uint32_t challenge = 0;
  detail::digest digest{};

  friend bool operator==(const challenge_reply&, const challenge_reply&) = default;
};

/// 'a': the other proof.
struct challenge_ack {
  detail::digest digest{};

  friend bool operator==(const challenge_ack&, const challenge_ack&) = default;
};

void write(std::vector<std::byte>& to, const name_message& m);
void write(std::vector<std::byte>& to, const status_message& m);
void write(std::vector<std::byte>& to, const challenge_message& m);
void write(std::vector<std::byte>& to, const challenge_reply& m);
void write(std::vector<std::byte>& to, const challenge_ack& m);

name_message parse_name(std::span<const std::byte> body);
status_message parse_status(std::span<const std::byte> body);
challenge_message parse_challenge(std::span<const std::byte> body);
challenge_reply parse_challenge_reply(std::span<const std::byte> body);
challenge_ack parse_challenge_ack(std::span<const std::byte> body);

// --- the two sides
// ------------------------------------------------------------------------------------------------------

/// How an incoming connection is answered. Erlang: net_kernel's accept_pending.
enum class handshake_verdict : std::uint8_t {
  ok,
  ok_simultaneous,  ///< we are dialling it too, and give that up
  nok,              ///< we are dialling it too, and go on with that
  alive,            ///< there is a connection already, which may be stale
  not_allowed
};

/// What the handshake asks of the node. Called by the process that shakes hands.
class handshake_host {
 public:
  handshake_host() = default;
  handshake_host(const handshake_host&) = delete;
  handshake_host& operator=(const handshake_host&) = delete;
  virtual ~handshake_host();

  /// A node with that name, which can do what it must, has dialled us.
  virtual handshake_verdict incoming(const std::string& peer, std::uint64_t flags, std::uint32_t creation) = 0;
  /// The peer that we have dialled says that it has a connection with us. Do we want this one in its place?
  virtual bool is_still_wanted(const std::string& peer) = 0;
  /// The peer has proved that it knows the cookie, and is told so as soon as this has ended: what has to be over before
  /// it takes the connection for up, such as an old one, is brought to its end here. Throws to refuse.
  virtual task<void> before_ack(context& self, std::string peer) = 0;
  /// The cookie for that node.
  virtual std::string cookie_for(const std::string& peer) = 0;
  /// A name ("x1@host") and creation for a node that has none and gives its host only; nothing to refuse, which is what
  /// this does.
  virtual std::optional<name_message> name_for(const std::string& host, std::uint64_t flags);
};

/// What one side brings.
struct handshake_config {
  handshake_config() = default;  // no aggregate: g++ 12 may take it by value in a co_await

  /// `name@host`; a host alone asks the peer for a name (by initiate()).
  std::string name;
  std::uint32_t creation = 0;
  std::uint64_t flags = our_flags;
  /// What the peer must be able to do.
  std::uint64_t required = mandatory_flags;
  /// Bytes of a message's length: 2 over TCP, 4 over TLS.
  std::size_t length_size = 2;
  /// How long the peer may take from the beginning to the middle (the challenge, or its answer) and from there to the
  /// end. Erlang: net_setuptime.
  duration patience = std::chrono::seconds(7);
  /// Where challenges come from. Simulations have their own.
  std::function<std::uint32_t()> challenge = random_challenge;
};

/// The other node, as it has shown itself.
struct handshake_result {
  std::string peer;
  std::uint32_t creation = 0;
  std::uint64_t flags = 0;            ///< its own, expanded
  std::uint64_t effective_flags = 0;  ///< what both can do
  std::string our_name;               ///< given by the peer where we had none
  std::uint32_t our_creation = 0;
};

/// Shakes hands with the node `peer`, which we have dialled. Throws handshake_failed; then the stream is to be closed.
/// `deadline` is for all of it, besides the config's patience.
task<handshake_result> initiate(context& self, byte_stream& stream, handshake_host& host, handshake_config config,
                                std::string peer, time_point deadline = time_point::max());
/// Shakes hands with whoever has dialled us. The same rules.
task<handshake_result> respond(context& self, byte_stream& stream, handshake_host& host, handshake_config config,
                               time_point deadline = time_point::max());

}  // namespace troupe::detail
