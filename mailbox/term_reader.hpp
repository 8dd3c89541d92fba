// SPDX-License-Identifier: BSL-1.0
// The source that reads a term.
#pragma once

#include <troupe/mailbox/term_source.hpp>

#include <cstddef>
#include <vector>

namespace troupe {

/// Reads `value`, which must live as long as the reader. One thread at a time. Deeper than max_depth() it
/// throws decode_error.
class term_reader final : public term_source {
 public:
  /// Reads that term, which must live as long as the reader.
  explicit term_reader(const term& value) noexcept : root_(&value) {}

  term_kind peek() const override { return current().kind(); }
  bool read_integer(std::int64_t& value) override;
  bool read_unsigned(std::uint64_t& value) override;
  bool read_floating(double& value) override;
  bool read_atom(atom& value) override;
  bool read_pid(pid& value) override;
  bool read_reference(reference& value) override;
  bool read_binary(std::string_view& bytes) override;
  bool begin_list(std::size_t& size) override;
  void end_list() override { leave(); }
  bool begin_tuple(std::size_t& size) override;
  void end_tuple() override { leave(); }
  bool begin_map(std::size_t& size) override;
  void end_map() override { leave(); }
  bool read_tag(std::string_view name) override;
  bool read_name(std::string_view& name) override;
  bool begin_struct(std::string_view name, std::size_t size) override;
  term read_term() override;
  position mark() const override { return {depth_, top_.index}; }
  void rewind(const position& place) override;

 private:
  /// A term that has been entered, and which of its parts is next; in a map keys and values count
  /// alternately. The outermost frame has no container: its one part is the root.
  struct frame {
    const term* container = nullptr;
    std::size_t index = 0;
  };

  /// The next value. Throws decode_error behind the last one.
  const term& current() const;
  void advance() noexcept { ++top_.index; }
  void enter(const term& container, std::size_t index);
  void leave() noexcept;

  const term* root_;
  frame top_;
  std::size_t depth_ = 0;
  std::vector<frame> below_;  // between the root and top_: nothing for a flat message, which costs no allocation
};

}  // namespace troupe
