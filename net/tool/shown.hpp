// SPDX-License-Identifier: BSL-1.0
// shown: texts and terms of another node, fit for a terminal. Internal.
#pragma once

#include <troupe/mailbox/node_id.hpp>
#include <troupe/mailbox/term.hpp>

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace troupe::tool {

/// The text with what a terminal would obey instead of showing (control characters, also those from 0x80 on, and bytes
/// that are no UTF-8) as \x{1b}.
std::string printable(std::string_view text);

/// How many columns a text takes: its characters (wide ones are counted as one).
std::size_t columns(std::string_view text) noexcept;
/// The first, or the last, so many columns of it.
std::string_view first_columns(std::string_view text, std::size_t count) noexcept;
std::string_view last_columns(std::string_view text, std::size_t count) noexcept;
/// At least so many, with blanks behind.
std::string padded(std::string_view text, std::size_t count);

/// A term as the node of that index prints it: its own pids, references and ports begin with a 0, <0.12.0>, those of
/// this program with `tool`.
std::string shown_at(node_index home, const term& value);
/// The same of what to_string has made of terms.
std::string shown_at(node_index home, const std::string& printed);
/// The same for JSON's {"$term": "<0.12.0>"}.
nlohmann::json shown_at(node_index home, nlohmann::json value);

/// For people: texts as such, lists of printable characters as "text", the rest as shown_at.
std::string for_people(node_index home, const term& value);

}  // namespace troupe::tool
