// SPDX-License-Identifier: BSL-1.0
// The sink that writes the external term format. Erlang: term_to_binary, without the version byte.
#pragma once

#include <troupe/mailbox/term_sink.hpp>
#include <troupe/net/etf/buffer.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace troupe::etf {

/// The byte 131, which term_to_binary puts before a term, and the distribution protocol before its terms unless they
/// have a header.
void write_version(buffer& out);

/// Appends what is written to it to a buffer, which others may write to before and after. The forms are the smallest of
/// those that OTP 25 to 27 read: UTF-8 atoms, V4 pids and ports, references of any length; lists always as lists, never
/// as strings. Pids, references and ports carry their node's name and their own creation. Throws std::invalid_argument
/// for a float that is infinite or not a number, std::length_error for more than 4,294,967,295 bytes or elements; what
/// was written until then stays in the buffer (truncate() it). One thread at a time.
class writer final : public term_sink {
 public:
  /// `out` must live as long as the writer.
  explicit writer(buffer& out) noexcept : out_(&out) {}

  void put_integer(std::int64_t value) override;
  void put_unsigned(std::uint64_t value) override;
  void put_floating(double value) override;
  void put_atom(atom value) override;
  void put_pid(const pid& value) override;
  void put_reference(const reference& value) override;
  void put_binary(std::string_view bytes) override;
  void begin_list(std::size_t size) override;
  void end_list() override;
  void begin_improper_list(std::size_t size) override;
  void end_improper_list() override {}
  void begin_tuple(std::size_t size) override;
  void end_tuple() override {}
  void begin_map(std::size_t size) override;
  void end_map() override {}
  void put_opaque(const term& value) override;

  void put_text(std::string_view text) override { writer::put_binary(text); }
  void put_bool(bool value) override;
  void put_undefined() override;
  void begin_struct(atom name, std::size_t size) override;
  void member(std::string_view) override {}
  void end_struct(atom, std::size_t) override {}
  void put_term(const term& value) override;

  /// An atom by its text (UTF-8, at most 255 characters), which need be none here.
  void put_atom_text(std::string_view text);
  /// A port.
  void put_port(const port& value);

 private:
  buffer* out_;
};

}  // namespace troupe::etf
