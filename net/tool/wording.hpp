// SPDX-License-Identifier: BSL-1.0
// wording: times, numbers and texts as people read them.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace troupe::script {

/// "1.5 s", "20 ms", "3.1 us".
std::string people_time(std::chrono::nanoseconds time);
/// "14,123", "0.25".
std::string people_number(double number);
/// At most `most` bytes of it, which end with "..." where something is left out, and never within a character.
std::string shortened(std::string_view text, std::size_t most);
/// With an escape for each character that a terminal would obey: "\n", "\x1b".
std::string without_controls(std::string_view text);
/// What numbers a list of branches, from 0 on: a, b ... z, aa, ab.
std::string letters_of(std::size_t number);

}  // namespace troupe::script
