// SPDX-License-Identifier: BSL-1.0
// The handshake: its messages byte by byte, and both sides with all that can happen between them.
#include <troupe/net/handshake.hpp>

#include "programs.hpp"

#include <troupe/actors/all.hpp>
#include <troupe/net/epmd_client.hpp>
#include <troupe/net/epmd_server.hpp>
#include <troupe/net/stream_io.hpp>
#include <troupe/net/testing/simulated_network.hpp>

#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace troupe;
using namespace troupe::detail;
using namespace troupe::literals;
using namespace std::chrono_literals;
using troupe::testing::simulated_network;
using troupe::testing::simulation;
using cause = handshake_failed::cause;

namespace {

constexpr std::uint64_t seeds = 100;
constexpr std::uint16_t dist_port = 4711;

std::vector<std::byte> hex(std::string_view text) {
  std::vector<std::byte> bytes;
  int digits = 0, value = 0;
  for (const char c : text) {
    if (c == ' ') continue;
    value = value * 16 + (c <= '9' ? c - '0' : c - 'a' + 10);
    if (++digits % 2 == 0) bytes.push_back(static_cast<std::byte>(std::exchange(value, 0)));
  }
  return bytes;
}

std::vector<std::byte> bytes_of(std::string_view text) {
  std::vector<std::byte> bytes;
  for (const char c : text) bytes.push_back(static_cast<std::byte>(c));
  return bytes;
}

template <class Message>
std::vector<std::byte> written(const Message& m) {
  std::vector<std::byte> bytes;
  write(bytes, m);
  return bytes;
}

template <class Message>
std::vector<std::byte> framed(const Message& m, std::size_t length_size = 2) {
  std::vector<std::byte> body = written(m);
  std::vector<std::byte> bytes(length_size + body.size());
  bytes[length_size - 2] = static_cast<std::byte>(body.size() >> 8);
  bytes[length_size - 1] = static_cast<std::byte>(body.size());
  std::copy(body.begin(), body.end(), bytes.begin() + static_cast<std::ptrdiff_t>(length_size));
  return bytes;
}

std::string framed_text(std::string_view body) {
  return std::string{static_cast<char>(body.size() >> 8), static_cast<char>(body.size())} + std::string(body);
}

template <class F>
std::string refusal_of(F&& f) {
  try {
    f();
  } catch (const handshake_failed& e) {
    CHECK(e.why() == cause::bad_message);
    return e.what();
  }
  return "no error";
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// A node's answers, as the test wants them.
struct scripted_host final : handshake_host {
  handshake_verdict verdict = handshake_verdict::ok;
  bool wanted = true;
  std::string cookie = "monster";
  std::map<std::string, std::string> cookies;
  std::optional<name_message> given;
  std::function<void(context&)> at_ack = [](context&) {};
  duration ack_takes = 0ns;
  std::string asked{};  // what was asked, in order

  handshake_verdict incoming(const std::string& peer, std::uint64_t, std::uint32_t) override {
    asked += "incoming " + peer + ";";
    return verdict;
  }
  bool is_still_wanted(const std::string& peer) override {
    asked += "wanted " + peer + ";";
    return wanted;
  }
  task<void> before_ack(context& self, std::string peer) override {
    asked += "ack " + peer + ";";
    co_await self.sleep(ack_takes);
    at_ack(self);
  }
  std::string cookie_for(const std::string& peer) override {
    const auto own = cookies.find(peer);
    return own == cookies.end() ? cookie : own->second;
  }
  std::optional<name_message> name_for(const std::string&, std::uint64_t) override { return given; }
};

/// How a side's handshake ended.
struct outcome {
  std::optional<handshake_result> result{};
  std::string error{};
  std::optional<cause> why{};
  time_point when{};
  bool over = false;
};

using script = std::function<task<void>(context&, byte_stream&)>;

/// One side: a real one, or a script that sends what it likes.
struct party {
  handshake_config config{};
  scripted_host host{};
  script scripted{};
  std::string dials = "b@h2";
  outcome end{};
};

/// Two machines, a on h1 that dials, and b on h2 that is dialled.
struct pair_of_parties {
  explicit pair_of_parties(std::uint64_t seed)
      : world(seed), net(world), h1(net.host("h1")), h2(net.host("h2")), sys(options()) {
    for (party* p : {&a, &b})
      p->config.challenge = [this] { return static_cast<std::uint32_t>(world.choose(std::uint64_t{1} << 32)); };
    a.config.name = "a@h1";
    a.config.creation = 11;
    b.config.name = "b@h2";
    b.config.creation = 22;
  }

  actor_system_options options() {
    auto o = world.options();
    o.log_crashes = false;
    return o;
  }

  static task<void> side(context& self, party& p, byte_stream& stream, bool dials) {
    try {
      if (p.scripted) {
        co_await p.scripted(self, stream);
        co_await self.sleep(1h);  // the stream stays
      } else if (dials) {
        p.end.result = co_await initiate(self, stream, p.host, p.config, p.dials);
      } else {
        p.end.result = co_await respond(self, stream, p.host, p.config);
      }
    } catch (const handshake_failed& e) {
      p.end.error = e.what();
      p.end.why = e.why();
      CHECK(!contains(p.end.error, "monster"));
      CHECK(contains(p.end.error, "handshake with "));
    } catch (const stream_error& e) {
      p.end.error = e.what();
    }
    p.end.when = self.now();
    p.end.over = true;
    if (p.end.result) co_await self.sleep(1h);  // or the other side might see the end before the last message
  }

  void spawn() {
    pid_b = sys.spawn([this](context& self) -> process {
      std::error_code error;
      const auto listener = h2->listen("0.0.0.0", dist_port, error);
      ready = true;
      const auto stream = co_await accept(self, *listener);
      co_await side(self, b, *stream, false);
    });
    pid_a = sys.spawn([this](context& self) -> process {
      for (int i = 0; i < 1000 && !ready; ++i) co_await self.yield();
      const auto stream = co_await connect(self, h1, "h2", dist_port, time_point::max());
      start = self.now();
      co_await side(self, a, *stream, true);
    });
  }
  void run() {
    spawn();
    world.run();
  }
  void run_both_up() {
    run();
    INFO(a.end.error, " / ", b.end.error);
    REQUIRE(a.end.result.has_value());
    REQUIRE(b.end.result.has_value());
  }

  simulation world;
  simulated_network net;
  std::shared_ptr<network> h1, h2;
  party a, b;
  bool ready = false;
  time_point start{};
  pid pid_a, pid_b;
  actor_system sys;
};

task<void> send_bytes(context& self, byte_stream& s, std::vector<std::byte> bytes) {
  co_await write_all(self, s, bytes, time_point::max());
}

/// One message, without its length.
task<std::vector<std::byte>> take_message(context& self, byte_stream& s) {
  std::array<std::byte, 2> length;
  co_await read_exactly(self, s, length, time_point::max());
  std::vector<std::byte> body(std::to_integer<std::size_t>(length[0]) * 256 + std::to_integer<std::size_t>(length[1]));
  co_await read_exactly(self, s, body, time_point::max());
  co_return std::move(body);
}

name_message name_of(const std::string& name, std::uint64_t flags = our_flags) {
  return {flags, 11, name};
}

void with_seeds(const std::function<void(pair_of_parties&)>& body) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    CAPTURE(seed);
    pair_of_parties p(seed);
    body(p);
  }
}

}  // namespace

// --- messages
// ---------------------------------------------------------------------------------------------------------

TEST_CASE("send_name as captured, with private bytes behind it that are ignored") {
  const auto body = hex("4e 0000000d075f4fbc 00001092 0005 707940766d");
  const name_message m{0xd075f4fbc, 4242, "py@vm"};
  CHECK(written(m) == body);
  auto longer = body;
  for (const std::byte b : hex("00 43505058 01 6578747261")) longer.push_back(b);
  CHECK(parse_name(longer) == m);
}

TEST_CASE("the answer as captured: status and challenge") {
  CHECK(parse_status(hex("736f6b")) == status_message{"ok"});
  CHECK(written(status_message{"ok"}) == hex("736f6b"));
  const auto body = hex("4e 0000000d07df7fbd 46c36f7f 6b0299ca 0005 6e3140766d");
  const challenge_message m{0xd07df7fbd, 0x46c36f7f, 0x6b0299ca, "n1@vm"};
  CHECK(parse_challenge(body) == m);
  CHECK(written(m) == body);
  CHECK((expanded(m.flags) & mandatory_flags) == mandatory_flags);
}

TEST_CASE("the digest of cookie ck and challenge 3735928559") {
  const digest d = digest_of("ck", 3735928559);
  CHECK(std::vector(d.begin(), d.end()) == hex("98b43f30fe2dfa0ea6ac6145af07de6e"));
  CHECK(equal(d, digest_of("ck", 3735928559)));
  CHECK(!equal(d, digest_of("ck", 3735928558)));
  CHECK(!equal(d, digest_of("cK", 3735928559)));
}

TEST_CASE("named statuses carry a name and a creation") {
  const status_message m{"named", "x1@h", 7};
  CHECK(written(m) == hex("73 6e616d65643a 0004 78314068 00000007"));
  CHECK(parse_status(written(m)) == m);
  for (const char* s : {"ok_simultaneous", "nok", "not_allowed", "alive", "true", "false", "anything"})
    CHECK(parse_status(written(status_message{s})) == status_message{s});
}

TEST_CASE("replies and acks come back as they were written") {
  const challenge_reply r{0xdeadbeef, digest_of("ck", 1)};
  CHECK(parse_challenge_reply(written(r)) == r);
  CHECK(written(r)[0] == std::byte{'r'});
  CHECK(written(r).size() == 21);
  const challenge_ack a{digest_of("ck", 2)};
  CHECK(parse_challenge_ack(written(a)) == a);
  CHECK(written(a).size() == 17);
}

TEST_CASE("a message cut anywhere is refused, and the error says what came, but no digest") {
  const auto each_cut = [](const std::vector<std::byte>& whole, auto parse, bool secret) {
    for (std::size_t n = 0; n < whole.size(); ++n) {
      const std::string error = refusal_of([&] { parse(std::span(whole).first(n)); });
      CHECK(error != "no error");
      CHECK(contains(error, n == 0 ? "an empty message" : std::to_string(n) + (n == 1 ? " byte" : " bytes")));
      if (n == whole.size() - 1) CHECK(contains(error, "\\x") == !secret);
    }
  };
  each_cut(written(name_of("a@h1")), parse_name, false);
  each_cut(written(challenge_message{our_flags, 1, 2, "b@h2"}), parse_challenge, false);
  each_cut(written(challenge_reply{1, digest_of("ck", 1)}), parse_challenge_reply, true);
  each_cut(written(challenge_ack{digest_of("ck", 1)}), parse_challenge_ack, true);
  const auto named = written(status_message{"named", "x1@h", 7});
  for (std::size_t n = 7; n < named.size(); ++n)
    CHECK(refusal_of([&] { parse_status(std::span(named).first(n)); }) != "no error");
}

TEST_CASE("other messages are refused by their bytes") {
  CHECK(contains(refusal_of([] { parse_name(bytes_of("sok")); }), "expected the peer's name, got 3 bytes \"sok\""));
  CHECK(contains(refusal_of([] { parse_name(bytes_of("n\x01\x02")); }), "version 5"));
  CHECK(contains(refusal_of([] { parse_status(bytes_of("GET / HTTP/1.1\r\n")); }), "GET / HTTP/1.1\\x0d\\x0a"));
  CHECK(contains(refusal_of([] { parse_challenge(bytes_of(std::string(1000, 'z'))); }), "1000 bytes \"zzz"));
  CHECK(refusal_of([] { parse_challenge(bytes_of(std::string(1000, 'z'))); }).size() < 200);
  CHECK(!contains(refusal_of([] { parse_challenge_ack(written(challenge_reply{1, {}})); }), "\\x00"));
  name_message long_name = name_of(std::string(4096, 'x'));
  CHECK(parse_name(written(long_name)).name.size() == 4096);
  long_name.name += 'x';
  CHECK(contains(refusal_of([&] { parse_name(written(long_name)); }), "4097"));
}

// --- flags and names
// --------------------------------------------------------------------------------------------------

TEST_CASE("flags have names; what both can do is ours and theirs, with the digest bit expanded") {
  CHECK(flag_names(0) == "");
  CHECK(flag_names(dist_flag::unlink_id | dist_flag::v4_nc) == "UNLINK_ID, V4_NC");
  CHECK(flag_names(std::uint64_t{1} << 40 | 1) == "PUBLISHED, bit 40");
  CHECK(effective(our_flags, ~std::uint64_t{0}) == our_flags);
  CHECK(effective(our_flags, dist_flag::mandatory_25_digest) == (mandatory_flags_25 | dist_flag::mandatory_25_digest));
  CHECK(effective(our_flags, dist_flag::spawn) == dist_flag::spawn);
  CHECK(effective(our_flags | 1, 0xD07DF7FBC) == our_flags);
}

TEST_CASE("a node's name is name@host, an atom") {
  for (const char* good : {"a@b", "a.b-c@d.e.f", "a@::1", "\xc3\xa4@h", "a b@c"}) CHECK(is_node_name(good));
  for (const char* bad : {"", "@", "a", "a@", "@b", "a@b@c", "a@@b", "\xff@b", "a@\xc3"}) CHECK(!is_node_name(bad));
  CHECK(is_node_name(std::string(253, 'x') + "@h"));
  CHECK(!is_node_name(std::string(254, 'x') + "@h"));
  CHECK(is_host_name("h1.example"));
  CHECK(!is_host_name("a@h"));
  CHECK(!is_host_name(""));
  CHECK(is_long_host("h.example"));
  CHECK(is_long_host("127.0.0.1"));
  CHECK(is_long_host("::1"));
  CHECK(!is_long_host("h"));
}

// --- both sides
// ---------------------------------------------------------------------------------------------------------

TEST_CASE("two nodes with one cookie get to know each other") {
  with_seeds([](pair_of_parties& p) {
    p.a.config.flags |= dist_flag::published;
    p.run_both_up();
    CHECK(p.a.end.result->peer == "b@h2");
    CHECK(p.a.end.result->creation == 22);
    CHECK(p.a.end.result->our_name == "a@h1");
    CHECK(p.a.end.result->flags == (our_flags | mandatory_flags_25));
    CHECK(p.a.end.result->effective_flags == our_flags);
    CHECK(p.b.end.result->peer == "a@h1");
    CHECK(p.b.end.result->creation == 11);
    CHECK((p.b.end.result->flags & dist_flag::published) != 0);
    CHECK(p.b.end.result->effective_flags == our_flags);
    CHECK(p.a.host.asked == "");
    CHECK(p.b.host.asked == "incoming a@h1;ack a@h1;");
  });
}

TEST_CASE("lengths have four bytes over TLS") {
  with_seeds([](pair_of_parties& p) {
    p.a.config.length_size = p.b.config.length_size = 4;
    p.run_both_up();
  });
}

TEST_CASE("ok_simultaneous goes on like ok") {
  with_seeds([](pair_of_parties& p) {
    p.b.host.verdict = handshake_verdict::ok_simultaneous;
    p.run_both_up();
  });
}

TEST_CASE("nok: the dialling side has lost the race, and both stop") {
  with_seeds([](pair_of_parties& p) {
    p.b.host.verdict = handshake_verdict::nok;
    p.run();
    CHECK(p.a.end.why == cause::lost_race);
    CHECK(p.b.end.why == cause::lost_race);
    CHECK(p.b.host.asked == "incoming a@h1;");
  });
}

TEST_CASE("not_allowed: both sides fail, and say so") {
  with_seeds([](pair_of_parties& p) {
    p.b.host.verdict = handshake_verdict::not_allowed;
    p.run();
    CHECK(p.a.end.why == cause::not_allowed);
    CHECK(contains(p.a.end.error, "b@h2 at h2:4711"));
    CHECK(p.b.end.why == cause::not_allowed);
    CHECK(contains(p.b.end.error, "a@h1"));
  });
}

TEST_CASE("alive: a dialling side that wants its connection goes on") {
  with_seeds([](pair_of_parties& p) {
    p.b.host.verdict = handshake_verdict::alive;
    p.run_both_up();
    CHECK(p.a.host.asked == "wanted b@h2;");
    CHECK(p.b.host.asked == "incoming a@h1;ack a@h1;");
  });
}

TEST_CASE("alive: one that does not want it says false, and the old connection stays") {
  with_seeds([](pair_of_parties& p) {
    p.b.host.verdict = handshake_verdict::alive;
    p.a.host.wanted = false;
    p.run();
    CHECK(p.a.end.why == cause::not_wanted);
    CHECK(p.b.end.why == cause::not_wanted);
    CHECK(p.b.host.asked == "incoming a@h1;");
  });
}

TEST_CASE("before the ack the node has brought the old connection to its end") {
  with_seeds([](pair_of_parties& p) {
    bool early = false;
    p.b.host.verdict = handshake_verdict::alive;
    p.b.host.ack_takes = 6s;
    p.b.host.at_ack = [&](context&) { early = p.a.end.over; };
    p.run_both_up();
    CHECK(!early);
    CHECK(p.a.end.when - p.start >= 6s);
  });
}

TEST_CASE("a node that refuses at the last moment sends no ack") {
  with_seeds([](pair_of_parties& p) {
    p.b.host.at_ack = [](context&) { throw handshake_failed(cause::not_wanted, "handshake with a: superseded"); };
    p.run();
    CHECK(p.b.end.error == "handshake with a: superseded");
    CHECK(p.a.end.why == cause::broken);
  });
}

TEST_CASE("another cookie: the one who was dialled closes without a word") {
  with_seeds([](pair_of_parties& p) {
    p.a.host.cookie = "monster 2";
    p.run();
    CHECK(p.b.end.why == cause::bad_cookie);
    CHECK(contains(p.b.end.error, "a@h1"));
    CHECK(p.b.host.asked == "incoming a@h1;");
    CHECK(p.a.end.why == cause::broken);
    CHECK(contains(p.a.end.error, "cookie"));
  });
}

TEST_CASE("cookies are per node") {
  with_seeds([](pair_of_parties& p) {
    p.a.host.cookies["b@h2"] = "monster 3";
    p.b.host.cookies["a@h1"] = "monster 3";
    p.b.host.cookie = "monster 4";
    p.run_both_up();
  });
}

TEST_CASE("a wrong ack is a wrong cookie") {
  with_seeds([](pair_of_parties& p) {
    p.b.scripted = [](context& self, byte_stream& s) -> task<void> {
      co_await take_message(self, s);
      auto bytes = framed(status_message{"ok"});
      for (const std::byte b : framed(challenge_message{our_flags, 1, 22, "b@h2"})) bytes.push_back(b);
      co_await send_bytes(self, s, bytes);
      co_await take_message(self, s);
      co_await send_bytes(self, s, framed(challenge_ack{}));
    };
    p.run();
    CHECK(p.a.end.why == cause::bad_cookie);
  });
}

TEST_CASE("a peer that cannot do what it must is answered not_allowed") {
  with_seeds([](pair_of_parties& p) {
    p.a.config.flags &= ~(dist_flag::unlink_id | dist_flag::v4_nc);
    p.run();
    CHECK(p.b.end.why == cause::bad_flags);
    CHECK(contains(p.b.end.error, "UNLINK_ID, V4_NC"));
    CHECK(p.b.host.asked == "");
    CHECK(p.a.end.why == cause::not_allowed);
  });
}

TEST_CASE("a dialled peer that cannot do what it must is left after its challenge") {
  with_seeds([](pair_of_parties& p) {
    p.b.config.flags = dist_flag::mandatory_25_digest | dist_flag::v4_nc;
    p.run();
    CHECK(p.a.end.why == cause::bad_flags);
    CHECK(contains(p.a.end.error, "UNLINK_ID"));
    CHECK(!contains(p.a.end.error, "V4_NC"));
    CHECK(p.b.end.why == cause::broken);
  });
}

TEST_CASE("the digest bit stands for all that OTP 25 demands") {
  with_seeds([](pair_of_parties& p) {
    p.a.config.flags = dist_flag::mandatory_25_digest | dist_flag::v4_nc | dist_flag::unlink_id;
    p.run_both_up();
    CHECK(p.b.end.result->effective_flags == (mandatory_flags | dist_flag::mandatory_25_digest));
  });
}

TEST_CASE("the node that answers must be the one that was dialled") {
  with_seeds([](pair_of_parties& p) {
    p.a.dials = "c@h2";
    p.run();
    CHECK(p.a.end.why == cause::bad_name);
    CHECK(contains(p.a.end.error, "c@h2"));
    CHECK(contains(p.a.end.error, "\"b@h2\""));
    CHECK(p.b.end.why == cause::broken);
  });
}

TEST_CASE("impossible names, and our own, are not let in") {
  for (const std::string name : {"nobody", "a@b@c", "@", "b@", "\xff@h"}) {
    pair_of_parties p(3);
    p.a.scripted = [name](context& self, byte_stream& s) -> task<void> {
      co_await send_bytes(self, s, framed(name_of(name)));
    };
    p.run();
    CAPTURE(name);
    CHECK(p.b.end.why == cause::bad_name);
    CHECK(p.b.host.asked == "");
  }
  pair_of_parties p(3);
  p.a.config.name = "b@h2";
  p.run();
  CHECK(p.b.end.why == cause::not_allowed);
  CHECK(p.b.host.asked == "");
}

TEST_CASE("a node without a name gets one") {
  with_seeds([](pair_of_parties& p) {
    p.a.config.name = "h1";
    p.b.host.given = name_message{0, 99, "made-up@h1"};
    p.b.host.cookies["made-up@h1"] = "monster";
    p.run_both_up();
    CHECK(p.a.end.result->our_name == "made-up@h1");
    CHECK(p.a.end.result->our_creation == 99);
    CHECK(p.b.end.result->peer == "made-up@h1");
    CHECK(p.b.end.result->creation == 99);
    CHECK(p.b.host.asked == "incoming made-up@h1;ack made-up@h1;");
  });
}

TEST_CASE("a node without a name is refused where none are given, or the name is not free") {
  for (const bool given : {false, true})
    with_seeds([&](pair_of_parties& p) {
      p.a.config.name = "h1";
      p.b.host.verdict = handshake_verdict::alive;
      if (given) p.b.host.given = name_message{0, 99, "made-up@h1"};
      p.run();
      CHECK(p.b.end.why == cause::not_allowed);
      CHECK(p.a.end.why == cause::not_allowed);
    });
}

TEST_CASE("a name given for another host, or none at all, is refused") {
  for (const status_message& status : {status_message{"named", "x@h2", 5}, status_message{"ok"}}) {
    pair_of_parties p(1);
    p.a.config.name = "h1";
    p.b.scripted = [&](context& self, byte_stream& s) -> task<void> {
      const auto body = co_await take_message(self, s);
      const name_message m = parse_name(body);
      CHECK(m.name == "h1");
      CHECK(m.creation == 0);
      CHECK(m.flags == (our_flags | dist_flag::name_me));
      co_await send_bytes(self, s, framed(status));
    };
    p.run();
    CHECK(p.a.end.why == cause::bad_name);
  }
}

TEST_CASE("bytes behind the names are ignored by both sides") {
  with_seeds([](pair_of_parties& p) {
    p.a.scripted = [&p](context& self, byte_stream& s) -> task<void> {
      auto name = written(name_of("a@h1"));
      name.resize(name.size() + 200);
      std::vector<std::byte> bytes{std::byte{0}, static_cast<std::byte>(name.size())};
      bytes.insert(bytes.end(), name.begin(), name.end());
      co_await send_bytes(self, s, bytes);
      const auto status = co_await take_message(self, s);
      CHECK(parse_status(status) == status_message{"ok"});
      const auto challenge = co_await take_message(self, s);
      const challenge_message c = parse_challenge(challenge);
      CHECK(c.name == "b@h2");
      CHECK(c.creation == 22);
      co_await send_bytes(self, s, framed(challenge_reply{5, digest_of("monster", c.challenge)}));
      const auto ack = co_await take_message(self, s);
      CHECK(parse_challenge_ack(ack).digest == digest_of("monster", 5));
      p.a.end.over = true;
    };
    p.run();
    CHECK(p.a.end.over);
    CHECK(p.b.end.result.has_value());
  });
}

TEST_CASE("garbage is refused at every step by the one who was dialled") {
  const std::string name_frame = [] {
    std::string text;
    for (const std::byte b : framed(name_of("a@h1"))) text += static_cast<char>(b);
    return text;
  }();
  struct garbage {
    std::string bytes;
    std::string part;  // of the error
  };
  for (const garbage& g : {
           garbage{std::string(2, '\0'), "0 bytes"},
           garbage{framed_text("GET / HTTP"), "GET / HTTP"},
           garbage{framed_text("N123"), "N123"},
           garbage{framed_text("n\0\5x@y"), "version 5"},
           garbage{name_frame + framed_text("sok"), "sok"},
           garbage{name_frame + framed_text("r123456789012345"), "'r' of 16 bytes"},
           garbage{name_frame + std::string(2, '\0'), "0 bytes"},
       })
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      pair_of_parties p(seed);
      p.a.scripted = [&](context& self, byte_stream& s) -> task<void> {
        co_await send_bytes(self, s, bytes_of(g.bytes));
      };
      p.run();
      CHECK(p.b.end.why == cause::bad_message);
      INFO(p.b.end.error);
      CHECK(contains(p.b.end.error, g.part));
    }
}

TEST_CASE("lengths of four bytes are bounded before memory is taken") {
  pair_of_parties p(1);
  p.b.config.length_size = 4;
  p.a.scripted = [](context& self, byte_stream& s) -> task<void> { co_await send_bytes(self, s, hex("7fffffff")); };
  p.run();
  CHECK(p.b.end.why == cause::bad_message);
  CHECK(contains(p.b.end.error, "2147483647"));
}

TEST_CASE("garbage is refused at every step by the one who dials") {
  for (const std::string& bytes :
       {framed_text("N"), framed_text("sunheard_of"), framed_text("sok") + framed_text("Nabc"), framed_text("snamed:"),
        std::string(2, '\0')})
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      pair_of_parties p(seed);
      p.b.scripted = [&](context& self, byte_stream& s) -> task<void> {
        co_await send_bytes(self, s, bytes_of(bytes));
      };
      p.run();
      CHECK(p.a.end.why == cause::bad_message);
    }
}

TEST_CASE("a silent peer is left after 7 s, at the beginning and in the middle") {
  with_seeds([](pair_of_parties& p) {
    p.b.scripted = [](context&, byte_stream&) -> task<void> { co_return; };
    p.run();
    CHECK(p.a.end.why == cause::timed_out);
    CHECK(p.a.end.when - p.start >= 7s);
    CHECK(p.a.end.when - p.start < 7010ms);
    CHECK(contains(p.a.end.error, "waiting for the status"));
  });
  with_seeds([](pair_of_parties& p) {
    p.a.scripted = [](context& self, byte_stream& s) -> task<void> {
      co_await send_bytes(self, s, framed(name_of("a@h1")));
    };
    p.run();
    CHECK(p.b.end.why == cause::timed_out);
    CHECK(p.b.end.when - p.start >= 7s);
    CHECK(p.b.end.when - p.start < 9s);
  });
}

TEST_CASE("a peer that drips bytes is left as soon as a silent one") {
  with_seeds([](pair_of_parties& p) {
    p.a.scripted = [](context& self, byte_stream& s) -> task<void> {
      const auto bytes = framed(name_of("a@h1"));
      for (const std::byte b : bytes) {
        const std::vector<std::byte> one(1, b);
        co_await send_bytes(self, s, one);
        co_await self.sleep(1s);
      }
    };
    p.run();
    CHECK(p.b.end.why == cause::timed_out);
    CHECK(p.b.end.when - p.start < 8s);
  });
}

TEST_CASE("a partition in the middle ends both sides by time, a reset at once") {
  for (const bool reset : {false, true})
    with_seeds([&](pair_of_parties& p) {
      p.spawn();
      const std::uint64_t steps = p.world.choose(100);
      for (std::uint64_t i = 0; i < steps; ++i) p.world.step();
      const time_point when = p.sys.now();
      if (reset)
        p.net.reset("h1", "h2");
      else
        p.net.partition("h1", "h2");
      p.world.run();
      for (const party* one : {&p.a, &p.b}) {
        if (!one->end.over || one->end.result) continue;  // not connected yet, or through before
        CHECK(one->end.when - when <= (reset ? 1s : 14s));
        CHECK((one->end.why == cause::broken || one->end.why == cause::timed_out));
      }
    });
}

TEST_CASE("either side may be killed at every wait: the other one ends, and no stream stays") {
  int up = 0;
  for (std::uint64_t seed = 1; seed <= 5 * seeds; ++seed) {
    CAPTURE(seed);
    pair_of_parties p(seed);
    p.b.host.verdict = seed % 3 == 0 ? handshake_verdict::alive : handshake_verdict::ok;
    p.b.host.ack_takes = 1ms;
    p.spawn();
    const std::uint64_t steps = p.world.choose(150);
    for (std::uint64_t i = 0; i < steps; ++i) p.world.step();
    p.sys.exit(seed % 2 == 0 ? p.pid_a : p.pid_b, "kill"_atom);
    p.world.run();
    CHECK(p.net.streams() == 0);
    party& other = seed % 2 == 0 ? p.b : p.a;
    if (other.end.result) ++up;
    if (other.end.why) CHECK(other.end.why == cause::broken);
  }
  CHECK(up > 0);
  CHECK(up < 400);
}

// --- both dial
// --------------------------------------------------------------------------------------------------------

namespace {

/// The least of a node: it dials the other one and takes its call, by the rules of net_kernel.
struct small_node final : handshake_host {
  std::string name, peer;
  bool dialling = false;
  bool up = false;
  int ups = 0;
  pid dialler{};
  context* at_work = nullptr;

  handshake_verdict incoming(const std::string&, std::uint64_t, std::uint32_t) override {
    if (up) return handshake_verdict::alive;
    if (!dialling) return handshake_verdict::ok;
    if (name > peer) return handshake_verdict::nok;
    dialling = false;
    at_work->exit(dialler, "kill"_atom);
    return handshake_verdict::ok_simultaneous;
  }
  bool is_still_wanted(const std::string&) override { return dialling; }
  task<void> before_ack(context&, std::string) override { co_return; }
  std::string cookie_for(const std::string&) override { return "monster"; }
};

}  // namespace

TEST_CASE("when both dial at once, one connection comes of it") {
  int raced = 0;
  for (std::uint64_t seed = 1; seed <= 5 * seeds; ++seed) {
    CAPTURE(seed);
    simulation world(seed);
    simulated_network net(world);
    const std::shared_ptr<network> hosts[] = {net.host("h1"), net.host("h2")};
    small_node nodes[2];
    nodes[0].name = nodes[1].peer = "a@h1";
    nodes[1].name = nodes[0].peer = "b@h2";
    auto options = world.options();
    options.log_crashes = false;
    actor_system sys(options);
    int listening = 0;
    for (std::size_t i = 0; i < 2; ++i) {
      const auto config = [&world, &nodes, i] {
        handshake_config c;
        c.name = nodes[i].name;
        c.creation = 4;
        c.challenge = [&world] { return static_cast<std::uint32_t>(world.choose(std::uint64_t{1} << 32)); };
        return c;
      };
      sys.spawn([&, i, config](context& self) -> process {
        std::error_code error;
        const auto listener = hosts[i]->listen("0.0.0.0", dist_port, error);
        ++listening;
        for (;;) {
          const auto stream = co_await accept(self, *listener);
          nodes[i].at_work = &self;
          const handshake_config c = config();
          try {
            const handshake_result r = co_await respond(self, *stream, nodes[i], c);
            nodes[i].up = true;
            ++nodes[i].ups;
            co_await self.sleep(1h);
          } catch (const handshake_failed& e) {
            CHECK((e.why() == cause::lost_race || e.why() == cause::broken));
          }
        }
      });
      nodes[i].dialler = sys.spawn([&, i, config](context& self) -> process {
        while (listening != 2) co_await self.yield();
        nodes[i].dialling = true;
        const auto stream = co_await connect(self, hosts[i], i == 0 ? "h2" : "h1", dist_port, time_point::max());
        const handshake_config c = config();
        try {
          const handshake_result r = co_await initiate(self, *stream, nodes[i], c, nodes[i].peer);
          nodes[i].up = true;
          ++nodes[i].ups;
          co_await self.sleep(1h);
        } catch (const handshake_failed& e) {
          if (e.why() == cause::lost_race) ++raced;
        }
      });
    }
    world.run();
    CHECK(nodes[0].ups == 1);
    CHECK(nodes[1].ups == 1);
  }
  CHECK(raced > 10);
}

// --- with Erlang itself
// -------------------------------------------------------------------------------------------------

namespace {

/// An Erlang node that runs `code`, registered with the epmd at that port.
class erlang {
 public:
  erlang(std::uint16_t epmd, const std::string& name, const std::string& code)
      : program_({"erl", "-noshell", "-name", name, "-setcookie", "monster", "-start_epmd", "false", "-eval", code},
                 {"ERL_EPMD_PORT=" + std::to_string(epmd), "HOME=/nonexistent"}) {}
  troupe_test::program& operator*() { return program_; }

 private:
  troupe_test::program program_;
};

/// What initiate() says of the node otp@127.0.0.1.
task<outcome> dial_erlang(context& self, std::shared_ptr<network> net, std::uint16_t at, party& p) {
  outcome end;
  p.config.name = "troupe@127.0.0.1";
  p.config.creation = 4242;
  const auto stream = co_await connect(self, net, "127.0.0.1", at, later(self.now(), 30s));
  try {
    end.result = co_await initiate(self, *stream, p.host, p.config, p.dials);
  } catch (const handshake_failed& e) {
    end.error = e.what();
    end.why = e.why();
  }
  co_return std::move(end);
}

}  // namespace

TEST_CASE("we dial an Erlang node, which lets us in, or not") {
  if (!troupe_test::is_installed("erl")) {
    MESSAGE("NOT TESTED: there is no erl");
    return;
  }
  troupe_test::real_world w;
  w.run([&](context& self) -> process {
    epmd_server_options options;
    options.net = w.net;
    options.port = 0;
    options.report = self.pid();
    self.spawn(epmd_server, options);
    const epmd_listening l = co_await self.receive<epmd_listening>();
    erlang otp(l.port, "otp@127.0.0.1",
               "io:format(\"creation=~p.~n\", [erlang:system_info(creation)]), receive after infinity -> ok end.");
    const auto until_up = [&] { return (*otp).wait_for(".\n"); };
    const std::string said = co_await self.blocking(until_up);
    const auto found = co_await epmd_lookup(self, w.net, "127.0.0.1", l.port, "otp", later(self.now(), 10s));
    REQUIRE(found.has_value());

    party good;
    good.dials = "otp@127.0.0.1";
    const outcome up = co_await dial_erlang(self, w.net, found->port, good);
    CHECK(up.error == "");
    REQUIRE(up.result.has_value());
    CHECK(said == "creation=" + std::to_string(up.result->creation) + ".\n");
    CHECK(up.result->peer == "otp@127.0.0.1");
    CHECK((up.result->flags & dist_flag::fragments) != 0);
    CHECK(up.result->effective_flags == our_flags);

    party wrong_cookie;
    wrong_cookie.dials = good.dials;
    wrong_cookie.host.cookie = "other";
    const outcome refused = co_await dial_erlang(self, w.net, found->port, wrong_cookie);
    CHECK(refused.why == cause::broken);
    CHECK(contains(refused.error, "cookie"));

    party wrong_name;
    wrong_name.dials = "other@127.0.0.1";
    const outcome another = co_await dial_erlang(self, w.net, found->port, wrong_name);
    CHECK(another.why == cause::bad_name);
    CHECK(contains(another.error, "otp@127.0.0.1"));

    party unable;
    unable.dials = good.dials;
    unable.config.flags = dist_flag::handshake_23;
    const outcome not_allowed = co_await dial_erlang(self, w.net, found->port, unable);
    CHECK(not_allowed.why == cause::not_allowed);

    party nameless;
    nameless.dials = good.dials;
    nameless.config.name = "127.0.0.1";
    const auto stream = co_await connect(self, w.net, "127.0.0.1", found->port, later(self.now(), 30s));
    const handshake_result named = co_await initiate(self, *stream, nameless.host, nameless.config, nameless.dials);
    CHECK(is_node_name(named.our_name));
    CHECK(named.our_name.ends_with("@127.0.0.1"));
    CHECK(named.our_creation >= 4);
  });
}

TEST_CASE("an Erlang node dials us, with a name and without one") {
  if (!troupe_test::is_installed("erl")) {
    MESSAGE("NOT TESTED: there is no erl");
    return;
  }
  troupe_test::real_world w;
  w.run([&](context& self) -> process {
    epmd_server_options options;
    options.net = w.net;
    options.port = 0;
    options.report = self.pid();
    self.spawn(epmd_server, options);
    const epmd_listening l = co_await self.receive<epmd_listening>();
    std::error_code error;
    const auto listener = w.net->listen("127.0.0.1", 0, error);
    epmd_node node;
    node.name = "troupe";
    node.port = listener->port();
    const epmd_registration r = co_await epmd_register(self, w.net, "127.0.0.1", l.port, node, later(self.now(), 10s));
    for (const char* name : {"otp@127.0.0.1", "undefined@127.0.0.1"}) {
      erlang otp(l.port, name,
                 "R = net_kernel:connect_node('troupe@127.0.0.1'),"
                 "io:format(\"~p ~p ~p~n\", [R, node(), nodes(connected)]), receive after infinity -> ok end.");
      const auto stream = co_await accept(self, *listener, later(self.now(), 30s));
      party p;
      p.config.name = "troupe@127.0.0.1";
      p.config.creation = r.creation;
      p.host.given = name_message{0, 77, "given@127.0.0.1"};
      const handshake_result shaken = co_await respond(self, *stream, p.host, p.config);
      const bool nameless = std::string(name).starts_with("undefined");
      CHECK(shaken.peer == (nameless ? "given@127.0.0.1" : name));
      CHECK((shaken.effective_flags & our_flags) == our_flags);
      const auto until_up = [&] { return (*otp).wait_for("\n"); };
      const std::string said = co_await self.blocking(until_up);
      CHECK(said == "true '" + shaken.peer + "' ['troupe@127.0.0.1']\n");
    }
  });
}
