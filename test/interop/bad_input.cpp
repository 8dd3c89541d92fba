// SPDX-License-Identifier: BSL-1.0
// What no node should send: that connection ends, one line of the log says why, and nothing else notices.
#include "agent.hpp"
#include "raw.hpp"

#include <fstream>
#include <functional>

#include <unistd.h>

using namespace interop;

namespace {

using namespace std::string_literals;

/// Bytes of memory that this process holds.
std::size_t resident() {
  std::ifstream in("/proc/self/statm");
  std::size_t all = 0;
  std::size_t held = 0;
  in >> all >> held;
  return held * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

/// A node with a good neighbour, a real one, which must not notice anything.
struct guarded_node {
  explicit guarded_node(node_options options) : here(std::move(options)) {
    target = here.spawn({.name = "target"}, agent);
    watcher = here.spawn(agent);
    here.connect(neighbour.name(), patience);
    here.call<do_monitor_node>(watcher, atom(neighbour.name()));
  }

  void check_neighbour() {
    CHECK(neighbour.eval("gen_server:call({target, B}, still_there)", {{"B", atom(here.name())}}) ==
          term::tuple({"got"_atom, "still_there"_atom}));
    CHECK(here.call<do_count>(watcher) == 0);
  }

  otp& neighbour = hidden_otp();
  node here;
  pid target;
  pid watcher;
};

std::string repeated(std::string_view what, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += what;
  return all;
}

}  // namespace

TEST_CASE("whatever malformed thing comes by a connection: it is closed, with one line that names the peer and why") {
  node_options options = options_of(fresh_name());
  options.max_message = 1 << 20;
  options.max_new_atoms = 1000;
  guarded_node g(options);

  struct bad {
    const char* what;
    std::function<void(raw_peer&, const pid& target)> sends;
    const char* why;  // a part of what the log must say
  };
  const auto to_target = [](raw_peer& p, const pid& target) { return term::tuple({22, p.process(), target}); };
  const auto payload = [to_target](std::string bytes) {
    return [to_target, bytes](raw_peer& p, const pid& target) { p.send_bytes(to_target(p, target), "\x83" + bytes); };
  };
  const auto control = [](std::function<term(raw_peer&, const pid&)> make) {
    return [make](raw_peer& p, const pid& target) { p.send_control(make(p, target)); };
  };
  const auto frame = [](std::string bytes) {
    return [bytes](raw_peer& p, const pid&) { p.send_frame(std::as_bytes(std::span(bytes))); };
  };
  const bad all[] = {
      {"a length beyond the limit", [](raw_peer& p, const pid&) { p.send("\xff\xff\xff\xff"s); }, "limit"},
      {"a length just beyond the limit", [](raw_peer& p, const pid&) { p.send("\x00\x10\x00\x01"s); }, "limit"},
      {"garbage in a frame", frame("this is no frame at all"), "112"},
      {"an HTTP request", [](raw_peer& p, const pid&) { p.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); },
       "limit"},
      {"an empty pass-through frame", frame("p\x83"s), ""},
      {"a control message that stops in its middle", frame("p\x83h\x03"s), ""},
      {"a header for an atom cache that was not agreed on", frame("\x83\x44\x00h\x01"s), "112"},
      {"a fragment that was not agreed on", frame("\x83\x45"s + std::string(16, '\1') + "\x00h"s), "112"},
      {"a control message that is no tuple", control([](raw_peer&, const pid&) { return term("send"_atom); }), "tuple"},
      {"an empty tuple", control([](raw_peer&, const pid&) { return term::tuple({}); }), "malformed"},
      {"an operation that is no number", control([](raw_peer&, const pid&) { return term::tuple({"send"_atom}); }),
       "number"},
      {"an unknown operation", control([](raw_peer&, const pid&) { return term::tuple({99, 1}); }), "99"},
      {"an operation beyond all", control([](raw_peer&, const pid&) { return term::tuple({UINT64_MAX, 1}); }),
       "number"},
      {"too few elements", control([](raw_peer& p, const pid&) { return term::tuple({1, p.process()}); }), "elements"},
      {"too many elements", control([](raw_peer& p, const pid& t) { return term::tuple({1, p.process(), t, 1}); }),
       "elements"},
      {"a link of something that is no pid",
       control([](raw_peer&, const pid& t) { return term::tuple({1, "somebody"_atom, t}); }), "pid"},
      {"a link of a process of another node", control([](raw_peer&, const pid& t) {
         return term::tuple({1, pid(1, 0, 5, add_node("third@127.0.0.1", 5)), t});
       }),
       "third@127.0.0.1"},
      {"a monitor of a process of ours by itself",
       control([](raw_peer& p, const pid& t) { return term::tuple({19, t, t, p.ref(1)}); }), "pid of"},
      {"a monitor without a reference",
       control([](raw_peer& p, const pid& t) { return term::tuple({19, p.process(), t, 1}); }), "reference"},
      {"an exit of a link in another node's name",
       [](raw_peer& p, const pid& t) {
         p.send_control(term::tuple({24, pid(1, 0, 5, add_node("third@127.0.0.1", 5)), t}), term("x"_atom));
       },
       "third@127.0.0.1"},
      {"a message to something that is no pid",
       [](raw_peer& p, const pid&) { p.send_control(term::tuple({22, p.process(), 17}), term(1)); }, "pid"},
      {"a message without a message", control(to_target), "payload"},
      {"an unlink with an id that is no number",
       control([](raw_peer& p, const pid& t) { return term::tuple({35, "id"_atom, p.process(), t}); }), "number"},
      {"a spawn whose arguments are no list",
       [](raw_peer& p, const pid&) {
         p.send_control(term::tuple({29, p.ref(1), p.process(), p.process(), term::tuple({"m"_atom, "f"_atom, 1}),
                                     term::list({})}),
                        term("x"_atom));
       },
       "arguments"},
      {"a spawn whose arguments are too few",
       [](raw_peer& p, const pid&) {
         p.send_control(term::tuple({29, p.ref(1), p.process(), p.process(), term::tuple({"m"_atom, "f"_atom, 2}),
                                     term::list({})}),
                        term::list({1}));
       },
       "arguments"},
      {"a spawn of no function",
       [](raw_peer& p, const pid&) {
         p.send_control(term::tuple({29, p.ref(1), p.process(), p.process(), "f"_atom, term::list({})}),
                        term::list({}));
       },
       "Module"},
      {"a payload that stops in its middle", payload("h\x02w\x03"), ""},
      {"a payload with a tag that there is not", payload("\x01"), ""},
      {"bytes behind the payload", payload("ja"), "behind"},
      {"a payload without its version",
       [to_target](raw_peer& p, const pid& t) { p.send_bytes(to_target(p, t), "a\x01"s); }, ""},
      {"a list of 4 thousand million elements", payload("l\xff\xff\xff\xff"s), ""},
      {"a tuple of 4 thousand million elements", payload("i\xff\xff\xff\xff"s), ""},
      {"a map of 4 thousand million items", payload("t\xff\xff\xff\xff"s), ""},
      {"a binary of 4 GB", payload("m\xff\xff\xff\xff"s), ""},
      {"an integer of 4 GB", payload("o\xff\xff\xff\xff\x00"s), ""},
      {"tuples 100,000 deep", payload(repeated("h\x01", 100'000) + "j"), "nesting"},
      {"lists 100,000 deep", payload(repeated("l\x00\x00\x00\x01"s, 100'000) + "j" + std::string(100'000, 'j')),
       "nesting"},
      {"maps 1,000 deep", payload(repeated("t\x00\x00\x00\x01"s + "a\x01", 1'000) + "j"), "nesting"},
      {"a key twice in a map", payload("t\x00\x00\x00\x02"s + "a\x01j" + "a\x01j"), "key"},
      {"a compressed term", payload("P\x00\x00\x00\x02"s + "x\x9c"), "compressed"},
      {"a float that is not a number", payload("F\x7f\xf8\x00\x00\x00\x00\x00\x00"s), ""},
      {"an infinite float", payload("F\x7f\xf0\x00\x00\x00\x00\x00\x00"s), ""},
      {"an atom that is no UTF-8", payload("w\x02\xff\xfe"s), ""},
      {"an atom of more than 255 characters", payload("v\x01\x00"s + std::string(256, 'x')), ""},
      {"a reference to an atom cache that was not agreed on", payload("R\x00"s), ""},
      {"a reference of 60,000 words", payload("Z\xea\x60"s + "w\x01x" + std::string(4, '\0')), ""},
      {"2,000 new atoms",
       [to_target](raw_peer& p, const pid& t) {
         // Bytes, for terms would make these atoms known here.
         std::string bytes = "\x83l\x00\x00\x07\xd0"s;
         for (int i = 0; i < 2000; ++i) {
           const std::string name = "never_seen_atom_" + std::to_string(i);
           bytes += "w" + std::string(1, static_cast<char>(name.size())) + name;
         }
         p.send_bytes(to_target(p, t), bytes + "j");
       },
       "atom"},
      {"a malformed message to a name that nobody has",
       [](raw_peer& p, const pid&) {
         p.send_bytes(term::tuple({6, p.process(), atom(), "nobody"_atom}), "\x83h\x05j"s);
       },
       ""},
      {"a malformed reason",
       [](raw_peer& p, const pid& t) { p.send_bytes(term::tuple({26, p.process(), t}), "\x83l"s); }, ""},
      {"the end in the middle of a frame",
       [](raw_peer& p, const pid&) {
         p.send("\x00\x00\x00\x64p\x83"s);
         p.end();
       },
       ""},
  };

  for (const bad& one : all) {
    const std::string what = one.what;
    CAPTURE(what);
    raw_peer p(g.here.port());
    const std::string name = fresh_name("bad");
    const std::size_t before = log_capture::count();
    p.connect_as(name);
    one.sends(p, g.target);
    CHECK(p.is_closed());
    CHECK(log_capture::wait_for(name, before));
    const auto lines = log_capture::lines("", before);
    CHECK(lines.size() == 1);
    if (lines.size() == 1) {
      CHECK(lines[0].find(name) != std::string::npos);
      const std::string& line = lines[0];
      CAPTURE(line);
      CHECK(line.find(one.why) != std::string::npos);
    } else {
      for (const auto& line : lines) MESSAGE(line);
    }
  }
  CHECK(g.here.call<do_count>(g.target) == 0);
  g.check_neighbour();
}

TEST_CASE("what is odd and does no harm is taken: signals to nobody, foreign senders, ids that nobody knows, ticks") {
  guarded_node g(options_of(fresh_name()));
  raw_peer p(g.here.port());
  p.connect_as(fresh_name("odd"));
  const node_index ours = g.target.node();
  const pid nobody(4'000'000, 1, g.target.creation(), ours);
  const pid stranger(1, 0, 5, add_node("third@127.0.0.1", 5));
  p.send(std::string(40, '\0'));  // ten ticks
  p.send_control(term::tuple({22, p.process(), nobody}), term("void"_atom));
  p.send_control(term::tuple({2, atom(), nobody}), term("void"_atom));
  p.send_control(term::tuple({6, stranger, atom(), "nobody"_atom}), term("void"_atom));
  p.send_control(term::tuple({20, p.process(), nobody, p.ref(9)}));
  p.send_control(term::tuple({20, p.process(), "nobody"_atom, p.ref(9)}));
  p.send_control(term::tuple({21, nobody, g.target, p.ref(9), "x"_atom}));
  p.send_control(term::tuple({28, p.process(), g.target, p.ref(9)}), term("x"_atom));
  p.send_control(term::tuple({24, p.process(), g.target}), term("never_linked"_atom));
  p.send_control(term::tuple({36, 17, p.process(), g.target}));
  p.send_control(term::tuple({31, p.ref(3), g.target, 3, p.process(8)}));
  p.send_control(term::tuple({33, p.process(), reference({1, 2, 3, 4, 5}, g.target.creation(), ours)}),
                 term("void"_atom));
  p.send_control(term::tuple({7, p.process(), g.target}));
  p.send_control(term::tuple({4, p.process(), g.target}));
  // A target that is no process of ours at all: neither forwarded nor fatal.
  p.send_control(term::tuple({22, p.process(), stranger}), term("void"_atom));
  p.send_control(term::tuple({1, p.process(), stranger}));
  // With tokens of seq_trace.
  p.send_control(term::tuple({23, p.process(), g.target, term::tuple({1, 2, 3, p.process(), 4})}), term("traced"_atom));
  CHECK(g.here.call<do_next>(g.target, after(patience)) == term("traced"_atom));
  // A tag that looks like gen_server's and is none is a message.
  p.send_control(term::tuple({22, p.process(), g.target}), term::tuple({"$gen_call"_atom, "x"_atom, "y"_atom}));
  CHECK(g.here.call<do_next>(g.target, after(patience)) == term::tuple({"$gen_call"_atom, "x"_atom, "y"_atom}));
  CHECK(g.here.is_alive(g.target));
  CHECK(g.here.call<do_count>(g.target) == 0);
  g.check_neighbour();
}

TEST_CASE("a monitor of a name that nobody has is answered with DOWN noproc at once, byte for byte as OTP does") {
  guarded_node g(options_of(fresh_name()));
  raw_peer p(g.here.port());
  p.connect_as(fresh_name("watching"));
  p.send_control(term::tuple({19, p.process(), "nobody"_atom, p.ref(5)}));
  const auto answer = p.read_frame();
  REQUIRE(answer);
  etf::buffer expected;
  expected.put8(112);
  etf::write_version(expected);
  etf::writer(expected).put_term(term::tuple({28, "nobody"_atom, p.process(), p.ref(5)}));
  etf::write_version(expected);
  etf::writer(expected).put_term("noproc"_atom);
  CHECK(std::equal(answer->begin(), answer->end(), expected.bytes().begin(), expected.bytes().end()));
}

TEST_CASE("announced lengths cost no memory: peers that announce the largest message, and send little of it") {
  guarded_node g(options_of(fresh_name()));
  std::vector<std::unique_ptr<raw_peer>> peers;
  const std::size_t before = resident();
  for (int i = 0; i < 20; ++i) {
    auto p = std::make_unique<raw_peer>(g.here.port());
    p->connect_as(fresh_name("large"));
    p->send("\x0f\xff\xff\xffp\x83h"s);  // 256 MiB
    p->send(std::string(1000, 'x'));
    peers.push_back(std::move(p));
  }
  g.check_neighbour();
  CHECK(resident() < before + (std::size_t{100} << 20));
  peers.clear();
  g.check_neighbour();
}

TEST_CASE("garbage instead of a handshake closes that connection, with one line of the log") {
  node_options options = options_of(fresh_name());
  options.setup_time = 300ms;  // "GE" announces 18,245 bytes
  guarded_node g(options);
  const std::string garbage[] = {
      "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "\x00\x01N"s,
      "\x00\x04zzzz"s,
      "\x00\x00"s,
      "\xff\xffN"s + std::string(65534, '\xff'),
      "\x00\x0f"s + "N" + std::string(12, '\0') + "\xff\xff"s,  // a name of 65,535 bytes that is not there
      "\x00\x11"s + "n\x00\x05\x00\x00\x00\x00"s + "old@127.0.0.1"s,
      std::string(300, '\0'),
  };
  int n = 0;
  for (const std::string& bytes : garbage) {
    CAPTURE(n);
    const std::size_t before = log_capture::count();
    raw_peer p(g.here.port());
    p.send(bytes);
    CHECK(p.is_closed());
    CHECK(log_capture::wait_for("no connection for", before));
    CHECK(log_capture::lines("", before).size() == 1);
    ++n;
  }
  // Who says nothing at all and goes is no more than a line either.
  const std::size_t before = log_capture::count();
  {
    const raw_peer p(g.here.port());
  }
  CHECK(log_capture::wait_for("no connection for", before));
  g.check_neighbour();
}

TEST_CASE("a peer that lacks what it must be able to do, has an impossible name or our own, is not let in") {
  guarded_node g(options_of(fresh_name()));
  const auto refused = [&](const std::string& name, std::uint64_t flags, const char* why) {
    CAPTURE(name);
    const std::size_t before = log_capture::count();
    raw_peer p(g.here.port());
    const std::string status = p.introduce(name, flags);
    CHECK((status.empty() || status == "not_allowed"));
    CHECK(p.is_closed());
    CHECK(log_capture::wait_for(why, before));
    CHECK(log_capture::lines("", before).size() == 1);
  };
  for (const std::uint64_t flag :
       {dist_flag::v4_nc, dist_flag::unlink_id, dist_flag::handshake_23, dist_flag::big_creation})
    refused(fresh_name("weak"), detail::our_flags & ~flag & ~dist_flag::mandatory_25_digest, "not");
  refused("no_at", detail::our_flags, "no_at");
  refused("a@b@c", detail::our_flags, "a@b@c");
  refused("@host", detail::our_flags, "@host");
  refused(std::string(g.here.name()), detail::our_flags, "");
  g.check_neighbour();
}

TEST_CASE("a wrong digest is refused with one line, and tells neither cookie nor digest") {
  guarded_node g(options_of(fresh_name()));
  const std::string name = fresh_name("thief");
  const std::size_t before = log_capture::count();
  raw_peer p(g.here.port());
  CHECK(p.introduce(name) == "ok");
  CHECK_FALSE(p.prove("guessed"));
  CHECK(log_capture::wait_for(name, before));
  CHECK(log_capture::lines("", before).size() == 1);
  CHECK(log_capture::lines(cookie, before).empty());
  g.check_neighbour();
}

TEST_CASE("peers that never finish their handshake are closed after the setup time, and keep nobody out meanwhile") {
  node_options options = options_of(fresh_name());
  options.setup_time = 700ms;
  guarded_node g(options);
  std::vector<std::unique_ptr<raw_peer>> slow;
  const std::size_t before = log_capture::count();
  for (int i = 0; i < 60; ++i) {
    slow.push_back(std::make_unique<raw_peer>(g.here.port()));
    if (i % 3 == 1) slow.back()->send("\x00"s);
    if (i % 3 == 2) CHECK(slow.back()->introduce(fresh_name("slow")) == "ok");
  }
  {
    raw_peer good(g.here.port());
    good.connect_as(fresh_name("good"));
    good.send_control(term::tuple({22, good.process(), g.target}), term("hello"_atom));
    CHECK(g.here.call<do_next>(g.target, after(patience)) == term("hello"_atom));
  }
  for (auto& p : slow) CHECK(p->is_closed());
  CHECK(eventually([&] { return log_capture::lines("no connection", before).size() == 60; }));
  g.check_neighbour();
}

TEST_CASE("a node that calls again while its connection is up takes that over when it proves itself, and not before") {
  guarded_node g(options_of(fresh_name()));
  const std::string name = fresh_name("again");
  g.here.call<do_monitor_nodes>(g.watcher, true);
  const auto told = [&](const char* what) {
    CHECK(g.here.call<do_next>(g.watcher, after(patience)) == term::tuple({atom(what), atom(name)}));
  };
  raw_peer first(g.here.port());
  first.connect_as(name);
  told("nodeup");
  const auto says = [](raw_peer& p, std::string_view status) {
    std::vector<std::byte> body;
    detail::status_message m;
    m.status = status;
    detail::write(body, m);
    p.send_message(body);
  };
  {
    raw_peer gives_up(g.here.port());
    CHECK(gives_up.introduce(name) == "alive");
    says(gives_up, "false");
    CHECK(gives_up.is_closed());
  }
  {
    raw_peer thief(g.here.port());
    CHECK(thief.introduce(name) == "alive");
    says(thief, "true");
    CHECK_FALSE(thief.prove("guessed"));
  }
  // The first one is untouched.
  first.send_control(term::tuple({22, first.process(), g.target}), term("still_here"_atom));
  CHECK(g.here.call<do_next>(g.target, after(patience)) == term("still_here"_atom));
  CHECK(g.here.call<do_count>(g.watcher) == 0);
  raw_peer second(g.here.port());
  CHECK(second.introduce(name, detail::our_flags, 78) == "alive");
  says(second, "true");
  CHECK(second.prove(cookie));
  told("nodedown");
  told("nodeup");
  CHECK(first.is_closed());
  second.send_control(term::tuple({22, second.process(), g.target}), term("taken_over"_atom));
  CHECK(g.here.call<do_next>(g.target, after(patience)) == term("taken_over"_atom));
  g.check_neighbour();
}

TEST_CASE("random changes of a good frame: never a crash, a hang or more than one line") {
  guarded_node g(options_of(fresh_name()));
  std::uint32_t state = 1;
  const auto random = [&state] {
    state = state * 1664525 + 1013904223;
    return state >> 8;
  };
  for (int round = 0; round < 300; ++round) {
    CAPTURE(round);
    raw_peer p(g.here.port());
    const std::string name = fresh_name("fuzz");
    const std::size_t before = log_capture::count();
    p.connect_as(name);
    etf::buffer out;
    out.put8(112);
    etf::write_version(out);
    const term payload =
        term::tuple({"$gen_call"_atom, term::tuple({p.process(), term::improper_list({"alias"_atom}, p.ref(3))}),
                     term::map({{"key"_atom, term::list({1, 2.5, "text", 1LL << 40})}, {7, p.ref(1)}})});
    etf::writer(out).put_term(round % 2 == 0 ? term::tuple({22, p.process(), g.target})
                                             : term::tuple({6, p.process(), atom(), "target"_atom}));
    etf::write_version(out);
    etf::writer(out).put_term(payload);
    for (std::uint32_t changes = 1 + random() % 4; changes > 0; --changes)
      out.data()[random() % out.size()] = static_cast<std::byte>(random());
    p.send_frame(out.bytes());
    p.end();
    CHECK(p.is_closed());
    CHECK(log_capture::wait_for("the connection with " + name, before));
    // A change that leaves it a good call is answered, and the answer may dial the peer that has gone: another line.
    CHECK(log_capture::lines("the connection with " + name, before).size() == 1);
  }
  g.check_neighbour();
}
