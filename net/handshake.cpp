// SPDX-License-Identifier: BSL-1.0
// The messages of the handshake, and who sends which when.
#include <troupe/net/handshake.hpp>

#include <troupe/mailbox/utf8.hpp>
#include <troupe/net/stream_io.hpp>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace troupe::detail {

namespace {

using cause = handshake_failed::cause;

constexpr std::size_t longest_message = std::size_t{64} * 1024;
constexpr std::size_t longest_name = 4096;  // in bytes; what it may be is checked besides

struct named_flag {
  std::uint64_t flag;
  const char* name;
};
constexpr named_flag all_flags[] = {
    {dist_flag::published, "PUBLISHED"},
    {0x2, "ATOM_CACHE"},
    {dist_flag::extended_references, "EXTENDED_REFERENCES"},
    {dist_flag::dist_monitor, "DIST_MONITOR"},
    {dist_flag::fun_tags, "FUN_TAGS"},
    {dist_flag::dist_monitor_name, "DIST_MONITOR_NAME"},
    {0x40, "HIDDEN_ATOM_CACHE"},
    {dist_flag::new_fun_tags, "NEW_FUN_TAGS"},
    {dist_flag::extended_pids_ports, "EXTENDED_PIDS_PORTS"},
    {dist_flag::export_ptr_tag, "EXPORT_PTR_TAG"},
    {dist_flag::bit_binaries, "BIT_BINARIES"},
    {dist_flag::new_floats, "NEW_FLOATS"},
    {dist_flag::unicode_io, "UNICODE_IO"},
    {dist_flag::dist_hdr_atom_cache, "DIST_HDR_ATOM_CACHE"},
    {dist_flag::small_atom_tags, "SMALL_ATOM_TAGS"},
    {dist_flag::utf8_atoms, "UTF8_ATOMS"},
    {dist_flag::map_tag, "MAP_TAG"},
    {dist_flag::big_creation, "BIG_CREATION"},
    {dist_flag::send_sender, "SEND_SENDER"},
    {dist_flag::big_seqtrace_labels, "BIG_SEQTRACE_LABELS"},
    {dist_flag::exit_payload, "EXIT_PAYLOAD"},
    {dist_flag::fragments, "FRAGMENTS"},
    {dist_flag::handshake_23, "HANDSHAKE_23"},
    {dist_flag::unlink_id, "UNLINK_ID"},
    {dist_flag::mandatory_25_digest, "MANDATORY_25_DIGEST"},
    {dist_flag::spawn, "SPAWN"},
    {dist_flag::name_me, "NAME_ME"},
    {dist_flag::v4_nc, "V4_NC"},
    {dist_flag::alias, "ALIAS"},
};

// --- bytes
// ------------------------------------------------------------------------------------------------------------

void put(std::vector<std::byte>& to, std::uint64_t number, std::size_t size) {
  for (std::size_t shift = size * 8; shift != 0;) to.push_back(static_cast<std::byte>(number >> (shift -= 8)));
}

void put(std::vector<std::byte>& to, std::string_view text) {
  for (const char c : text) to.push_back(static_cast<std::byte>(c));
}

std::uint64_t number_in(std::span<const std::byte> bytes) noexcept {
  std::uint64_t number = 0;
  for (const std::byte b : bytes) number = number << 8 | static_cast<std::uint64_t>(b);
  return number;
}

std::string text_in(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte b : bytes) text += static_cast<char>(b);
  return text;
}

/// A text of the peer's for a message of ours: what could disturb a terminal or a log is escaped, and it is cut.
std::string shown(std::string_view text) {
  constexpr std::size_t most = 64;
  std::string result = "\"";
  for (const char c : text.substr(0, most)) {
    constexpr char hex[] = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\')
      result += c;
    else
      (result += "\\x") += {hex[byte >> 4], hex[byte & 15]};
  }
  return result + (text.size() > most ? "\"..." : "\"");
}

/// The bytes of a message for a text. Those with a digest say their kind and length alone.
std::string shown(std::span<const std::byte> bytes) {
  const std::string size = std::to_string(bytes.size()) + (bytes.size() == 1 ? " byte" : " bytes");
  if (bytes.empty()) return "an empty message";
  if (bytes[0] == std::byte{'r'} || bytes[0] == std::byte{'a'})
    return std::string("a message '") + static_cast<char>(bytes[0]) + "' of " + size;
  return size + " " + shown(text_in(bytes));
}

[[noreturn]] void malformed(const char* what, std::span<const std::byte> body) {
  throw handshake_failed(cause::bad_message, std::string("expected ") + what + ", got " + shown(body));
}

/// Takes one field after the other; a message that is too short is malformed.
class fields {
 public:
  fields(const char* what, char tag, std::span<const std::byte> body) : what_(what), body_(body), left_(body) {
    if (body.empty() || body[0] != static_cast<std::byte>(tag)) malformed(what, body);
    left_ = body.subspan(1);
  }
  std::span<const std::byte> bytes(std::size_t count) {
    if (left_.size() < count) malformed(what_, body_);
    const auto taken = left_.first(count);
    left_ = left_.subspan(count);
    return taken;
  }
  std::uint64_t number(std::size_t size) { return number_in(bytes(size)); }
  std::uint32_t number32() { return static_cast<std::uint32_t>(number(4)); }
  /// With a length of two bytes before it.
  std::string text() {
    const auto length = static_cast<std::size_t>(number(2));
    if (length > longest_name)
      throw handshake_failed(cause::bad_message, std::string("expected ") + what_ + ", got one with a name of " +
                                                     std::to_string(length) + " bytes; " +
                                                     std::to_string(longest_name) + " are the most");
    return text_in(bytes(length));
  }
  detail::digest digest() {
    detail::digest d;
    const auto from = bytes(d.size());
    std::copy(from.begin(), from.end(), d.begin());
    return d;
  }
  std::string rest() { return text_in(left_); }

 private:
  const char* what_;
  std::span<const std::byte> body_, left_;
};

}  // namespace

handshake_host::~handshake_host() = default;

std::optional<name_message> handshake_host::name_for(const std::string&, std::uint64_t) {
  return std::nullopt;
}

std::string flag_names(std::uint64_t flags) {
  std::string names;
  for (int bit = 0; bit < 64; ++bit) {
    const std::uint64_t flag = std::uint64_t{1} << bit;
    if ((flags & flag) == 0) continue;
    const auto known =
        std::find_if(std::begin(all_flags), std::end(all_flags), [&](const named_flag& f) { return f.flag == flag; });
    if (!names.empty()) names += ", ";
    names += known != std::end(all_flags) ? std::string(known->name) : "bit " + std::to_string(bit);
  }
  return names;
}

// --- names and digests
// ------------------------------------------------------------------------------------------------

bool is_node_name(std::string_view text) noexcept {
  const std::size_t at = text.find('@');
  return is_atom_text(text) && at != 0 && at != std::string_view::npos && at + 1 != text.size() &&
         text.find('@', at + 1) == std::string_view::npos;
}

bool is_host_name(std::string_view text) noexcept {
  return is_atom_text(text) && text.find('@') == std::string_view::npos;
}

bool is_long_host(std::string_view host) noexcept {
  return host.find('.') != std::string_view::npos || host.find(':') != std::string_view::npos;
}

digest digest_of(std::string_view cookie, std::uint32_t challenge) {
  const std::string text = std::string(cookie) + std::to_string(challenge);
  digest result;
  unsigned int size = 0;
  if (EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(result.data()), &size, EVP_md5(),
                 nullptr) != 1 ||
      size != result.size())
    throw std::runtime_error("OpenSSL has no MD5, which Erlang's handshake needs (is it in FIPS mode?)");
  return result;
}

bool equal(const digest& a, const digest& b) noexcept {
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::uint32_t random_challenge() {
  std::array<unsigned char, 4> bytes;
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    throw std::runtime_error("OpenSSL gives no random bytes for a challenge");
  std::uint32_t challenge = 0;
  for (const unsigned char b : bytes) challenge = challenge << 8 | b;
  return challenge;
}

// --- messages
// ---------------------------------------------------------------------------------------------------------

void write(std::vector<std::byte>& to, const name_message& m) {
  put(to, "N");
  put(to, m.flags, 8);
  put(to, m.creation, 4);
  put(to, m.name.size(), 2);
  put(to, m.name);
}

void write(std::vector<std::byte>& to, const status_message& m) {
  put(to, "s");
  put(to, m.status);
  if (m.status != "named") return;
  put(to, ":");
  put(to, m.name.size(), 2);
  put(to, m.name);
  put(to, m.creation, 4);
}

void write(std::vector<std::byte>& to, const challenge_message& m) {
  put(to, "N");
  put(to, m.flags, 8);
  put(to, m.challenge, 4);
  put(to, m.creation, 4);
  put(to, m.name.size(), 2);
  put(to, m.name);
}

void write(std::vector<std::byte>& to, const challenge_reply& m) {
  put(to, "r");
  put(to, m.challenge, 4);
  to.insert(to.end(), m.digest.begin(), m.digest.end());
}

void write(std::vector<std::byte>& to, const challenge_ack& m) {
  put(to, "a");
  to.insert(to.end(), m.digest.begin(), m.digest.end());
}

name_message parse_name(std::span<const std::byte> body) {
  if (!body.empty() && body[0] == std::byte{'n'})
    throw handshake_failed(cause::bad_message,
                           "expected the peer's name, got it in the form of version 5, which OTP "
                           "25 and later do not send: " +
                               shown(body));
  fields f("the peer's name", 'N', body);
  name_message m;
  m.flags = f.number(8);
  m.creation = f.number32();
  m.name = f.text();
  return m;
}

status_message parse_status(std::span<const std::byte> body) {
  constexpr std::string_view named = "named:";
  fields whole("a status", 's', body);
  status_message m;
  m.status = whole.rest();
  if (m.status.starts_with(named)) {
    fields f("a status", 's', body);
    f.bytes(named.size());
    m.status = "named";
    m.name = f.text();
    m.creation = f.number32();
  }
  return m;
}

challenge_message parse_challenge(std::span<const std::byte> body) {
  fields f("the peer's challenge", 'N', body);
  challenge_message m;
  m.flags = f.number(8);
  m.challenge = f.number32();
  m.creation = f.number32();
  m.name = f.text();
  return m;
}

challenge_reply parse_challenge_reply(std::span<const std::byte> body) {
  fields f("the answer to our challenge", 'r', body);
  challenge_reply m;
  m.challenge = f.number32();
  m.digest = f.digest();
  return m;
}

challenge_ack parse_challenge_ack(std::span<const std::byte> body) {
  fields f("the peer's answer to our challenge", 'a', body);
  challenge_ack m;
  m.digest = f.digest();
  return m;
}

// --- the two sides
// ------------------------------------------------------------------------------------------------------

namespace {

/// One side at work: its stream, and what its errors begin with.
class shaking {
 public:
  shaking(context& self, byte_stream& stream, const handshake_config& config, std::string peer, time_point deadline)
      : self_(self), stream_(stream), config_(config), peer_(std::move(peer)), limit_(deadline) {
    begin_step();
  }

  /// The peer has as long again from now.
  void begin_step() { deadline_ = std::min(limit_, later(self_.now(), config_.patience)); }
  void set_peer(std::string name) { peer_ = std::move(name); }

  [[noreturn]] void fail(cause why, const std::string& what) const {
    throw handshake_failed(
        why, "handshake with " + (peer_.empty() ? stream_.peer() : peer_ + " at " + stream_.peer()) + ": " + what);
  }

  /// `message` stays where it is until this has ended.
  template <class Message>
  task<void> send(const char* doing, const Message& message) {
    std::vector<std::byte> body;
    write(body, message);
    std::vector<std::byte> bytes;
    put(bytes, body.size(), config_.length_size);
    bytes.insert(bytes.end(), body.begin(), body.end());
    std::optional<stream_error> error;
    try {
      co_await write_all(self_, stream_, bytes, deadline_);
    } catch (const stream_error& e) {
      error = e;
    }
    if (error) fail_stream(doing, *error);
  }

  /// The body of the next message. `doing`: "waiting for ...".
  task<std::vector<std::byte>> receive(const char* doing) {
    std::array<std::byte, 4> head{};
    const auto length_bytes = std::span(head).first(config_.length_size);
    std::vector<std::byte> body;
    std::optional<stream_error> error;
    try {
      co_await read_exactly(self_, stream_, length_bytes, deadline_);
      const std::uint64_t length = number_in(length_bytes);
      if (length == 0 || length > longest_message)
        fail(cause::bad_message, std::string(doing) + ": a message of " + std::to_string(length) +
                                     " bytes is announced; 1 to " + std::to_string(longest_message) + " are possible");
      body.resize(static_cast<std::size_t>(length));
      co_await read_exactly(self_, stream_, body, deadline_);
    } catch (const stream_error& e) {
      error = e;
    }
    if (error) fail_stream(doing, *error);
    co_return std::move(body);
  }

  /// Receives and parses.
  template <class Parse>
  task<std::invoke_result_t<Parse, std::span<const std::byte>>> receive(const char* doing, Parse parse) {
    const std::vector<std::byte> body = co_await receive(doing);
    try {
      co_return parse(std::span<const std::byte>(body));
    } catch (const handshake_failed& e) {
      fail(e.why(), std::string(doing) + ": " + e.what());
    }
  }

 private:
  [[noreturn]] void fail_stream(const char* doing, const stream_error& e) const {
    const bool late = e.code() == std::errc::timed_out;
    fail(late ? cause::timed_out : cause::broken,
         std::string(doing) + ": " + (late ? std::string("nothing complete came in time") : e.code().message()));
  }

  context& self_;
  byte_stream& stream_;
  const handshake_config& config_;
  std::string peer_;
  time_point limit_;
  time_point deadline_;
};

constexpr const char* status_of(handshake_verdict v) noexcept {
  switch (v) {
    case handshake_verdict::ok: return "ok";
    case handshake_verdict::ok_simultaneous: return "ok_simultaneous";
    case handshake_verdict::nok: return "nok";
    case handshake_verdict::alive: return "alive";
    case handshake_verdict::not_allowed: break;
  }
  return "not_allowed";
}

}  // namespace

task<handshake_result> initiate(context& self, byte_stream& stream, handshake_host& host, handshake_config config,
                                std::string peer, time_point deadline) {
  shaking hands(self, stream, config, peer, deadline);
  const bool nameless = is_host_name(config.name);
  handshake_result result;
  result.peer = peer;
  result.our_name = config.name;
  result.our_creation = config.creation;

  name_message ours;
  ours.flags = config.flags | (nameless ? dist_flag::name_me : 0);
  ours.creation = nameless ? 0 : config.creation;
  ours.name = config.name;
  co_await hands.send("sending our name", ours);

  const status_message status = co_await hands.receive("waiting for the status", parse_status);
  if (status.status == "not_allowed") hands.fail(cause::not_allowed, "it does not allow us to connect (not_allowed)");
  if (nameless) {
    const bool good = status.status == "named" && is_node_name(status.name) &&
                      status.name.substr(status.name.find('@') + 1) == config.name;
    if (!good)
      hands.fail(cause::bad_name, "we have asked for a name at " + shown(config.name) + " and got status " +
                                      shown(status.status) + " " + shown(status.name));
    result.our_name = status.name;
    result.our_creation = status.creation;
  } else if (status.status == "nok") {
    hands.fail(cause::lost_race, "it goes on with the connection that it has begun itself (nok)");
  } else if (status.status == "alive") {
    const bool wanted = host.is_still_wanted(peer);
    status_message answer;
    answer.status = wanted ? "true" : "false";
    co_await hands.send("answering alive", answer);
    if (!wanted) hands.fail(cause::not_wanted, "it has a connection with us already, and that is the one we want");
  } else if (status.status != "ok" && status.status != "ok_simultaneous") {
    hands.fail(cause::bad_message, "waiting for the status: got the unknown one " + shown(status.status));
  }

  const challenge_message theirs = co_await hands.receive("waiting for the challenge", parse_challenge);
  if (theirs.name != peer) hands.fail(cause::bad_name, "the node that answers there is " + shown(theirs.name));
  result.creation = theirs.creation;
  result.flags = expanded(theirs.flags);
  result.effective_flags = effective(config.flags, theirs.flags);
  if (const std::uint64_t missing = config.required & ~result.flags; missing != 0)
    hands.fail(cause::bad_flags, "it cannot handle " + flag_names(missing));

  const std::string cookie = host.cookie_for(peer);
  challenge_reply reply;
  reply.challenge = config.challenge();
  reply.digest = digest_of(cookie, theirs.challenge);
  const digest expected = digest_of(cookie, reply.challenge);
  co_await hands.send("answering the challenge", reply);
  hands.begin_step();
  challenge_ack ack;
  try {
    ack = co_await hands.receive("waiting for the end", parse_challenge_ack);
  } catch (const handshake_failed& e) {
    if (e.why() != cause::broken) throw;
    throw handshake_failed(cause::broken, std::string(e.what()) + " (it has perhaps another cookie)");
  }
  if (!equal(ack.digest, expected)) hands.fail(cause::bad_cookie, "it does not know our cookie");
  co_return std::move(result);
}

task<handshake_result> respond(context& self, byte_stream& stream, handshake_host& host, handshake_config config,
                               time_point deadline) {
  shaking hands(self, stream, config, std::string(), deadline);
  handshake_result result;
  result.our_name = config.name;
  result.our_creation = config.creation;

  const name_message theirs = co_await hands.receive("waiting for the name", parse_name);
  const bool nameless = (theirs.flags & dist_flag::name_me) != 0;
  if (!(nameless ? is_host_name(theirs.name) : is_node_name(theirs.name)))
    hands.fail(cause::bad_name, shown(theirs.name) + (nameless ? " is no host's name" : " is no node's name"));
  result.peer = theirs.name;
  result.creation = theirs.creation;
  result.flags = expanded(theirs.flags);
  result.effective_flags = effective(config.flags, theirs.flags);
  hands.set_peer(result.peer);

  // Who cannot be talked to, or is not wanted, hears it.
  status_message status;
  status.status = "not_allowed";
  if (const std::uint64_t missing = config.required & ~result.flags; missing != 0) {
    co_await hands.send("refusing it", status);
    hands.fail(cause::bad_flags, "it cannot handle " + flag_names(missing));
  }
  std::optional<name_message> given;
  if (nameless) {
    given = host.name_for(theirs.name, theirs.flags);
    if (given) {
      result.peer = given->name;
      result.creation = given->creation;
    }
  }
  handshake_verdict verdict = handshake_verdict::not_allowed;
  if ((!nameless || given) && result.peer != config.name) {
    verdict = host.incoming(result.peer, result.flags, result.creation);
    // A name that has just been made is nobody else's.
    if (nameless && verdict != handshake_verdict::ok) verdict = handshake_verdict::not_allowed;
  }
  status.status = status_of(verdict);
  if (nameless && verdict == handshake_verdict::ok) {
    status.status = "named";
    status.name = result.peer;
    status.creation = result.creation;
  }
  co_await hands.send("sending the status", status);
  if (verdict == handshake_verdict::not_allowed) hands.fail(cause::not_allowed, "it is not allowed to connect");
  if (verdict == handshake_verdict::nok)
    hands.fail(cause::lost_race, "we go on with the connection that we have begun ourselves (nok)");
  if (verdict == handshake_verdict::alive) {
    const status_message answer = co_await hands.receive("waiting for the answer to alive", parse_status);
    if (answer.status == "false") hands.fail(cause::not_wanted, "it wants the connection that there is already");
    if (answer.status != "true")
      hands.fail(cause::bad_message, "waiting for the answer to alive: got " + shown(answer.status));
  }

  challenge_message ours;
  ours.flags = config.flags | (theirs.flags & dist_flag::name_me);  // or an Erlang node forgets that it has no name
  ours.challenge = config.challenge();
  ours.creation = config.creation;
  ours.name = config.name;
  const std::string cookie = host.cookie_for(result.peer);
  const digest expected = digest_of(cookie, ours.challenge);
  co_await hands.send("sending the challenge", ours);
  hands.begin_step();
  const challenge_reply reply =
      co_await hands.receive("waiting for the answer to our challenge", parse_challenge_reply);
  // No word more: the peer sees the end of the stream, as from Erlang.
  if (!equal(reply.digest, expected)) hands.fail(cause::bad_cookie, "it does not know our cookie");
  co_await host.before_ack(self, result.peer);
  challenge_ack ack;
  ack.digest = digest_of(cookie, reply.challenge);
  hands.begin_step();
  co_await hands.send("answering its challenge", ack);
  co_return std::move(result);
}

}  // namespace troupe::detail
