// SPDX-License-Identifier: BSL-1.0
// Atoms: made, compared, printed, refused.
#include <troupe/mailbox/atom.hpp>

#include <troupe/mailbox/atom_table.hpp>
#include <troupe/mailbox/errors.hpp>

#include <doctest/doctest.h>

#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <unordered_set>
#include <vector>

using namespace troupe;

static_assert(std::is_trivially_copyable_v<atom> && sizeof(atom) == sizeof(void*));
static_assert("ok"_atom == "ok"_atom && "ok"_atom != "error"_atom);
static_assert(atom() == ""_atom && atom().empty());
static_assert("a"_atom < "b"_atom && "ok"_atom.hash() == detail::hash_text("ok"));

TEST_CASE("an atom made from text equals the literal of that text") {
  const atom made(std::string("o") + "k");
  CHECK(made == "ok"_atom);
  CHECK(made.hash() == "ok"_atom.hash());
  CHECK(made != "error"_atom);
  CHECK(made.name() == "ok");
  CHECK(atom("") == atom());
}

TEST_CASE("a literal takes no room in the atom table") {
  const auto before = detail::atom_table::instance().size();
  const atom a = "a_literal_that_nobody_else_uses"_atom;
  CHECK(a.name() == "a_literal_that_nobody_else_uses");
  CHECK(detail::atom_table::instance().size() == before);
}

TEST_CASE("atoms are ordered by their text") {
  CHECK(atom("abc") < atom("abd"));
  CHECK(atom("ab") < atom("abc"));
  CHECK((atom("x") <=> "x"_atom) == 0);
}

TEST_CASE("atoms are printed as Erlang quotes them") {
  const auto printed = [](std::string_view text) {
    std::ostringstream out;
    out << atom(text);
    return out.str();
  };
  CHECK(printed("ok") == "ok");
  CHECK(printed("a_b@c1") == "a_b@c1");
  CHECK(printed("") == "''");
  CHECK(printed("Hello world") == "'Hello world'");
  CHECK(printed("1st") == "'1st'");
  CHECK(printed("_x") == "'_x'");
  CHECK(printed("nonode@nohost") == "nonode@nohost");
  CHECK(printed("Elixir.Counter") == "'Elixir.Counter'");
  CHECK(printed("receive") == "'receive'");
  CHECK(printed("it's") == "'it\\'s'");
  CHECK(printed("a\nb\\") == "'a\\nb\\\\'");
  CHECK(printed("\x01") == "'\\001'");
  CHECK(printed("\xc3\xa9t\xc3\xa9") == "\xc3\xa9t\xc3\xa9");  // Latin-1 letters are letters
  CHECK(printed("\xd0\xb4\xd0\xb0") == "'\xd0\xb4\xd0\xb0'");  // others are quoted
}

TEST_CASE("an atom that is not UTF-8 is refused") {
  CHECK_THROWS_AS(atom("\xff"), std::invalid_argument);
  CHECK_THROWS_AS(atom("\xc0\x80"), std::invalid_argument);      // overlong
  CHECK_THROWS_AS(atom("\xed\xa0\x80"), std::invalid_argument);  // surrogate
  CHECK_THROWS_AS(atom("\xf4\x90\x80\x80"), std::invalid_argument);
  CHECK_THROWS_AS(atom("ab\xe2\x82"), std::invalid_argument);  // cut off
}

TEST_CASE("an atom has at most 255 characters, not bytes") {
  std::string text;
  for (int i = 0; i < 255; ++i) text += "\xc3\xa9";
  CHECK(atom(text).name().size() == 510);
  CHECK_THROWS_AS(atom(text + "x"), std::length_error);
}

TEST_CASE("a full atom table says which limit was reached and by which atom") {
  detail::atom_table table(2);
  const auto* first = &table.intern("first");
  table.intern("second");
  CHECK(&table.intern("first") == first);
  CHECK(table.size() == 2);
  try {
    table.intern("third");
    FAIL("no exception");
  } catch (const system_limit& e) {
    CHECK(std::string(e.what()).find("limit 2 atoms") != std::string::npos);
    CHECK(std::string(e.what()).find("'third'") != std::string::npos);
  }
  CHECK(&table.intern("second") != nullptr);  // what is there stays usable
}

TEST_CASE("the limit of the atom table is Erlang's") {
  CHECK(detail::atom_table::default_limit == 1'048'576);
}

TEST_CASE("atoms can be keys of hash tables") {
  const std::unordered_set<atom> set{"a"_atom, "b"_atom, atom("a")};
  CHECK(set.size() == 2);
}

TEST_CASE("threads that make the same atoms at once get the same ones") {
  detail::atom_table table(100);
  constexpr int threads = 4;
  std::vector<std::vector<const detail::atom_entry*>> seen(threads);
  {
    std::vector<std::jthread> workers;
    for (int t = 0; t < threads; ++t)
      workers.emplace_back([&table, &mine = seen[static_cast<std::size_t>(t)]] {
        for (int i = 0; i < 1000; ++i) mine.push_back(&table.intern("atom" + std::to_string(i % 100)));
      });
  }
  for (const auto& mine : seen) CHECK(mine == seen[0]);
  CHECK(table.size() == 100);
}

TEST_CASE("an atom is found only when it was made from text before, and finding makes none") {
  CHECK(!atom::find("nobody made this atom"));
  CHECK(!atom::find("nobody made this atom"));
  const atom made("somebody made this atom");
  REQUIRE(atom::find("somebody made this atom"));
  CHECK(*atom::find("somebody made this atom") == made);
  CHECK(*atom::find("") == atom());
  CHECK(!atom::find("\xff"));
}
