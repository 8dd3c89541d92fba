// SPDX-License-Identifier: BSL-1.0
// The sink that makes JSON. Internal: json.hpp is what users see.
#pragma once

#include <troupe/mailbox/term_sink.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::detail {

/// Puts together the JSON of one value. One thread at a time.
class json_writer final : public term_sink {
 public:
  json_writer() { expect_alternative(); }

  void put_integer(std::int64_t value) override { add(value); }
  void put_unsigned(std::uint64_t value) override { add(value); }
  void put_floating(double value) override;
  void put_atom(atom value) override { add(std::string(value.name())); }
  void put_pid(const pid& value) override { add(value.to_string()); }
  void put_reference(const reference& value) override { add(value.to_string()); }
  void put_binary(std::string_view bytes) override;
  void put_text(std::string_view text) override;
  void put_bool(bool value) override { add(value); }
  void put_undefined() override { add(nullptr); }
  /// A port is a string; what else only terms carry is written as it is in a term.
  void put_opaque(const term& value) override;
  void put_term(const term& value) override;

  void begin_list(std::size_t) override { open(nlohmann::json::array()); }
  void end_list() override { close(); }
  void begin_tuple(std::size_t) override { open(nlohmann::json::array()); }
  void end_tuple() override { close(); }
  void begin_map(std::size_t) override { open(nlohmann::json::array()); }
  void end_map() override;
  void begin_struct(atom name, std::size_t size) override;
  void member(std::string_view name) override { levels_.back().member = name; }
  void end_struct(atom name, std::size_t size) override;

  /// What was written.
  nlohmann::json take();

 private:
  struct level {
    nlohmann::json value;  // an array of elements, of keys and values in turn, or an object of members
    bool tagged = false;
    std::string member;
  };

  void open(nlohmann::json value, bool tagged = false);
  void close();
  void add(nlohmann::json value);

  std::vector<level> levels_;
  nlohmann::json result_;
};

}  // namespace troupe::detail
