// SPDX-License-Identifier: BSL-1.0
// JSON from text: nlohmann's parser, but a key that is there twice, deep nesting and integers beyond 64 bits are seen.
#include <troupe/mailbox/json_text.hpp>

#include <troupe/mailbox/errors.hpp>
#include <troupe/mailbox/json_terms.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace troupe::detail {

using nlohmann::json;

namespace {

/// Takes what the parser finds. Nothing here recurses, and nor does the parser.
class builder final : public nlohmann::json_sax<json> {
 public:
  explicit builder(std::string_view text) : text_(text) {}

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  /// Also called for an integer that 64 bits do not hold.
  bool number_float(number_float_t value, const string_t& digits) override {
    if (digits.find_first_of(".eE") != digits.npos) return add(value);
    json big = json::object();
    big["$term"] = digits;
    return add(std::move(big));
  }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return false; }

  bool start_object(std::size_t) override { return open(json::object()); }
  bool key(string_t& value) override {
    level& top = levels_.back();
    if (top.value.contains(value)) throw decode_error(path(), "each key once", print_json_text(value) + " twice");
    top.key = std::move(value);
    return true;
  }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(json::array()); }
  bool end_array() override { return close(); }

  /// `position` counts the bytes that were read, the wrong one among them.
  bool parse_error(std::size_t position, const std::string& token, const json::exception& error) override {
    const std::string_view before = text_.substr(0, std::min(position == 0 ? 0 : position - 1, text_.size()));
    const std::size_t line = 1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
    const std::size_t start = before.rfind('\n') == before.npos ? 0 : before.rfind('\n') + 1;
    const auto column = 1 + std::count_if(before.begin() + static_cast<std::ptrdiff_t>(start), before.end(),
                                          [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
    const std::string place = "line " + std::to_string(line) + ", column " + std::to_string(column);
    if (error.id == 406) throw decode_error(place, "a number that 64 bits of floating point hold", cut(token));
    // "... syntax error while parsing value - unexpected ']'; expected '[', '{', or a literal"
    std::string_view what = error.what();
    if (const std::size_t dash = what.find(" - "); dash != what.npos) what.remove_prefix(dash + 3);
    constexpr std::string_view unexpected = "unexpected ";
    if (what.starts_with(unexpected)) what.remove_prefix(unexpected.size());
    constexpr std::string_view instead = "; expected ";
    const std::size_t at = what.rfind(instead);
    if (at == what.npos) throw decode_error(place, "JSON", cut(what));
    throw decode_error(place, std::string(what.substr(at + instead.size())), cut(what.substr(0, at)));
  }

  json take() { return std::move(result_); }

 private:
  struct level {
    json value;
    std::string key;
  };

  static std::string cut(std::string_view text) {
    if (text.size() <= 100) return std::string(text);
    std::size_t end = 97;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // not inside a character
    return std::string(text.substr(0, end)) + "...";
  }

  /// The open containers, as a JSON pointer.
  std::string path() const {
    std::string pointer;
    for (std::size_t i = 0; i + 1 < levels_.size(); ++i) {
      const level& l = levels_[i];
      append_step(pointer, l.value.is_array() ? std::to_string(l.value.size()) : l.key);
    }
    return pointer;
  }

  bool open(json value) {
    if (levels_.size() >= max_json_depth)
      throw decode_error(cut(path()), "at most " + std::to_string(max_json_depth) + " levels of nesting", "more");
    levels_.push_back({std::move(value), {}});
    return true;
  }
  bool close() {
    json done = std::move(levels_.back().value);
    levels_.pop_back();
    return add(std::move(done));
  }
  bool add(json value) {
    if (levels_.empty())
      result_ = std::move(value);
    else if (level& top = levels_.back(); top.value.is_array())
      top.value.push_back(std::move(value));
    else
      top.value[top.key] = std::move(value);
    return true;
  }

  std::string_view text_;
  std::vector<level> levels_;
  json result_;
};

}  // namespace

json json_of_json_text(std::string_view text) {
  builder made(text);
  json::sax_parse(text.begin(), text.end(), &made);
  return made.take();
}

}  // namespace troupe::detail
