// SPDX-License-Identifier: BSL-1.0
// How bytes from outside are looked through.
#include <troupe/net/etf/skim.hpp>

#include <troupe/mailbox/term.hpp>
#include <troupe/mailbox/utf8.hpp>
#include <troupe/net/etf/cursor.hpp>
#include <troupe/net/etf/map_keys.hpp>

#include <boost/container/small_vector.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace troupe::etf {

namespace tags = troupe::detail::etf_tag;
using troupe::detail::etf_cursor;
using troupe::detail::key_digest;

bool name_budget::charge_atom(std::string_view text) {
  troupe::detail::digester d(100);
  d.add(text);
  const std::uint64_t hash = d.result().a;
  if (known_.contains(hash)) return true;
  if (!atom::find(text)) return charge(hash);
  known_.insert(hash);
  return true;
}

bool name_budget::charge_node(std::string_view name, std::uint32_t creation) {
  troupe::detail::digester d(101);
  d.add(name);
  d.add(creation);
  const std::uint64_t hash = d.result().a;
  return known_.contains(hash) || charge(hash);
}

bool name_budget::charge(std::uint64_t hash) {
  if (left_ == 0) return false;
  known_.insert(hash);
  --left_;
  return true;
}

namespace {

enum class shape : std::uint8_t { tuple, list, map, function };

class skimmer {
 public:
  skimmer(std::span<const std::byte> bytes, skim_limits& limits) noexcept : in_{bytes, 0}, limits_(limits) {}

  skimmed run() {
    for (;;) {
      if (in_.at >= limits_.max_size) too_long();
      bool whole = false;
      if (!stack_.empty() && before_part(stack_.back())) continue;
      whole = head();
      while (whole) {
        if (stack_.empty()) return result();
        frame& top = stack_.back();
        if (top.parts == shape::map && top.left % 2 == 0 && !top.in_key) key_done(top);
        if (--top.left != 0) break;
        close(top);
        stack_.pop_back();
      }
    }
  }

 private:
  struct frame {
    std::uint64_t left;         // parts to come
    std::size_t start;          // of the value
    std::size_t end;            // of a function, as its size says
    std::size_t first_key = 0;  // of a map's in keys_
    std::size_t key_start = 0;  // of a map: its last key
    shape parts;
    bool in_key;        // part of a key of some map: whoever digests that key looks at this one's keys
    bool many = false;  // a map of more than one key
  };
  struct key {
    std::size_t start;
    std::size_t end;
    bool is_digested;
    key_digest digest;
  };

  [[noreturn]] void too_long() const {
    in_.refuse(std::min(in_.at, in_.bytes.size()), "a term of at most " + std::to_string(limits_.max_size) + " bytes");
  }

  /// What the parent has to say of the part that begins here. True: it was no value but the next piece of a list.
  bool before_part(frame& top) {
    switch (top.parts) {
      case shape::tuple: return false;
      case shape::map: top.key_start = in_.at; return false;
      case shape::function: function_part(top); return false;
      case shape::list: break;
    }
    if (top.left != 1) return false;
    const std::uint8_t tag = in_.peek();
    if (tag == tags::list) {  // [a|[b]], as C nodes write lists whose length they do not know: no deeper than [a,b]
      top.left = list_head();
      return true;
    }
    if (stack_.size() == 1 && tag != tags::nil && tag != tags::string) improper_ = true;
    return false;
  }

  /// Takes the head of a list: its elements and its tail.
  std::uint64_t list_head() {
    const std::size_t start = in_.at++;
    const std::size_t count = in_.take<std::uint32_t>();
    if (count == 0) in_.refuse(start, "a list of at least one element (106 is the empty list)");
    if (count >= in_.left()) few_bytes(start, count, "elements of a list");
    return std::uint64_t{count} + 1;
  }

  [[noreturn]] void few_bytes(std::size_t start, std::uint64_t count, const char* of) const {
    in_.refuse(start,
               std::to_string(count) + " " + of + " in the " + std::to_string(in_.left()) + " bytes that follow");
  }

  /// Takes a value's head; true when that was all of it.
  bool head() {
    const std::size_t start = in_.at;
    const std::uint8_t tag = in_.peek();
    switch (tag) {
      case tags::small_integer: in_.take_bytes(2); return true;
      case tags::integer: in_.take_bytes(5); return true;
      case tags::new_float:
      case tags::text_float: troupe::detail::take_float(in_); return true;
      case tags::small_utf8_atom:
      case tags::utf8_atom:
      case tags::atom_cache_ref:
      case tags::small_latin1_atom:
      case tags::latin1_atom: atom_name(); return true;
      case tags::small_tuple: ++in_.at; return open(start, in_.take<std::uint8_t>(), shape::tuple);
      case tags::large_tuple: ++in_.at; return open(start, in_.take<std::uint32_t>(), shape::tuple);
      case tags::nil: ++in_.at; return true;
      case tags::list: return open(start, list_head(), shape::list);
      case tags::string:
        ++in_.at;
        in_.take_bytes(in_.take<std::uint16_t>());
        return true;
      case tags::binary:
        ++in_.at;
        in_.take_bytes(in_.take<std::uint32_t>());
        return true;
      case tags::v4_pid:
      case tags::old_pid: identity(start, troupe::detail::take_pid(in_, limits_.cached_atoms, room_)); return true;
      case tags::newer_reference:
      case tags::new_reference:
      case tags::old_reference:
        identity(start, troupe::detail::take_reference(in_, limits_.cached_atoms, room_));
        return true;
      case tags::v4_port:
      case tags::new_port:
      case tags::old_port: identity(start, troupe::detail::take_port(in_, limits_.cached_atoms, room_)); return true;
      case tags::map: ++in_.at; return open(start, std::uint64_t{in_.take<std::uint32_t>()} * 2, shape::map);
      case tags::small_big:
      case tags::large_big: troupe::detail::take_big(in_); return true;
      case tags::bit_binary: {
        std::size_t bits = 0;
        troupe::detail::take_bits(in_, bits);
        return true;
      }
      case tags::external_function:
        ++in_.at;
        atom_name();
        atom_name();
        arity();
        return true;
      case tags::new_function: return open_function(start);
      case tags::compressed: in_.refuse(start, "a term that is not compressed");
      default: in_.refuse(start, "the tag of a term");
    }
  }

  /// A value of `count` parts that follow.
  bool open(std::size_t start, std::uint64_t count, shape parts) {
    if (count > in_.left()) few_bytes(start, count, parts == shape::map ? "keys and values" : "parts");
    if (count == 0) return true;
    push(start, count, parts);
    return false;
  }

  frame& push(std::size_t start, std::uint64_t count, shape parts) {
    if (stack_.size() >= limits_.max_depth)
      in_.refuse(start, "at most " + std::to_string(limits_.max_depth) + " levels of nesting");
    bool in_key = false;
    if (!stack_.empty()) {
      const frame& above = stack_.back();
      in_key = above.in_key || (above.parts == shape::map && above.left % 2 == 0);
    }
    stack_.push_back({.left = count,
                      .start = start,
                      .end = 0,
                      .first_key = keys_.size(),
                      .parts = parts,
                      .in_key = in_key,
                      .many = count > 2});
    return stack_.back();
  }

  void close(const frame& f) {
    if (f.parts == shape::map && !f.in_key && f.many) check_keys(f);
    if (f.parts == shape::function && in_.at != f.end)
      in_.refuse(f.start, "a fun of the size that it says, not of " + std::to_string(in_.at - f.start - 1) + " bytes");
  }

  bool open_function(std::size_t start) {
    ++in_.at;
    const std::size_t size = in_.take<std::uint32_t>();
    if (size > in_.left() + 4) few_bytes(start, size, "bytes of a fun");
    in_.take_bytes(21);  // arity, uniq, index
    const std::uint64_t variables = in_.take<std::uint32_t>();
    if (variables + 4 > in_.left()) few_bytes(start, variables, "variables of a fun");
    push(start, variables + 4, shape::function).end = start + 1 + size;
    return false;
  }

  /// Before the variables come module, old index, old uniq and the pid of whoever made it.
  void function_part(const frame& f) {
    etf_cursor head{in_.bytes, f.start + 26};
    const std::uint64_t part = std::uint64_t{head.take<std::uint32_t>()} + 4 - f.left;
    if (part > 3) return;
    const std::uint8_t tag = in_.peek();
    const bool good = part == 0   ? troupe::detail::is_etf_atom(tag)
                      : part == 3 ? tag == tags::v4_pid || tag == tags::old_pid
                                  : tag == tags::small_integer || tag == tags::integer;
    if (!good)
      in_.refuse(in_.at, part == 0 ? "the module of a fun" : part == 3 ? "the pid of a fun" : "a number of a fun");
  }

  void arity() {
    const std::size_t start = in_.at;
    const auto tag = in_.take<std::uint8_t>();
    if (tag == tags::small_integer) {
      in_.take<std::uint8_t>();
    } else if (tag != tags::integer || in_.take<std::uint32_t>() > 255) {
      in_.refuse(start, "the arity of a fun, 0 to 255");
    }
  }

  void atom_name() {
    const std::size_t start = in_.at;
    const std::uint8_t tag = in_.peek();
    const std::string_view text = troupe::detail::take_atom_text(in_, limits_.cached_atoms, room_);
    if (tag == tags::atom_cache_ref) return;  // whoever read the cache has made the atom
    check_name(start, text);
    if (!limits_.names.charge_atom(text)) in_.refuse(start, "no more new atoms from this peer");
  }

  void check_name(std::size_t start, std::string_view text) const {
    const std::ptrdiff_t characters = troupe::detail::count_code_points(text);
    if (characters < 0) in_.refuse(start, "an atom in UTF-8");
    if (characters > 255) in_.refuse(start, "an atom of at most 255 characters");
  }

  void identity(std::size_t start, const troupe::detail::etf_identity& id) {
    check_name(start, id.node);
    if (!limits_.names.charge_node(id.node, id.creation)) in_.refuse(start, "no more new node names from this peer");
  }

  // --- keys of maps

  /// Is it written in the only form that it has, so that equal keys have equal bytes?
  bool is_plain(std::size_t start) const {
    const auto* at = in_.bytes.data() + start;
    switch (std::to_integer<std::uint8_t>(at[0])) {
      case tags::small_utf8_atom:
      case tags::small_integer:
      case tags::binary: return true;
      case tags::integer: return troupe::detail::load_big_endian<std::uint32_t>(at + 1) > 255;
      default: return false;
    }
  }

  /// A key that ends here.
  void key_done(const frame& f) {
    const std::uint8_t tag = std::to_integer<std::uint8_t>(in_.bytes[f.key_start]);
    const bool compound = tag == tags::small_tuple || tag == tags::large_tuple || tag == tags::list ||
                          tag == tags::map || tag == tags::new_function;
    if (!f.many && !compound) return;  // one key is there once
    key k{f.key_start, in_.at, compound || !is_plain(f.key_start), {}};
    if (k.is_digested) k.digest = digest(k);  // of what is compound this looks at the maps inside
    if (f.many) keys_.push_back(k);
  }

  key_digest digest(const key& k) {
    etf_cursor from{in_.bytes, k.start};
    return digests_.take(from, limits_.cached_atoms);
  }

  void check_keys(const frame& f) {
    const std::span<key> all = std::span(keys_).subspan(f.first_key);
    constexpr std::size_t few = 8;
    if (all.size() <= few && std::none_of(all.begin(), all.end(), [](const key& k) { return k.is_digested; })) {
      for (std::size_t i = 1; i < all.size(); ++i)
        for (std::size_t j = 0; j < i; ++j) {
          const std::size_t size = all[i].end - all[i].start;
          if (all[j].end - all[j].start == size &&
              std::equal(in_.bytes.begin() + static_cast<std::ptrdiff_t>(all[i].start),
                         in_.bytes.begin() + static_cast<std::ptrdiff_t>(all[i].end),
                         in_.bytes.begin() + static_cast<std::ptrdiff_t>(all[j].start)))
            in_.refuse(f.start, "a map without a key that is there twice");
        }
    } else {
      sorted_.clear();
      for (const key& k : all) sorted_.push_back(k.is_digested ? k.digest : digest(k));
      troupe::detail::map_keys::refuse_twice(in_, f.start, sorted_);
    }
    keys_.resize(f.first_key);
  }

  // --- the result

  skimmed result() {
    if (in_.at > limits_.max_size) too_long();
    return {in_.at, root_key()};
  }

  std::uint64_t root_key() {
    etf_cursor from{in_.bytes, 0};
    const std::uint8_t tag = from.peek();
    if (troupe::detail::is_etf_atom(tag)) return tag_key(from, 0);
    switch (tag) {
      case tags::small_tuple:
      case tags::large_tuple: {
        const std::uint64_t arity = troupe::detail::take_token(from, limits_.cached_atoms);
        if (arity > 0 && troupe::detail::is_etf_atom(from.peek()))
          return tag_key(from, static_cast<std::size_t>(arity));
        return troupe::detail::kind_key(term_kind::tuple);
      }
      case tags::small_integer:
      case tags::integer:
      case tags::small_big:
      case tags::large_big: return troupe::detail::kind_key(term_kind::integer);
      case tags::new_float:
      case tags::text_float: return troupe::detail::kind_key(term_kind::floating);
      case tags::v4_pid:
      case tags::old_pid: return troupe::detail::kind_key(term_kind::pid);
      case tags::newer_reference:
      case tags::new_reference:
      case tags::old_reference: return troupe::detail::kind_key(term_kind::reference);
      case tags::v4_port:
      case tags::new_port:
      case tags::old_port: return troupe::detail::kind_key(term_kind::port);
      case tags::map: return troupe::detail::kind_key(term_kind::map);
      case tags::binary: return troupe::detail::kind_key(term_kind::binary);
      case tags::bit_binary: {
        std::size_t bits = 0;
        troupe::detail::take_bits(from, bits);
        return troupe::detail::kind_key(bits % 8 == 0 ? term_kind::binary : term_kind::bit_string);
      }
      case tags::list: return troupe::detail::kind_key(improper_ ? term_kind::improper_list : term_kind::list);
      case tags::nil:
      case tags::string: return troupe::detail::kind_key(term_kind::list);
      default: return troupe::detail::kind_key(term_kind::function);
    }
  }

  std::uint64_t tag_key(etf_cursor& from, std::size_t arity) {
    const std::string_view text = troupe::detail::take_atom_text(from, limits_.cached_atoms, room_);
    return troupe::detail::tagged_key(troupe::detail::hash_text(text), arity);
  }

  etf_cursor in_;
  skim_limits& limits_;
  troupe::detail::latin1_room room_;
  boost::container::small_vector<frame, 6> stack_;  // without allocation for ordinary messages
  std::vector<key> keys_;
  std::vector<key_digest> sorted_;
  troupe::detail::map_keys digests_;
  bool improper_ = false;  // the outermost list is
};

}  // namespace

skimmed skim(std::span<const std::byte> bytes, skim_limits& limits) {
  return skimmer(bytes, limits).run();
}

}  // namespace troupe::etf
