// SPDX-License-Identifier: BSL-1.0
// Terms as JSON and back, losslessly; json.hpp has the rules. Internal.
#pragma once

#include <troupe/mailbox/term.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace troupe::detail {

/// How deep JSON may nest, written or read.
inline constexpr std::size_t max_json_depth = 512;

/// Text when it is UTF-8, else {"$binary": base64}.
nlohmann::json json_of_text(std::string_view text);

/// `depth` levels enclose it. Throws std::invalid_argument when there would be too many.
nlohmann::json json_of_term(const term& value, std::size_t depth = 0);

/// `depth` levels enclose it; errors speak of places below `path`. Throws decode_error.
term term_of_json(const nlohmann::json& from, node_index home, const std::string& path, std::size_t depth = 0);

/// The bytes when `from` is {"$binary": base64}; whether it was.
bool bytes_of_json(const nlohmann::json& from, std::string& bytes);

/// The value as JSON text, cut to some 100 bytes.
std::string print_json(const nlohmann::json& value);
std::string print_json_text(std::string_view text);

/// Appends a step to a JSON pointer.
void append_step(std::string& pointer, std::string_view key);

}  // namespace troupe::detail
