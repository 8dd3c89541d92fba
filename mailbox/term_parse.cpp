// SPDX-License-Identifier: BSL-1.0
// How a term is read from text: what is nested waits on a stack of the parser's own.
#include <troupe/mailbox/bit_writer.hpp>
#include <troupe/mailbox/term_scanner.hpp>
#include <troupe/mailbox/utf8.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

namespace {

using detail::bit_writer;
using detail::segment_form;
using detail::term_parts;
using detail::term_scanner;

/// Why a bound: <<0:8000000000>> would be a gigabyte from fifteen characters.
constexpr std::size_t max_segment_bits = 4096;

class parser {
 public:
  parser(std::string_view text, node_index home) noexcept : scan_(text), home_(home) {}

  /// The first term, and what may stand behind it up to the next one. Gives where that is.
  term first(std::size_t& end) {
    term t = run();
    scan_.skip_blanks();
    if (scan_.take_full_stop()) scan_.skip_blanks();
    end = scan_.at();
    return t;
  }

  /// The only term.
  term only() {
    std::size_t end = 0;
    term t = first(end);
    if (!scan_.at_end()) scan_.fail("the end of the text after a term");
    return t;
  }

 private:
  enum class place { list, tail, ended, tuple, map };

  /// A list, tuple or map that has begun.
  struct level {
    place now;
    bool improper;       // its tail has been read
    std::size_t parts;   // where its own begin in values_
    std::size_t offset;  // where it began
    std::size_t inner;   // how many lists that are tails go on in this one
  };

  term run() {
    for (bool complete = false;; scan_.skip_blanks()) {
      if (!complete)
        complete = begin();
      else if (!open_.empty())
        complete = !go_on();
      else
        return std::move(values_.back());
    }
  }

  /// Reads a value, or its beginning when it has parts. Is it complete?
  bool begin() {
    scan_.skip_blanks();
    const std::size_t offset = scan_.at();
    if (scan_.take("[")) {
      scan_.skip_blanks();
      const bool empty = scan_.take("]");
      if (!open_.empty() && open_.back().now == place::tail) {
        // [A|[B|[C ... is read as one list that ends with as many brackets: as lists that are put together, the
        // innermost first, they would take time that grows with the square of their number.
        level& top = open_.back();
        top.now = empty ? place::ended : place::list;
        if (!empty) ++top.inner;
        return empty;
      }
      if (empty) return put(term::list({}));
      return open(place::list, offset);
    }
    const bool is_map = scan_.take("#{");
    if (!is_map && !scan_.take("{")) return put(leaf());
    scan_.skip_blanks();
    if (scan_.take("}")) return put(is_map ? term::map({}) : term::tuple({}));
    return open(is_map ? place::map : place::tuple, offset);
  }

  bool put(term value) {
    values_.push_back(std::move(value));
    return true;
  }

  bool open(place now, std::size_t offset) {
    open_.push_back({now, false, values_.size(), offset, 0});
    return false;
  }

  /// A value in the innermost level is complete: does another follow? If not, the level is complete.
  bool go_on() {
    level& top = open_.back();
    switch (top.now) {
      case place::list:
        if (scan_.take(",")) return true;
        if (scan_.take("|")) {
          top.now = place::tail;
          return true;
        }
        if (!scan_.take("]")) scan_.fail("',', '|' or ']' after an element of a list");
        break;
      case place::tail:
        top.improper = true;
        scan_.expect("]", "after the tail of a list");
        break;
      case place::ended: scan_.expect("]", "after the tail of a list"); break;
      case place::tuple:
        if (scan_.take(",")) return true;
        if (!scan_.take("}")) scan_.fail("',' or '}' after an element of a tuple");
        break;
      case place::map:
        if ((values_.size() - top.parts) % 2 == 1) {
          scan_.expect("=>", "after a key of a map");
          return true;
        }
        if (scan_.take(",")) return true;
        if (!scan_.take("}")) scan_.fail("',' or '}' after a value of a map");
        break;
    }
    if (top.inner > 0) {
      --top.inner;
      top.now = place::ended;
    } else {
      close();
    }
    return false;
  }

  /// The innermost level becomes a value of the one around it.
  void close() {
    const level top = open_.back();
    const auto parts = std::span(values_).subspan(top.parts);
    term made;
    if (top.now == place::tuple)
      made = term_parts::tuple(parts);
    else if (top.now == place::map)
      made = map(parts, top.offset);
    else
      made = top.improper ? term_parts::improper_list(parts) : term_parts::list(parts);
    values_.erase(values_.begin() + static_cast<std::ptrdiff_t>(top.parts), values_.end());
    values_.push_back(std::move(made));
    open_.pop_back();
  }

  term map(std::span<term> parts, std::size_t offset) {
    try {
      return term_parts::map(parts);
    } catch (const std::invalid_argument& twice) {
      constexpr std::string_view before = "troupe: a map with ";
      scan_.fail_at(offset, "a map of keys that differ", std::string_view(twice.what()).substr(before.size()));
    }
  }

  term leaf() {
    if (scan_.sees_number()) return scan_.number();
    if (scan_.sees("\"")) return characters();
    if (scan_.take("<<")) return binary();
    if (scan_.take("<")) return process();
    if (scan_.take("#Ref<")) return reference_of();
    if (scan_.take("#Port<")) return port_of();
    if (scan_.sees("#Fun<")) scan_.fail_at(scan_.at(), "a term that is printed whole", "#Fun<...>");
    if (scan_.sees_word("fun")) return function();
    if (scan_.sees_atom()) return scan_.name();
    scan_.fail("a term");
  }

  /// "abc", which is the list of its characters; strings that stand side by side are one.
  term characters() {
    std::vector<term> list;
    for (; scan_.sees("\""); scan_.skip_blanks()) {
      const std::string text = scan_.quoted('"');
      for (std::size_t at = 0; at < text.size();) list.push_back(detail::next_code_point(text, at));
    }
    return term::list(std::move(list));
  }

  /// Behind <<.
  term binary() {
    bit_writer out;
    scan_.skip_blanks();
    if (scan_.take(">>")) return out.take();
    while (true) {
      write_segment(out);
      scan_.skip_blanks();
      if (scan_.take(">>")) return out.take();
      if (!scan_.take(",")) scan_.fail("',' or '>>' after a segment of a binary");
      scan_.skip_blanks();
    }
  }

  void write_segment(bit_writer& out) {
    const std::size_t offset = scan_.at();
    if (scan_.sees("\"")) {
      const std::string text = scan_.quoted('"');
      const segment_form how = form();
      for (std::size_t at = 0; at < text.size();) write_character(out, detail::next_code_point(text, at), how, offset);
      return;
    }
    if (!scan_.sees_number()) scan_.fail("a number or a string as a segment of a binary");
    const term value = scan_.number();
    if (!value.is_integer()) scan_.fail_at(offset, "an integer as a segment of a binary", value.to_string());
    const segment_form how = form();
    if (how.of == segment_form::type::integer) return out.integer(value, how);
    if (value.is_big() || value.as_integer() < 0 || value.as_integer() > 0x10ffff ||
        (value.as_integer() >= 0xd800 && value.as_integer() <= 0xdfff))
      scan_.fail_at(offset, "a character of Unicode", value.to_string());
    write_character(out, static_cast<char32_t>(value.as_integer()), how, offset);
  }

  void write_character(bit_writer& out, char32_t c, const segment_form& how, std::size_t offset) const {
    segment_form unit = how;
    switch (how.of) {
      case segment_form::type::integer:
        // Erlang takes the lowest bits; whoever writes a text does not mean that.
        if (how.bits < 32 && c >> how.bits != 0)
          scan_.fail_at(offset, "characters of " + std::to_string(how.bits) + " bits, or /utf8 behind the string",
                        "the character " + std::to_string(static_cast<std::uint32_t>(c)));
        return out.integer(c, how);
      case segment_form::type::utf8: {
        std::string bytes;
        detail::append_utf8(bytes, c);
        for (const char byte : bytes) out.bits(static_cast<unsigned char>(byte), 8);
        return;
      }
      case segment_form::type::utf16:
        unit.bits = 16;
        if (c < 0x10000) return out.integer(c, unit);
        out.integer(0xd800 + ((c - 0x10000) >> 10), unit);
        return out.integer(0xdc00 + ((c - 0x10000) & 0x3ff), unit);
      case segment_form::type::utf32: unit.bits = 32; return out.integer(c, unit);
    }
  }

  /// What stands behind the value: nothing, :Size, /Type, or both.
  segment_form form() {
    segment_form how;
    scan_.skip_blanks();
    const std::size_t size_at = scan_.at();
    if (scan_.take(":")) {
      scan_.skip_blanks();
      how.bits = static_cast<std::size_t>(scan_.plain_number(max_segment_bits, "a size in bits"));
      scan_.skip_blanks();
    }
    const bool sized = scan_.at() != size_at;
    if (!scan_.take("/")) return how;
    do {
      scan_.skip_blanks();
      const auto is = [&](std::string_view word) { return scan_.take_word(word); };
      if (is("utf8")) {
        how.of = segment_form::type::utf8;
      } else if (is("utf16")) {
        how.of = segment_form::type::utf16;
      } else if (is("utf32")) {
        how.of = segment_form::type::utf32;
      } else if (is("little")) {
        how.little = true;
      } else if (!is("integer") && !is("big") && !is("signed") && !is("unsigned")) {
        scan_.fail("integer, utf8, utf16, utf32, big, little, signed or unsigned after '/'");
      }
      scan_.skip_blanks();
    } while (scan_.take("-"));
    if (sized && how.of != segment_form::type::integer)
      scan_.fail_at(size_at, "no size before /utf8, /utf16 and /utf32");
    return how;
  }

  /// A node as it is printed: 0 is home.
  node_index node() {
    const std::size_t offset = scan_.at();
    const auto number = static_cast<node_index>(scan_.plain_number(UINT32_MAX, "the number of a node"));
    if (number >= node_count())
      scan_.fail_at(offset, "a node that this program knows", "number " + std::to_string(number));
    return number == 0 ? home_ : number;
  }

  /// Behind <.
  term process() {
    const bool perhaps_null = scan_.sees("0.0.0>");
    const node_index at = node();
    scan_.expect(".", "after a pid's node");
    const auto id = static_cast<std::uint32_t>(scan_.plain_number(UINT32_MAX, "a pid's number"));
    scan_.expect(".", "after a pid's number");
    const auto serial = static_cast<std::uint32_t>(scan_.plain_number(UINT32_MAX, "a pid's serial"));
    scan_.expect(">", "at a pid's end");
    return perhaps_null ? pid() : pid(id, serial, node_creation(at), at);
  }

  /// Behind #Ref<.
  term reference_of() {
    if (scan_.take("0>")) return reference();
    const node_index at = node();
    std::array<std::uint32_t, reference::max_words> words{};
    std::size_t first = words.size();  // the last word is printed first
    do {
      scan_.expect(".", "after a reference's node");
      words[--first] = static_cast<std::uint32_t>(scan_.plain_number(UINT32_MAX, "a word of a reference"));
    } while (first > 0 && scan_.sees("."));
    scan_.expect(">", "after the words of a reference, of which there are five at most");
    return reference(std::span(words).subspan(first), node_creation(at), at);
  }

  /// Behind #Port<.
  term port_of() {
    const bool is_null = scan_.sees("0.0>");
    const node_index at = node();
    scan_.expect(".", "after a port's node");
    const std::uint64_t id = scan_.plain_number(UINT64_MAX, "a port's number");
    scan_.expect(">", "at a port's end");
    return is_null ? port() : port(id, node_creation(at), at);
  }

  /// fun Module:Name/Arity.
  term function() {
    scan_.take("fun");
    const auto part = [&](const char* what) {
      scan_.skip_blanks();
      if (!scan_.sees_atom()) scan_.fail(what);
      const atom name = scan_.name();
      scan_.skip_blanks();
      return name;
    };
    const atom module = part("the module of fun Module:Name/Arity");
    scan_.expect(":", "after the module of fun Module:Name/Arity");
    const atom name = part("the name of fun Module:Name/Arity");
    scan_.expect("/", "after the name of fun Module:Name/Arity");
    scan_.skip_blanks();
    return external_function{module, name, static_cast<std::uint8_t>(scan_.plain_number(255, "an arity"))};
  }

  term_scanner scan_;
  node_index home_;
  std::vector<term> values_;
  std::vector<level> open_;
};

}  // namespace

term term::parse(std::string_view text, node_index home) {
  return parser(text, home).only();
}

term term::parse_prefix(std::string_view& text, node_index home) {
  std::size_t end = 0;
  term t = parser(text, home).first(end);
  text.remove_prefix(end);
  return t;
}

}  // namespace troupe
