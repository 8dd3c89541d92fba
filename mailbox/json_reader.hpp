// SPDX-License-Identifier: BSL-1.0
// The source that reads JSON. Internal: json.hpp is what users see.
#pragma once

#include <troupe/mailbox/term_source.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::detail {

/// Reads `value`, which must live as long as the reader. The paths of its errors are JSON pointers. One thread at a
/// time.
class json_reader final : public term_source {
 public:
  json_reader(const nlohmann::json& value, node_index home) : home_(home) {
    top_.container = &value;
    expect_alternative();
  }

  term_kind peek() const override;
  bool read_integer(std::int64_t& value) override;
  bool read_unsigned(std::uint64_t& value) override;
  bool read_floating(double& value) override;
  bool read_atom(atom& value) override;
  bool read_pid(pid& value) override;
  bool read_reference(reference& value) override;
  bool read_port(port& value) override;
  /// Bytes in base64.
  bool read_binary(std::string_view& bytes) override;
  bool read_text(std::string_view& text) override;
  bool read_bool(bool& value) override;
  bool read_tag(std::string_view name) override;
  bool read_name(std::string_view& name) override;
  bool begin_list(std::size_t& size) override;
  void end_list() override { leave(); }
  bool begin_tuple(std::size_t& size) override { return begin_list(size); }
  void end_tuple() override { leave(); }
  /// An object, or an array of [key, value].
  bool begin_map(std::size_t& size) override;
  void end_map() override { leave(); }
  bool begin_struct(std::string_view name, std::size_t size) override;
  /// Fails at the last member when there are others that nobody asked for.
  bool member(std::string_view name) override;
  bool read_missing() override;
  void end_struct(std::size_t size) override;
  term read_term() override;
  position mark() const override;
  void rewind(const position& place) override;
  std::string describe() override;

 protected:
  void word(failure& what) override;

 private:
  /// A value, or the key of an object, which is read as a string; or neither, for a member that was left out.
  struct node {
    const nlohmann::json* value = nullptr;
    const std::string* key = nullptr;

    bool is_missing() const noexcept { return value == nullptr && key == nullptr; }
    const std::string* text() const noexcept {
      return key != nullptr || value == nullptr ? key : value->get_ptr<const std::string*>();
    }
  };

  enum class layout : std::uint8_t { root, array, object, pairs, structure };

  /// A container that has been entered, and which of its parts is next. The outermost frame's one part is the whole.
  struct frame {
    const nlohmann::json* container = nullptr;
    layout parts = layout::root;
    std::size_t next = 0;      // in a map keys and values take turns; in a structure twice what was asked for, one less
                               // while it has not been taken
    std::vector<node> items;   // of a map
    std::string_view tag;      // of a structure that has one
    std::size_t size = 0;      // of a structure: how many members it has
    std::size_t asked_at = 0;  // where the names of a structure's members begin in asked_
  };

  node current() const;
  const std::string* text() const { return current().text(); }
  void advance() noexcept {
    ++top_.next;
    clear_alternative();
  }
  void enter(frame inner);
  void leave();

  template <class T, class Get>
  bool read_printed(T& value, Get get);

  std::size_t asked_for() const noexcept { return asked_.size() - top_.asked_at; }
  /// Some key of a structure that nobody asked for; null when there is none.
  const std::string* unasked(std::string_view like) const;
  /// What fails next is said in these words.
  bool fail_as(failure what);

  std::string pointer(bool to_next) const;

  node_index home_;
  frame top_;
  std::vector<frame> below_;
  std::vector<std::string_view> asked_;
  std::string buffer_;
  bool wants_bytes_ = false;
  std::optional<failure> worded_;
};

}  // namespace troupe::detail
