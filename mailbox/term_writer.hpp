// SPDX-License-Identifier: BSL-1.0
// The sink that makes a term.
#pragma once

#include <troupe/mailbox/term_sink.hpp>

#include <cstddef>
#include <vector>

namespace troupe {

/// Puts together the term whose parts are written to it. One thread at a time.
class term_writer final : public term_sink {
 public:
  void put_integer(std::int64_t value) override { values_.emplace_back(value); }
  void put_floating(double value) override { values_.emplace_back(value); }
  void put_atom(atom value) override { values_.emplace_back(value); }
  void put_pid(const pid& value) override { values_.emplace_back(value); }
  void put_reference(const reference& value) override { values_.emplace_back(value); }
  void put_binary(std::string_view bytes) override { values_.emplace_back(bytes); }
  void put_unsigned(std::uint64_t value) override { values_.emplace_back(value); }
  void put_opaque(const term& value) override { values_.push_back(value); }
  void begin_list(std::size_t size) override { begin(size); }
  void end_list() override;
  void begin_improper_list(std::size_t size) override { begin(size + 1); }
  void end_improper_list() override;
  void begin_tuple(std::size_t size) override { begin(size); }
  void end_tuple() override;
  void begin_map(std::size_t size) override { begin(2 * size); }
  /// Throws std::invalid_argument when a key was there twice.
  void end_map() override;
  /// Shares the term.
  void put_term(const term& value) override { values_.push_back(value); }

  /// What was written; the writer is empty again. Throws std::logic_error unless exactly one whole value was
  /// written.
  term take();

 private:
  void begin(std::size_t size);
  template <class Make>
  void end(Make make);

  std::vector<term> values_;         // finished ones, of all open levels
  std::vector<std::size_t> starts_;  // of each open level in values_
};

}  // namespace troupe
