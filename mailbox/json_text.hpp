// SPDX-License-Identifier: BSL-1.0
// JSON from text, with the limits that json.hpp states. Internal.
#pragma once

#include <nlohmann/json.hpp>

#include <string_view>

namespace troupe::detail {

/// Throws decode_error.
nlohmann::json json_of_json_text(std::string_view text);

}  // namespace troupe::detail
