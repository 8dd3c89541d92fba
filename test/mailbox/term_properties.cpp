// SPDX-License-Identifier: BSL-1.0
// What holds for all terms, tried on terms at random: RapidCheck makes them, and makes those for which something does
// not hold smaller. RC_PARAMS="max_success=100000" tries more of them, other ones each time.
#include <troupe/mailbox/big_integer.hpp>
#include <troupe/mailbox/codec.hpp>
#include <troupe/mailbox/to_term.hpp>

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <bit>
#include <cmath>
#include <compare>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

using namespace troupe;
using boost::multiprecision::cpp_int;

namespace {

// The same terms in every run, unless somebody says otherwise.
[[maybe_unused]] const int seeded = ::setenv("RC_PARAMS", "seed=20260104 max_success=1000", 0);

/// Does this hold for all that its arguments may be? Says for what it does not.
template <class Property>
void check(Property&& property) {
  const auto result = rc::detail::checkTestable(std::forward<Property>(property));
  if (result.template is<rc::detail::SuccessResult>()) return;
  std::ostringstream text;
  rc::detail::printResultMessage(result, text);
  FAIL_CHECK(text.str());
}

// --- terms at random
// ---------------------------------------------------------------------------------------------------

node_index node_at(int which) {
  static const node_index nodes[] = {add_own_node("own@properties", 5), add_node("other@properties", 6),
                                     add_node("other@properties", 7), add_node("nonode@properties", 6)};
  return nodes[which];
}

/// A character that UTF-8 has: seldom any, often one that is printed in its own way.
rc::Gen<char32_t> characters() {
  return rc::gen::weightedOneOf<char32_t>(
      {{6, rc::gen::cast<char32_t>(rc::gen::inRange(0, 0x80))},
       {2, rc::gen::cast<char32_t>(rc::gen::inRange(0x80, 0x180))},
       {1, rc::gen::cast<char32_t>(rc::gen::inRange(0xe000, 0x110000))},
       {2, rc::gen::element<char32_t>('a', 'b', '\'', '"', '\\', '\n', ' ', '%', 0x20ac, 0x1f600, 0xfffe)}});
}

std::string utf8(const std::vector<char32_t>& text) {
  std::string out;
  for (const char32_t c : text) {
    if (c < 0x80) {
      out += static_cast<char>(c);
      continue;
    }
    const int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    out += static_cast<char>((0xf00 >> (more + 1) & 0xf0) | c >> (6 * more));
    for (int i = more; i-- > 0;) out += static_cast<char>(0x80 | (c >> (6 * i) & 0x3f));
  }
  return out;
}

rc::Gen<std::string> texts() {
  return rc::gen::map(rc::gen::resize(8, rc::gen::container<std::vector<char32_t>>(characters())), utf8);
}

rc::Gen<std::vector<std::uint8_t>> bytes() {
  return rc::gen::resize(
      12, rc::gen::container<std::vector<std::uint8_t>>(rc::gen::resize(100, rc::gen::arbitrary<std::uint8_t>())));
}

std::span<const std::byte> as_bytes(const std::vector<std::uint8_t>& all) {
  return std::as_bytes(std::span(all));
}

rc::Gen<atom> atoms() {
  return rc::gen::map(
      rc::gen::oneOf(rc::gen::element<std::string>("ok", "a", "b", "", "end", "Up", "a b", "étage", "x@y_1"), texts()),
      [](const std::string& text) { return atom(text); });
}

/// A power of two, or a neighbour of one: where integers and floats change their form.
rc::Gen<term> edges() {
  return rc::gen::map(rc::gen::tuple(rc::gen::inRange(0, 1100), rc::gen::inRange(-1, 2), rc::gen::arbitrary<bool>()),
                      [](const auto& of) {
                        const auto& [power, more, negative] = of;
                        const cpp_int value = (cpp_int(1) << static_cast<unsigned>(power)) + more;
                        return from_cpp_int(negative ? cpp_int(-value) : value);
                      });
}

rc::Gen<term> numbers() {
  return rc::gen::oneOf(
      rc::gen::map(rc::gen::inRange(-2, 3), [](int i) { return term(i); }),
      rc::gen::map(rc::gen::inRange(-2, 3), [](int i) { return term(static_cast<double>(i)); }),
      rc::gen::map(rc::gen::arbitrary<std::int64_t>(), [](std::int64_t i) { return term(i); }),
      rc::gen::map(rc::gen::arbitrary<double>(), [](double f) { return term(f); }), edges(),
      rc::gen::map(rc::gen::pair(rc::gen::arbitrary<bool>(), bytes()),
                   [](const auto& of) { return term::integer(of.first, as_bytes(of.second)); }),
      rc::gen::map(rc::gen::tuple(rc::gen::inRange(0, 1024), rc::gen::arbitrary<bool>()),
                   [](const auto& of) { return term(std::ldexp(std::get<1>(of) ? -1.0 : 1.0, std::get<0>(of))); }),
      rc::gen::map(rc::gen::inRange<std::uint64_t>(0, UINT64_MAX), [](std::uint64_t bits) {
        const auto f = std::bit_cast<double>(bits);
        return term(std::isfinite(f) ? f : 0.5);
      }));
}

/// Pids, references and ports of nodes that this program knows.
rc::Gen<term> identities() {
  const auto words = [] {
    return rc::gen::oneOf(rc::gen::inRange<std::uint32_t>(0, 4), rc::gen::arbitrary<std::uint32_t>());
  };
  const auto nodes = [] { return rc::gen::inRange(0, 4); };
  return rc::gen::oneOf(
      rc::gen::map(rc::gen::tuple(nodes(), words(), words()),
                   [](const auto& of) {
                     const auto& [which, id, serial] = of;
                     const node_index node = node_at(which);
                     // Id 0 is nobody's at home: <0.0.0> is the null pid.
                     return term(id == 0 && serial == 0 ? pid() : pid(id, serial, node_creation(node), node));
                   }),
      rc::gen::map(rc::gen::pair(nodes(), rc::gen::resize(5, rc::gen::container<std::vector<std::uint32_t>>(words()))),
                   [](const auto& of) {
                     if (of.second.empty()) return term(reference());
                     const node_index node = node_at(of.first);
                     return term(reference(std::span(of.second).first(std::min<std::size_t>(of.second.size(), 5)),
                                           node_creation(node), node));
                   }),
      rc::gen::map(rc::gen::pair(nodes(), words()), [](const auto& of) {
        const node_index node = node_at(of.first);
        return term(of.second == 0 ? port() : port(of.second, node_creation(node), node));
      }));
}

rc::Gen<term> leaves() {
  return rc::gen::resize(
      100,
      rc::gen::weightedOneOf<term>(
          {{4, numbers()},
           {2, rc::gen::map(atoms(), [](atom a) { return term(a); })},
           {1, rc::gen::map(texts(), [](const std::string& text) { return term(text); })},
           {1, rc::gen::map(bytes(), [](const auto& all) { return term::binary(as_bytes(all)); })},
           {1, rc::gen::map(rc::gen::pair(bytes(), rc::gen::inRange<std::size_t>(0, 8)),
                            [](const auto& of) {
                              const std::size_t bits = of.first.size() * 8;
                              return term::bit_string(as_bytes(of.first), bits - std::min(bits, of.second));
                            })},
           {1, identities()},
           {1, rc::gen::map(rc::gen::tuple(atoms(), atoms(), rc::gen::arbitrary<std::uint8_t>()), [](const auto& of) {
              return term(external_function{std::get<0>(of), std::get<1>(of), std::get<2>(of)});
            })}}));
}

/// What has parts may be one of them instead, when something smaller is looked for.
rc::Seq<term> parts_of(const term& t) {
  std::vector<term> parts;
  if (t.is_tuple() || t.is_list() || t.is_improper_list()) parts.assign(t.elements().begin(), t.elements().end());
  if (t.is_improper_list()) parts.push_back(t.tail());
  if (t.is_map())
    for (const auto& [key, value] : t.items()) parts.insert(parts.end(), {key, value});
  return rc::seq::fromContainer(std::move(parts));
}

rc::Gen<term> terms(int depth) {
  if (depth == 0) return leaves();
  const rc::Gen<term> part = terms(depth - 1);
  const auto some = rc::gen::resize(4, rc::gen::container<std::vector<term>>(part));
  const auto nested =
      rc::gen::oneOf(rc::gen::map(some, [](std::vector<term> all) { return term::tuple(std::move(all)); }),
                     rc::gen::map(some, [](std::vector<term> all) { return term::list(std::move(all)); }),
                     rc::gen::map(rc::gen::pair(some, part),
                                  [](std::pair<std::vector<term>, term> of) {
                                    return term::improper_list(std::move(of.first), std::move(of.second));
                                  }),
                     rc::gen::map(rc::gen::resize(4, rc::gen::container<std::map<term, term>>(part, part)),
                                  [](const std::map<term, term>& all) {
                                    return term::map(std::vector<std::pair<term, term>>(all.begin(), all.end()));
                                  }));
  return rc::gen::shrink(rc::gen::oneOf(leaves(), nested), [](const term& t) { return parts_of(t); });
}

/// A term as `t`, but for some numbers that are of the other kind, and some parts that are others.
term varied(const term& t, std::mt19937_64& random) {
  if (random() % 16 == 0) return term(static_cast<int>(random() % 3));
  if (t.is_integer() && random() % 2 == 0 && abs(to_cpp_int(t)) < cpp_int(1) << 1000)
    return term(static_cast<double>(to_cpp_int(t)));
  if (t.is_floating() && random() % 2 == 0 && std::trunc(t.as_floating()) == t.as_floating())
    return from_cpp_int(cpp_int(t.as_floating()));
  std::vector<term> parts;
  if (t.is_map()) {
    std::map<term, term> items;
    for (const auto& [key, value] : t.items()) items.emplace(varied(key, random), varied(value, random));
    return term::map(std::vector<std::pair<term, term>>(items.begin(), items.end()));
  }
  if (!t.is_tuple() && !t.is_list() && !t.is_improper_list()) return t;
  for (const term& part : t.elements()) parts.push_back(varied(part, random));
  if (t.is_tuple()) return term::tuple(std::move(parts));
  return term::improper_list(std::move(parts), t.is_list() ? term::list({}) : varied(t.tail(), random));
}

/// Terms of which some are nearly alike: those that have nothing in common are soon compared.
struct relatives {
  term a, b, c;
};
std::ostream& operator<<(std::ostream& out, const relatives& of) {
  return out << of.a << "\n" << of.b << "\n" << of.c;
}

struct customer {
  std::string name;
  std::optional<std::int64_t> number;
  bool operator==(const customer&) const = default;
};
enum class state { open, closed };
struct account {
  cpp_int balance;
  std::vector<customer> owners;
  std::map<std::string, double> rates;
  std::variant<std::uint64_t, std::string> id;
  state is;
  atom currency;
  std::pair<std::int8_t, std::uint32_t> limits;
  bool operator==(const account&) const = default;
};

}  // namespace

template <>
struct rc::Arbitrary<term> {
  static Gen<term> arbitrary() { return terms(3); }
};
template <>
struct rc::Arbitrary<relatives> {
  static Gen<relatives> arbitrary() {
    return gen::map(gen::tuple(gen::arbitrary<term>(), gen::arbitrary<term>(), gen::arbitrary<std::uint32_t>()),
                    [](const std::tuple<term, term, std::uint32_t>& of) {
                      const auto& [a, other, seed] = of;
                      std::mt19937_64 random(seed);
                      return relatives{a, varied(a, random), seed % 8 == 0 ? other : varied(a, random)};
                    });
  }
};
template <>
struct rc::Arbitrary<customer> {
  static Gen<customer> arbitrary() {
    return gen::map(gen::pair(texts(), gen::maybe(gen::arbitrary<std::int64_t>())), [](const auto& of) {
      return customer{of.first, of.second ? std::optional(*of.second) : std::nullopt};
    });
  }
};

TEST_CASE("what a term prints is read back as an equal one, and prints the same again") {
  const node_index home = node_at(0);
  check([home](const term& t) {
    const std::string text = t.to_string();
    const term back = term::parse(text, home);
    RC_ASSERT(back == t);
    RC_ASSERT(back.kind() == t.kind());
    RC_ASSERT(back.to_string() == text);
  });
}

TEST_CASE("text that is nearly a term's is read or refused, and nothing worse") {
  check([](const term& t, std::uint32_t seed) {
    std::mt19937_64 random(seed);
    std::string text = t.to_string();
    for (int i = 0; i < 3; ++i) {
      constexpr std::string_view wild = "{}[]<>#|,.'\"\\$%:/=-+_09aZ \n\xc3\xff";
      const std::size_t at = random() % (text.size() + 1);
      const char c = wild[random() % wild.size()];
      if (random() % 3 == 0 && at < text.size())
        text.erase(at, 1 + random() % 3);
      else if (random() % 2 == 0 && at < text.size())
        text[at] = c;
      else
        text.insert(at, 1, c);
    }
    try {
      const term read = term::parse(text);
      RC_ASSERT(term::parse(read.to_string()) == read);
    } catch (const parse_error& e) {
      RC_ASSERT(e.offset() <= text.size());
      RC_ASSERT(e.line() > 0U);
      RC_ASSERT(e.column() > 0U);
    }
  });
}

TEST_CASE("the order of terms is total, and agrees with == and hash") {
  check([](const relatives& of) {
    const auto& [a, b, c] = of;
    RC_ASSERT(((a <=> a) == 0));
    RC_ASSERT(((a <=> b) == 0 <=> (b <=> a)));
    RC_ASSERT(((a <=> b) == 0) == (a == b));
    RC_ASSERT((a == b) == (b == a));
    if (a == b) RC_ASSERT(a.hash() == b.hash());
    if (a <= b && b <= c) RC_ASSERT(a <= c);
    if (a == b && b == c) RC_ASSERT(a == c);
    if (b <= a && a <= c) RC_ASSERT(b <= c);
  });
}

TEST_CASE("compare is the total order but for ties, transitive too, and agrees with equal") {
  check([](const relatives& of) {
    const auto& [a, b, c] = of;
    RC_ASSERT((compare(a, a) == 0));
    RC_ASSERT((compare(a, b) == 0) == equal(a, b));
    RC_ASSERT((compare(a, b) == 0 <=> compare(b, a)));
    if (a == b) RC_ASSERT(equal(a, b));
    if (compare(a, b) < 0) RC_ASSERT(a < b);
    if (a < b) RC_ASSERT((compare(a, b) <= 0));
    if (compare(a, b) <= 0 && compare(b, c) <= 0) RC_ASSERT((compare(a, c) <= 0));
    if (equal(a, b) && equal(b, c)) RC_ASSERT(equal(a, c));
  });
}

TEST_CASE("a local function prints too little to be read") {
  const std::byte external[] = {std::byte{112}};
  const term f = term::function({atom("m"), 1, 2, external});
  CHECK_THROWS_AS(term::parse(f.to_string()), parse_error);
  CHECK_THROWS_AS(term::parse("{" + f.to_string() + "}"), parse_error);
}

TEST_CASE("structs come back from their terms, and from their terms' text") {
  check([] {
    const account x{
        to_cpp_int(*rc::gen::suchThat(edges(), [](const term& t) { return t.is_integer(); })),
        *rc::gen::arbitrary<std::vector<customer>>(),
        *rc::gen::container<std::map<std::string, double>>(texts(), rc::gen::arbitrary<double>()),
        *rc::gen::arbitrary<bool>() ? std::variant<std::uint64_t, std::string>(*rc::gen::arbitrary<std::uint64_t>())
                                    : std::variant<std::uint64_t, std::string>(*texts()),
        *rc::gen::element(state::open, state::closed),
        *atoms(),
        *rc::gen::arbitrary<std::pair<std::int8_t, std::uint32_t>>(),
    };
    const term t = to_term(x);
    RC_ASSERT(from_term<account>(t) == x);
    RC_ASSERT(from_term<account>(term::parse(t.to_string())) == x);
  });
}

TEST_CASE("a cpp_int is the term that prints the same, and comes back") {
  check([] {
    const term t = *rc::gen::suchThat(numbers(), [](const term& n) { return n.is_integer(); });
    const cpp_int value = to_cpp_int(t);
    RC_ASSERT(value.str() == t.to_string());
    RC_ASSERT(from_cpp_int(value) == t);
  });
}
