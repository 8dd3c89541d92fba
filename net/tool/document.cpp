// SPDX-License-Identifier: BSL-1.0
#include <troupe/net/tool/document.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <iterator>
#include <utility>
#include <vector>

namespace troupe::script {

namespace {

/// Where the parser reads: the library's events do not say where they come from, but it has read up to their ends.
struct counting_iterator {
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  const char* place = nullptr;
  const char** furthest = nullptr;

  reference operator*() const { return *place; }
  counting_iterator& operator++() {
    *furthest = ++place;
    return *this;
  }
  counting_iterator operator++(int) {
    counting_iterator old = *this;
    ++*this;
    return old;
  }
  bool operator==(const counting_iterator& other) const { return place == other.place; }
  bool operator!=(const counting_iterator& other) const { return place != other.place; }
};

}  // namespace

/// Takes the events of the parser.
class document_builder {
 public:
  using json = nlohmann::json;

  document_builder(document& out, const std::string& text) : out_(out), text_(text), furthest(text.data()) {
    for (std::size_t i = 0; i < text.size(); ++i)
      if (text[i] == '\n') lines_.push_back(i + 1);
  }

  bool null() { return scalar(nullptr, before_word(4)); }
  bool boolean(bool value) { return scalar(value, before_word(value ? 4 : 5)); }
  bool number_integer(json::number_integer_t value) { return scalar(value, before_number()); }
  bool number_unsigned(json::number_unsigned_t value) { return scalar(value, before_number()); }
  bool number_float(json::number_float_t value, const std::string&) { return scalar(value, before_number()); }
  bool string(std::string& value) { return scalar(value, before_string()); }
  bool binary(json::binary_t&) { return false; }
  bool start_object(std::size_t) { return open(json::object()); }
  bool start_array(std::size_t) { return open(json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(std::string& name) {
    level& l = levels_.back();
    l.key = name;
    l.key_place = at(before_string());
    if (!l.value->contains(name)) return true;
    for (const auto& [key, spot] : out_.spots_[l.spot].parts)
      if (key == name)
        throw script_error(out_.file_, l.key_place,
                           "the key '" + name + "' is here for the second time; the first one stands in line " +
                               std::to_string(out_.spots_[spot].key.line));
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const json::exception& e) {
    // "[json.exception.parse_error.101] parse error at line 3, column 5: syntax error while ..."
    std::string what = e.what();
    const std::size_t begin = what.find("column ");
    const std::size_t colon = begin == std::string::npos ? begin : what.find(": ", begin);
    if (colon != std::string::npos) what = what.substr(colon + 2);
    const std::size_t end = offset();
    throw script_error(out_.file_, at(end == 0 ? 0 : end - 1), "this is no JSON: " + what);
  }

 private:
  struct level {
    json* value;
    std::size_t spot;
    std::string key{};
    position key_place{};
  };

  std::size_t offset() const { return static_cast<std::size_t>(furthest - text_.data()); }
  position at(std::size_t place) const {
    const auto after = std::upper_bound(lines_.begin(), lines_.end(), place);
    const std::size_t start = after == lines_.begin() ? 0 : *std::prev(after);
    return {static_cast<std::size_t>(after - lines_.begin()) + 1, place - start + 1};
  }
  std::size_t before_word(std::size_t length) const { return offset() - std::min(length, offset()); }
  std::size_t before_string() const {
    std::size_t i = offset() < 2 ? 0 : offset() - 2;  // offset() is behind the closing quote
    const auto escaped = [&](std::size_t quote) {
      std::size_t backslashes = 0;
      while (backslashes < quote && text_[quote - 1 - backslashes] == '\\') ++backslashes;
      return backslashes % 2 == 1;
    };
    while (i > 0 && (text_[i] != '"' || escaped(i))) --i;
    return i;
  }
  std::size_t before_number() const {
    // The parser has looked at what follows, unless the text ends there.
    const auto part = [&](std::size_t i) {
      return std::string_view("+-.0123456789eE").find(text_[i]) != std::string::npos;
    };
    std::size_t i = offset();
    while (i > 0 && (i >= text_.size() || !part(i))) --i;
    while (i > 0 && part(i - 1)) --i;
    return i;
  }

  /// Puts the value where it belongs; gives it and its spot.
  std::pair<json*, std::size_t> place(json value, std::size_t begin) {
    const std::size_t made = out_.spots_.size();
    document::spot& spot = out_.spots_.emplace_back();
    spot.value = at(begin);
    spot.is_object = value.is_object();
    if (levels_.empty()) {
      out_.root_ = std::move(value);
      return {&out_.root_, made};
    }
    level& l = levels_.back();
    if (l.value->is_array()) {
      out_.spots_[l.spot].parts.emplace_back(std::string(), made);
      l.value->push_back(std::move(value));
      return {&l.value->back(), made};
    }
    spot.key = l.key_place;
    spot.has_key = true;
    out_.spots_[l.spot].parts.emplace_back(l.key, made);
    json& where = (*l.value)[l.key];
    where = std::move(value);
    return {&where, made};
  }
  bool scalar(json value, std::size_t begin) {
    place(std::move(value), begin);
    return true;
  }
  bool open(json value) {
    if (levels_.size() >= 200) throw script_error(out_.file_, at(offset() - 1), "nested deeper than 200 levels");
    const auto [where, spot] = place(std::move(value), offset() - 1);
    levels_.push_back({where, spot});
    return true;
  }
  bool close() {
    levels_.pop_back();
    return true;
  }

  document& out_;
  const std::string& text_;
  std::vector<std::size_t> lines_;
  std::vector<level> levels_;

 public:
  const char* furthest;
};

document::document(std::string file, const std::string& text) : file_(std::move(file)) {
  document_builder builder(*this, text);
  const counting_iterator begin{text.data(), &builder.furthest};
  const counting_iterator end{text.data() + text.size(), &builder.furthest};
  nlohmann::json::sax_parse(begin, end, &builder);
}

std::pair<const document::spot*, bool> document::find(const std::string& pointer) const {
  const spot* here = &spots_.front();
  for (std::size_t begin = 0; begin < pointer.size();) {
    const std::size_t end = std::min(pointer.find('/', begin + 1), pointer.size());
    std::string key;
    for (std::size_t i = begin + 1; i < end; ++i) {
      const bool escaped = pointer[i] == '~' && i + 1 < end;
      key += escaped ? (pointer[++i] == '0' ? '~' : '/') : pointer[i];
    }
    std::size_t which = here->parts.size();
    if (!here->is_object) {
      std::from_chars(key.data(), key.data() + key.size(), which);
    } else {
      for (which = 0; which < here->parts.size() && here->parts[which].first != key;) ++which;
    }
    if (which >= here->parts.size()) return {here, false};
    here = &spots_[here->parts[which].second];
    begin = end;
  }
  return {here, true};
}

position document::value_at(const std::string& pointer) const {
  return find(pointer).first->value;
}

position document::key_at(const std::string& pointer) const {
  const auto [here, exact] = find(pointer);
  return exact && here->has_key ? here->key : here->value;
}

std::string pointer_to(const std::string& pointer, const std::string& key) {
  std::string step = pointer + "/";
  for (const char c : key) {
    if (c == '~')
      step += "~0";
    else if (c == '/')
      step += "~1";
    else
      step += c;
  }
  return step;
}

std::string pointer_to(const std::string& pointer, std::size_t index) {
  return pointer + "/" + std::to_string(index);
}

}  // namespace troupe::script
