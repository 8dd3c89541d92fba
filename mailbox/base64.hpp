// SPDX-License-Identifier: BSL-1.0
// Bytes as text and back (RFC 4648, with padding). Internal.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace troupe::detail {

std::string to_base64(std::string_view bytes);

/// Nothing unless `text` is exactly what to_base64 gives for some bytes.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace troupe::detail
