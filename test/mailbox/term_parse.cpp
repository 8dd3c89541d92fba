// SPDX-License-Identifier: BSL-1.0
// Terms from text: what is understood, what is refused and how.
#include <troupe/mailbox/term.hpp>

#include <troupe/mailbox/atom_table.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace troupe;

namespace {

/// Reads and prints.
std::string read(std::string_view text) {
  return term::parse(text).to_string();
}

std::string error_of(std::string_view text) {
  try {
    return "no error, but " + term::parse(text).to_string();
  } catch (const parse_error& e) {
    return e.what();
  }
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("integers are read in any base and of any size") {
  CHECK(term::parse("0") == 0);
  CHECK(term::parse("-17") == -17);
  CHECK(term::parse("+5") == 5);
  CHECK(term::parse("- 5") == -5);
  CHECK(term::parse("1_000_000") == 1'000'000);
  CHECK(term::parse("16#ff") == 255);
  CHECK(term::parse("-16#fF_00") == -65280);
  CHECK(term::parse("2#101") == 5);
  CHECK(term::parse("36#zz") == 1295);
  CHECK(term::parse("000000000000000000000000000000012") == 12);
  CHECK(term::parse("9223372036854775807") == INT64_MAX);
  CHECK(term::parse("-9223372036854775808") == INT64_MIN);
  CHECK(term::parse("18446744073709551615") == UINT64_MAX);
  CHECK(read("-1180591620717411303424") == "-1180591620717411303424");
  CHECK(read("16#400000000000000000") == "1180591620717411303424");
  CHECK(read("32#" + std::string(15, 'v')) == "37778931862957161709567");
  CHECK(read("7#1" + std::string(30, '0')) == "22539340290692258087863249");  // 7^30
}

TEST_CASE("$ is the number of a character") {
  CHECK(term::parse("$a") == 97);
  CHECK(term::parse("$ ") == 32);
  CHECK(term::parse("-$a") == -97);
  CHECK(term::parse("$\\n") == 10);
  CHECK(term::parse("$\\s") == 32);
  CHECK(term::parse("$\\\\") == 92);
  CHECK(term::parse("$'") == 39);
  CHECK(term::parse("$\\^A") == 1);
  CHECK(term::parse("$\\101") == 65);
  CHECK(term::parse("$\\x41") == 65);
  CHECK(term::parse("$\\x{20ac}") == 0x20ac);
  CHECK(term::parse("$€") == 0x20ac);
  CHECK(read("[$a,$,,$b]") == "[97,44,98]");
}

TEST_CASE("floats are read to the last bit") {
  CHECK(term::parse("1.0") == 1.0);
  CHECK(term::parse("-0.1") == -0.1);
  CHECK(term::parse("1.0e-5") == 1.0e-5);
  CHECK(term::parse("1.5E+3") == 1500.0);
  CHECK(term::parse("1_0.2_5") == 10.25);
  CHECK(term::parse("1.7976931348623157e308") == 1.7976931348623157e308);
  CHECK(term::parse("5.0e-324") == 5.0e-324);
  CHECK(term::parse("0.1000000000000000055511151231257827021181583404541015625") == 0.1);
  CHECK(term::parse("1.0e-400") == 0.0);  // as in Erlang
  CHECK(term::parse("0." + std::string(500, '0') + "1e-99999999999999999999") == 0.0);
  CHECK(term::parse("0.0e99999999999999999999") == 0.0);
}

TEST_CASE("atoms are read with quotes and without") {
  CHECK(term::parse("ok") == atom("ok"));
  CHECK(term::parse("true") == true);
  CHECK(term::parse("aB_1@x") == atom("aB_1@x"));
  CHECK(term::parse("étage") == atom("étage"));
  CHECK(term::parse("'Hello world'") == atom("Hello world"));
  CHECK(term::parse("''") == atom());
  CHECK(term::parse("'end'") == atom("end"));
  CHECK(term::parse("'it\\'s\\n\\x{20ac}\\101'") == atom("it's\n€A"));
  CHECK(term::parse("'" + repeated("é", 255) + "'") == atom(repeated("é", 255)));
  CHECK(term::parse("funny") == atom("funny"));
}

TEST_CASE("a string is the list of its characters") {
  CHECK(read("\"abc\"") == "[97,98,99]");
  CHECK(read("\"\"") == "[]");
  CHECK(read("\"€\\n\\\"\"") == "[8364,10,34]");
  CHECK(read("\"ab\" \"c\"") == "[97,98,99]");
  CHECK(read("\"a\nb\"") == "[97,10,98]");
  CHECK(read("[x|\"bc\"]") == "[x,98,99]");
}

TEST_CASE("binaries and bit strings are read, with sizes and types") {
  CHECK(term::parse("<<>>") == "");
  CHECK(term::parse("<<\"text\">>") == "text");
  CHECK(term::parse("<<\"é\">>") == "\xe9");
  CHECK(term::parse("<<\"é€\"/utf8>>") == "é€");
  CHECK(term::parse("<< 1, 2 , 3 >>") == "\x01\x02\x03");
  CHECK(term::parse("<<\"a\",$b,99>>") == "abc");
  CHECK(term::parse("<<300>>") == "\x2c");  // as in Erlang
  CHECK(term::parse("<<-1>>") == "\xff");
  CHECK(read("<<5:3>>") == "<<5:3>>");
  CHECK(read("<<1,2,5:3>>") == "<<1,2,5:3>>");
  CHECK(read("<<1:1,1:1,0:7>>") == "<<192,0:1>>");
  CHECK(read("<<258:16>>") == "<<1,2>>");
  CHECK(read("<<258:16/little>>") == "<<2,1>>");
  CHECK(read("<<16#123:12/little>>") == "<<35,1:4>>");
  CHECK(read("<<16#123:12/big-unsigned-integer>>") == "<<18,3:4>>");
  CHECK(term::parse("<<-2:16/signed>>") == "\xff\xfe");
  CHECK(read("<<16#0102030405060708090a:80>>") == "<<1,2,3,4,5,6,7,8,9,10>>");
  CHECK(term::parse("<<-16#0102030405060708090a:80>>") == "\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf7\xf6\xf6");
  CHECK(read("<<\"a\":16,0>>") == "<<0,97,0>>");
  CHECK(read("<<\"a\u20ac\"/utf16>>") == "<<0,97,32,172>>");
  CHECK(read("<<\"\U0001f600\"/utf16-little>>") == "<<61,216,0,222>>");
  CHECK(read("<<\"a\"/utf32>>") == "<<0,0,0,97>>");
  CHECK(term::parse("<<8364/utf8>>") == "€");
  CHECK(read("<<1:0>>") == "<<>>");
}

TEST_CASE("lists, tuples and maps are read, and nest") {
  CHECK(term::parse("[]") == term::list({}));
  CHECK(term::parse("{}") == term::tuple({}));
  CHECK(term::parse("#{}") == term::map({}));
  CHECK(term::parse("[ 1 , 2 ]") == term::list({1, 2}));
  CHECK(read("{ok,[1,2.5,<<\"x\">>,#{a => 1}]}") == "{ok,[1,2.5,<<\"x\">>,#{a => 1}]}");
  CHECK(read("#{b=>2,a=>#{{}=>[]}}") == "#{a => #{{} => []},b => 2}");
  CHECK(read("#{1 => a,1.0 => b}") == "#{1 => a,1.0 => b}");
  CHECK(read("[a|b]") == "[a|b]");
  CHECK(read("[a,b|{c}]") == "[a,b|{c}]");
  CHECK(read("[a|[b]]") == "[a,b]");
  CHECK(read("[a|[]]") == "[a]");
  CHECK(read("[a|[b|[c|d]]]") == "[a,b,c|d]");
  CHECK(read("[a|[b|[c,d|[ ]]]]") == "[a,b,c,d]");
  CHECK(read("[[a|[b]],[c|[d|e]]|[f]]") == "[[a,b],[c,d|e],f]");
  CHECK(read("[a|\"\"]") == "[a]");
}

TEST_CASE("blanks, comments and a full stop may stand where they may in Erlang") {
  CHECK(read(" \t\r\n{ % a comment ] }\n  ok , % another\n1}. % the end") == "{ok,1}");
  CHECK(read("1.") == "1");
  CHECK(read("1 .\n") == "1");
  CHECK(read("1.0.") == "1.0");
  CHECK(read("\u00a0ok\u0085") == "ok");
}

TEST_CASE("pids, references, ports and funs are read as they are printed") {
  const node_index other = add_node("other@parse_test", 9);
  const node_index mine = add_own_node("mine@parse_test", 8);
  const std::string number = std::to_string(other);
  const std::vector<std::pair<term, std::string>> all = {
      {pid(5, 2, 8, mine), "<0.5.2>"},
      {pid(5, 2, 9, other), "<" + number + ".5.2>"},
      {pid(0, 0, 9, other), "<" + number + ".0.0>"},
      {pid(), "<0.0.0>"},
      {reference({1, 2, 3}, 8, mine), "#Ref<0.3.2.1>"},
      {reference({1, 2, 3, 4, 5}, 9, other), "#Ref<" + number + ".5.4.3.2.1>"},
      {reference({0}, 8, mine), "#Ref<0.0>"},
      {reference(), "#Ref<0>"},
      {port(7, 8, mine), "#Port<0.7>"},
      {port(UINT64_MAX, 9, other), "#Port<" + number + ".18446744073709551615>"},
      {port(), "#Port<0.0>"},
      {external_function{atom("lists"), atom("map"), 2}, "fun lists:map/2"},
      {external_function{atom("Elixir.Enum"), atom("any?"), 255}, "fun 'Elixir.Enum':'any?'/255"},
  };
  for (const auto& [value, text] : all) {
    CHECK(value.to_string() == text);
    CHECK(term::parse(text, mine) == value);
  }
  CHECK(term::parse("fun lists : map / 2") == external_function{atom("lists"), atom("map"), 2});
}

TEST_CASE("a 0 is read as the first own node unless another is named") {
  const node_index first = add_own_node("mine@parse_test", 8);  // unless another suite was quicker
  const node_index second = add_own_node("second@parse_test", 10);
  static_cast<void>(first);
  CHECK(pid(5, 2, 10, second).to_string() == "<0.5.2>");
  CHECK(term::parse("<0.5.2>", second) == pid(5, 2, 10, second));
  CHECK(term::parse("<0.5.2>") == pid(5, 2, node_creation(own_node()), own_node()));
}

TEST_CASE("what is no term is refused, with the place and with what was expected and found") {
  CHECK(error_of("") == "troupe: 1:1: expected a term, found the end of the text");
  CHECK(error_of("{ok, [1]") ==
        "troupe: 1:9: expected ',' or '}' after an element of a tuple, found the end of the text");
  CHECK(error_of("{ok, 12]") == "troupe: 1:8: expected ',' or '}' after an element of a tuple, found ']'");
  CHECK(error_of("[1,\n 2}") == "troupe: 2:3: expected ',', '|' or ']' after an element of a list, found '}'");
  CHECK(error_of("[é€,1}") == "troupe: 1:3: expected ',', '|' or ']' after an element of a list, found '€'");
  CHECK(error_of("['é€',1}") == "troupe: 1:8: expected ',', '|' or ']' after an element of a list, found '}'");
  CHECK(error_of("[1|2,3]") == "troupe: 1:5: expected ']' after the tail of a list, found ','");
  CHECK(error_of("[1|[],3]") == "troupe: 1:6: expected ']' after the tail of a list, found ','");
  CHECK(error_of("[1,]") == "troupe: 1:4: expected a term, found ']'");
  CHECK(error_of("#{a,1}") == "troupe: 1:4: expected '=>' after a key of a map, found ','");
  CHECK(error_of("#{a => 1 b}") == "troupe: 1:10: expected ',' or '}' after a value of a map, found b");
  CHECK(error_of("{Name}") == "troupe: 1:2: expected a term, found Name");
  CHECK(error_of("1 2") == "troupe: 1:3: expected the end of the text after a term, found 2");
  CHECK(error_of("ok..") == "troupe: 1:3: expected the end of the text after a term, found '.'");
  CHECK(error_of("end") == "troupe: 1:1: expected a term (as an atom, a reserved word stands in quotes), found end");
  CHECK(error_of("fun(X) -> X end") == "troupe: 1:4: expected the module of fun Module:Name/Arity, found '('");
  CHECK(error_of("fun a:b/256") == "troupe: 1:9: expected an arity of at most 255, found 256");
  CHECK(error_of("#rec{}") == "troupe: 1:1: expected a term, found '#'");
  CHECK(error_of("-a") == "troupe: 1:2: expected a number after '-', found a");
  CHECK(error_of("~") == "troupe: 1:1: expected a term, found '~'");
}

TEST_CASE("what only looks like a number is refused") {
  CHECK(error_of("1#0") == "troupe: 1:1: expected a base of 2 to 36 before '#', found 1");
  CHECK(error_of("999999999999#0") == "troupe: 1:1: expected a base of 2 to 36 before '#', found 999999999999");
  CHECK(error_of("16#") == "troupe: 1:4: expected a digit in base 16, found the end of the text");
  CHECK(error_of("2#12") == "troupe: 1:4: expected a digit in base 2, found 2");
  CHECK(error_of("1.0e") == "troupe: 1:5: expected the digits of an exponent, found the end of the text");
  CHECK(error_of("1.0e400") == "troupe: 1:1: expected a float of 64 bits (below 1.8e308), found 1.0e400");
  CHECK(error_of("-1.0e99999999999999999999") ==
        "troupe: 1:1: expected a float of 64 bits (below 1.8e308), found -1.0e99999999999999999999");
  CHECK(error_of("1__0") == "troupe: 1:2: expected the end of the text after a term, found __0");
  CHECK(error_of(std::string(70'000, '7')) ==
        "troupe: 1:1: expected at most 65,536 digits (more in base 2, 4, 8, 16 or 32 only), found 70000");
  CHECK(term::parse("16#" + std::string(200'000, 'f')).as_big().magnitude.size() == 100'000);
  CHECK(term::parse(std::string(65'536, '9')).is_big());
}

TEST_CASE("bad text, escapes and atoms are refused") {
  CHECK(error_of("'ab\xff'") == "troupe: 1:4: expected UTF-8, found the byte 0xff");
  CHECK(error_of("\xc3") == "troupe: 1:1: expected a term, found the byte 0xc3");
  CHECK(error_of("ok % \xe2\x82") == "troupe: 1:6: expected UTF-8, found the byte 0xe2");
  CHECK(error_of("\"abc") == "troupe: 1:5: expected the '\"' that ends what begins at 1:1, found the end of the text");
  CHECK(error_of("\"a\\") == "troupe: 1:4: expected a character after '\\', found the end of the text");
  CHECK(error_of("\"\\x{110000}\"") == "troupe: 1:2: expected an escape for a character of Unicode, found \\x{110000}");
  CHECK(error_of("$\\x{d800}") == "troupe: 1:2: expected an escape for a character of Unicode, found \\x{d800}");
  CHECK(error_of("\"\\x4\"") == "troupe: 1:5: expected two digits in base 16, or '{', after \\x, found '\"'");
  CHECK(error_of("{" + std::string(256, 'a') + "}") ==
        "troupe: 1:2: expected an atom of at most 255 characters, found one of 256");
  CHECK(error_of("'" + repeated("é", 300) + "'") ==
        "troupe: 1:1: expected an atom of at most 255 characters, found one of 300");
}

TEST_CASE("what does not make a value is refused") {
  CHECK(error_of("{1,#{a => 1,b => 2,a => 3}}") ==
        "troupe: 1:4: expected a map of keys that differ, found the key a twice");
  CHECK(error_of("<999999999.1.0>") == "troupe: 1:2: expected a node that this program knows, found number 999999999");
  CHECK(error_of("<0.4294967296.0>") == "troupe: 1:4: expected a pid's number of at most 4294967295, found 4294967296");
  CHECK(error_of("<0.1>") == "troupe: 1:5: expected '.' after a pid's number, found '>'");
  CHECK(error_of("#Ref<0.1.2.3.4.5.6>") ==
        "troupe: 1:17: expected '>' after the words of a reference, of which there are five at most, found '.'");
  CHECK(error_of("#Port<0.18446744073709551616>") ==
        "troupe: 1:9: expected a port's number of at most 18446744073709551615, found 18446744073709551616");
  CHECK(error_of("#Fun<m.1.2>") == "troupe: 1:1: expected a term that is printed whole, found #Fun<...>");
  CHECK(error_of("<<\"€\">>") ==
        "troupe: 1:3: expected characters of 8 bits, or /utf8 behind the string, found the "
        "character 8364");
  CHECK(error_of("<<1.5>>") == "troupe: 1:3: expected an integer as a segment of a binary, found 1.5");
  CHECK(error_of("<<1:5000>>") == "troupe: 1:5: expected a size in bits of at most 4096, found 5000");
  CHECK(error_of("<<1/float>>") ==
        "troupe: 1:5: expected integer, utf8, utf16, utf32, big, little, signed or unsigned "
        "after '/', found float");
  CHECK(error_of("<<1:8/utf8>>") == "troupe: 1:4: expected no size before /utf8, /utf16 and /utf32, found ':'");
  CHECK(error_of("<<55296/utf8>>") == "troupe: 1:3: expected a character of Unicode, found 55296");
  CHECK(error_of("<<a>>") == "troupe: 1:3: expected a number or a string as a segment of a binary, found a");
  CHECK(error_of("<<1") == "troupe: 1:4: expected ',' or '>>' after a segment of a binary, found the end of the text");
}

TEST_CASE("a parse_error says where in bytes, too, and whether more text might help") {
  try {
    term::parse("{'é',");
    FAIL("no error");
  } catch (const parse_error& e) {
    CHECK(e.line() == 1);
    CHECK(e.column() == 6);
    CHECK(e.offset() == 6);
    CHECK(e.expected() == "a term");
    CHECK(e.found() == "the end of the text");
    CHECK(e.at_end());
  }
  try {
    term::parse("{a,]");
    FAIL("no error");
  } catch (const parse_error& e) {
    CHECK(!e.at_end());
  }
}

TEST_CASE("text with one atom more than there may be says so, and atoms that are there are read") {
  detail::atom_table& table = detail::atom_table::instance();
  const std::size_t before = table.limit();
  term::parse("there_before_the_limit");
  table.set_limit(table.size());
  CHECK_THROWS_WITH_AS(term::parse("{there_before_the_limit,one_atom_too_many}"),
                       doctest::Contains("one_atom_too_many"), system_limit);
  CHECK(term::parse("{there_before_the_limit}").is_tuple());
  table.set_limit(before);
  CHECK(term::parse("{there_before_the_limit,one_atom_too_many}").is_tuple());
}

TEST_CASE("parse_prefix takes one term after the other") {
  std::string_view rest = " {a,1}.  % one\n b. [c] 1.5.2";
  CHECK(term::parse_prefix(rest).to_string() == "{a,1}");
  CHECK(rest == "b. [c] 1.5.2");
  CHECK(term::parse_prefix(rest).to_string() == "b");
  CHECK(term::parse_prefix(rest).to_string() == "[c]");
  CHECK(term::parse_prefix(rest).to_string() == "1.5");
  CHECK(rest == ".2");
  CHECK_THROWS_WITH_AS(term::parse_prefix(rest), "troupe: 1:1: expected a term, found '.'", parse_error);
  CHECK(rest == ".2");
  std::string_view last = "ok. \n";
  term::parse_prefix(last);
  CHECK(last.empty());
}

TEST_CASE("text nested a million levels deep is read without recursion, and refused as fast") {
  constexpr std::size_t depth = 1'000'000;
  CHECK(term::parse(repeated("[", depth) + repeated("]", depth)).is_list());
  CHECK(term::parse(repeated("{", depth) + repeated("}", depth)).is_tuple());
  CHECK(term::parse(repeated("#{1=>", depth) + "1" + repeated("}", depth)).is_map());
  CHECK(term::parse(repeated("[1|", depth) + "[]" + repeated("]", depth)).size() == depth);
  CHECK(term::parse(repeated("[1|", depth) + "2" + repeated("]", depth)).is_improper_list());
  CHECK(error_of(repeated("[", depth)).ends_with("found the end of the text"));
  CHECK(error_of(repeated("[1|", depth)).ends_with("found the end of the text"));
  CHECK(error_of(repeated("{[", depth) + ")").ends_with("expected a term, found ')'"));
}
