// SPDX-License-Identifier: BSL-1.0
// Integers of any size to calculate with: Boost.Multiprecision's cpp_int as a member of messages, and to and from
// terms.
#pragma once

// No other header of troupe includes this one, for cpp_int takes long to compile.

#include <troupe/mailbox/codec_base.hpp>

#include <boost/multiprecision/cpp_int.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace troupe {

/// The integer that a term is. Throws term_error when it is none. Any thread.
boost::multiprecision::cpp_int to_cpp_int(const term& t);

/// The integer as a term. Any thread.
term from_cpp_int(const boost::multiprecision::cpp_int& value);

/// cpp_int: an integer. Formats without integers beyond 64 bits refuse those when they are written.
template <>
struct codec<boost::multiprecision::cpp_int> : detail::reading<boost::multiprecision::cpp_int> {
  using type = boost::multiprecision::cpp_int;

  static void visit(const type& value, term_sink& sink);
  static bool read(term_source& source, std::optional<type>& out);
  static constexpr std::uint64_t dynamic_key() noexcept { return detail::kind_key(term_kind::integer); }
  static std::string shape() { return "integer"; }
};

}  // namespace troupe
