// SPDX-License-Identifier: BSL-1.0
// What messages look like on the other side, however large they are and in which order they come.
#include "agent.hpp"

#include <cmath>
#include <map>
#include <optional>
#include <tuple>
#include <variant>

using namespace interop;

namespace content_test {

enum class colour { red, green };

struct point {
  double x;
  double y;
  friend bool operator==(const point&, const point&) = default;
};
struct shape {
  std::string name;
  colour paint;
  std::vector<point> corners;
  std::optional<int> weight;
  std::map<std::string, int> tags;
  bool closed;
  friend bool operator==(const shape&, const shape&) = default;
};
struct nothing {};
struct bytes_list {
  std::vector<std::uint8_t> values;
};
struct numbers {
  std::int64_t least;
  std::uint64_t most;
  double fraction;
};
struct got_it {
  std::string what;
  using reply = std::string;
};
struct blob {
  std::string bytes;
};

}  // namespace content_test

namespace {

using namespace content_test;

/// Answers structs as text, so that the other side sees what came to be here.
process reader(context& self, pid to) {
  for (;;)
    co_await self.receive(
        [&](const shape& s) {
          self.send(to,
                    term::tuple({"shape_came"_atom, term(s.name), term(s.paint == colour::green),
                                 static_cast<int>(s.corners.size()), term(s.corners.empty() ? 0.0 : s.corners.back().y),
                                 term(s.weight.value_or(-1)), static_cast<int>(s.tags.size()), term(s.closed)}));
        },
        [&](const nothing&) { self.send(to, term("nothing_came"_atom)); },
        [&](const bytes_list& b) {
          int sum = 0;
          for (const int n : b.values) sum += n;
          self.send(to, term::tuple({"bytes_came"_atom, static_cast<int>(b.values.size()), sum}));
        },
        [&](const numbers& n) { self.send(to, term::tuple({"numbers_came"_atom, n.least, n.most, n.fraction})); },
        [&](request<got_it> r) { r.reply(r->what + "!"); },
        [&](const term& t) { self.send(to, term::tuple({"term_came"_atom, t})); });
}

/// As troupe_otp:blob/1.
std::string make_blob(std::uint32_t size) {
  constexpr std::uint32_t period = 99'991;
  std::string bytes(size, '\0');
  for (std::uint32_t i = 0; i < std::min(size, period); ++i) bytes[i] = static_cast<char>((i * 31 + i / 251) & 0xff);
  for (std::uint32_t i = period; i < size; ++i) bytes[i] = bytes[i - period];
  return bytes;
}

}  // namespace

TEST_CASE(
    "a struct is {name, Member...} there: strings are binaries, enums atoms, vectors lists, maps maps, nothing "
    "undefined") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  const pid server = there.eval("troupe_otp:start_server(structs)").as_pid();
  const auto last = [&](const char* expected) {
    return there.eval(std::string("troupe_otp:until(fun() -> case gen_server:call(P, history) of [] -> false;"
                                  " L -> lists:last(L) =:= {info, ") +
                          expected + "} end end)",
                      {{"P", server}});
  };
  run(
      here,
      [](context& self, pid to) -> process {
        const shape s{"tri\xc3\xa4ngle", colour::green, {{1, 2}, {-0.5, 1e300}}, 7, {{"a", 1}, {"b", 2}}, true};
        self.send(to, s);
        co_return;
      },
      server);
  CHECK(last("{shape, <<\"tri\xc3\xa4ngle\"/utf8>>, green, [{point, 1.0, 2.0}, {point, -0.5, 1.0e300}], 7,"
             " #{<<\"a\">> => 1, <<\"b\">> => 2}, true}") == term(true));
  here.send(server, nothing{});
  CHECK(last("nothing") == term(true));
  here.send(server, numbers{INT64_MIN, UINT64_MAX, 0.1});
  CHECK(last("{numbers, -(1 bsl 63), (1 bsl 64) - 1, 0.1}") == term(true));
  here.send(server, bytes_list{{1, 2, 255}});
  CHECK(last("{bytes_list, [1, 2, 255]}") == term(true));
  const shape empty{"", colour::red, {}, std::nullopt, {}, false};
  here.send(server, empty);
  CHECK(last("{shape, <<>>, red, [], undefined, #{}, false}") == term(true));
  there.eval("gen_server:stop(structs)");
}

TEST_CASE(
    "what they send becomes structs here, where name, arity and types fit; lists of bytes too, which travel as "
    "strings") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  const pid keeper = here.spawn(agent);
  const pid r = here.spawn({.name = "reader"}, reader, keeper);
  const auto send = [&](const std::string& what) {
    there.eval("P ! " + what, {{"P", r}});
    return here.call<do_next>(keeper, after(patience));
  };
  CHECK(send("{shape, <<\"x\">>, green, [{point, 1, 2.5}], undefined, #{<<\"k\">> => 3}, false}") ==
        term::tuple({"shape_came"_atom, "x", term(true), 1, 2.5, -1, 1, term(false)}));
  CHECK(send("nothing") == term("nothing_came"_atom));
  CHECK(send("{bytes_list, [200, 1, 2]}") == term::tuple({"bytes_came"_atom, 3, 203}));
  CHECK(send("{bytes_list, []}") == term::tuple({"bytes_came"_atom, 0, 0}));
  CHECK(send("{bytes_list, lists:duplicate(70000, 1)}") == term::tuple({"bytes_came"_atom, 70000, 70000}));
  CHECK(send("{numbers, -5, 18446744073709551615, 2}") == term::tuple({"numbers_came"_atom, -5, UINT64_MAX, 2.0}));
  // What does not fit is no such struct, and a term like others.
  CHECK(send("{numbers, 1 bsl 63, 0, 1.0}").is_tuple("term_came"_atom));
  CHECK(send("{bytes_list, [256]}").is_tuple("term_came"_atom));
  CHECK(send("{shape, <<\"x\">>, blue, [], 1, #{}, true}").is_tuple("term_came"_atom));
  CHECK(send("{nothing, 1}").is_tuple("term_came"_atom));
  CHECK(there.eval("gen_server:call({reader, B}, {got_it, <<\"what\">>})", {{"B", atom(here.name())}}) ==
        term("what!"));
}

TEST_CASE("every kind of term goes there and back unchanged") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  here.spawn({.name = "echo"}, agent);
  const pid server = there.eval("troupe_otp:start_server(echoes)").as_pid();
  const char* terms[] = {"0",
                         "-1",
                         "255",
                         "256",
                         "1 bsl 31",
                         "-(1 bsl 31)",
                         "1 bsl 63",
                         "-(1 bsl 63)",
                         "-(1 bsl 64)",
                         "1 bsl 5000",
                         "0.0",
                         "-1.5e-300",
                         "1.7976931348623157e308",
                         "atom",
                         "''",
                         "'with space'",
                         "list_to_atom([16#4e2d, 16#1f600])",
                         "list_to_atom(lists:duplicate(255, 16#e9))",
                         "true",
                         "undefined",
                         "<<>>",
                         "<<\"bytes\", 0, 255>>",
                         "<<1:3>>",
                         "<<16#ffff:15>>",
                         "[]",
                         "[1]",
                         "[1, 2, 255]",
                         "[256]",
                         "\"text\"",
                         "[a | b]",
                         "[1, 2 | 3]",
                         "lists:seq(1, 100000)",
                         "lists:duplicate(65535, 7)",
                         "lists:duplicate(65536, 7)",
                         "{}",
                         "{a}",
                         "list_to_tuple(lists:seq(1, 300))",
                         "#{}",
                         "#{a => 1, 1 => b, 1.0 => c, [] => #{}}",
                         "maps:from_list([{I, I * I} || I <- lists:seq(1, 1000)])",
                         "self()",
                         "make_ref()",
                         "alias()",
                         "hd(erlang:ports())",
                         "fun lists:reverse/1",
                         "fun erlang:send/2",
                         "[[[[{[#{[{}] => [[]]}]}]]]]",
                         "lists:foldl(fun(_, A) -> {A} end, x, lists:seq(1, 100))",
                         "[{'$gen_call', x}, {'$gen_cast', y, z}, '$gen_call']",
                         "unicode:characters_to_binary([16#4e2d])"};
  for (const char* t : terms) {
    CAPTURE(t);
    CHECK(there.eval(std::string("X = ") + t + ", {got, Y} = gen_server:call({echo, B}, X), X =:= Y andalso ok",
                     {{"B", atom(here.name())}}) == term("ok"_atom));
    // From ours to theirs and back, with a term that has been a term here.
    const term value = there.eval(t);
    CHECK(here.call(server, term::tuple({"echo"_atom, value})) == value);
  }
  // Functions: they come back and still work.
  CHECK(there.eval("N = 5, F = fun(X) -> X + N end, {got, G} = gen_server:call({echo, B}, F), G(2)",
                   {{"B", atom(here.name())}}) == term(7));
  there.eval("gen_server:stop(echoes)");
}

TEST_CASE("large messages arrive whole, both ways, and the connection serves others in between") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  const pid keeper = here.spawn({.name = "keeper"}, agent);
  const pid server = there.eval("troupe_otp:start_server(large)").as_pid();
  for (const std::uint32_t size : {65'537U, 1U << 20, 20U << 20}) {
    CAPTURE(size);
    const std::string bytes = make_blob(size);
    there.eval("{keeper, B} ! troupe_otp:blob(N), ok", {{"B", atom(here.name())}, {"N", size}});
    const term got = here.call<do_next>(keeper, after(patience));
    CHECK(got.is_binary());
    CHECK((got.as_binary() == bytes));
    here.send<blob>(server, bytes);
    CHECK(here.call(server, term::tuple({"add"_atom, 1, 2}), patience) == term(3));
    CHECK(there.eval("{info, {blob, X}} = lists:last(gen_server:call(large, history)), gen_server:call(large, clear),"
                     "troupe_otp:is_blob(X, N)",
                     {{"N", size}}) == term(true));
  }
  // A call with a large question and a large answer.
  const std::string bytes = make_blob(5U << 20);
  const term answer = here.call(server, term::tuple({"echo"_atom, term(bytes)}), patience);
  CHECK((answer.as_binary() == bytes));
  there.eval("gen_server:stop(large)");
}

TEST_CASE(
    "messages between two processes keep their order under load in both directions, large ones among small ones") {
  otp& there = hidden_otp();
  node here(options_of(fresh_name()));
  const auto counts = [](context& self, pid done, int n) -> process {
    for (int i = 0; i < n; ++i) {
      const auto any = [](const term& t) { return t; };
      const term t = co_await self.receive(any);
      if (t[1] != term(i)) {
        self.send(done, term::tuple({"instead_of"_atom, i, t}));
        co_return;
      }
    }
    self.send(done, term("ok"_atom));
  };
  constexpr int n = 40'000;
  const pid keeper = here.spawn(agent);
  const pid counter = here.spawn(counts, keeper, n);
  const pid theirs =
      there.eval("spawn(fun() -> K ! {result, troupe_otp:receive_mixed(0, N)} end)", {{"K", keeper}, {"N", n}})
          .as_pid();
  const auto sends = [](context& self, pid to, int count) -> process {
    const std::string large(100'000, 'x');
    for (int i = 0; i < count; ++i) {
      term number = i % 1000 == 0 ? term::tuple({"number"_atom, i, term(large)}) : term::tuple({"number"_atom, i});
      co_await self.send(to, std::move(number));
    }
  };
  here.spawn(sends, theirs, n);
  there.eval("spawn(fun() -> troupe_otp:send_mixed(C, 0, N) end), ok", {{"C", counter}, {"N", n}});
  std::vector<term> got{here.call<do_next>(keeper, after(patience)), here.call<do_next>(keeper, after(patience))};
  std::sort(got.begin(), got.end());
  CHECK(got == std::vector<term>{"ok"_atom, term::tuple({"result"_atom, "ok"_atom})});
}

TEST_CASE("a process that awaits its sends waits while the connection is busy, and one that does not is not stopped") {
  otp there({.name = "slow", .hidden = true});
  node_options options = options_of(fresh_name());
  options.busy_limit = 64 << 10;
  node here(options);
  const pid keeper = here.spawn(agent);
  const pid theirs =
      there.eval("spawn(fun() -> receive go -> K ! troupe_otp:receive_mixed(0, 3000) end end)", {{"K", keeper}})
          .as_pid();
  CHECK(here.connect(there.name(), patience));
  there.pause();
  const auto sends = [](context& self, pid to, pid tell) -> process {
    self.send(to, "go"_atom);
    const std::string text(10'000, 'x');
    for (int i = 0; i < 3000; ++i) {
      term number = term::tuple({"number"_atom, i, term(text)});
      co_await self.send(to, std::move(number));
      if (i == 0) self.send(tell, term("begun"_atom));
    }
    self.send(tell, term("all_sent"_atom));
  };
  here.spawn(sends, theirs, keeper);
  CHECK(here.call<do_next>(keeper, after(patience)) == term("begun"_atom));
  // 30 MB do not fit into any buffer on the way: it waits.
  CHECK(here.call<do_count>(keeper) == 0);
  there.resume();
  std::vector<term> got{here.call<do_next>(keeper, after(patience)), here.call<do_next>(keeper, after(patience))};
  std::sort(got.begin(), got.end());
  CHECK(got == std::vector<term>{"all_sent"_atom, "ok"_atom});
}
