// SPDX-License-Identifier: BSL-1.0
// How errors speak of JSON where the codecs speak of terms. Internal.
#pragma once

#include <string>
#include <string_view>

namespace troupe::detail {

/// `string` for `binary`, `{"order": {id, lines}}` for `{order,id,lines}`. Is the type's name written there (`tagged`),
/// and were the bytes of a binary wanted, or text?
std::string json_words(std::string_view expected, bool tagged, bool bytes);

/// May one be the other, wrongly typed?
bool is_alike(std::string_view a, std::string_view b);

}  // namespace troupe::detail
