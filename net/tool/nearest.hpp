// SPDX-License-Identifier: BSL-1.0
// nearest: the names that somebody may have meant.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::script {

/// How many letters to put in, take out, change or swap with their neighbour, to make `b` of `a`.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// Of `names` those that are most like `wanted`: up to three that are equally near; none when nothing is near.
std::vector<std::string> nearest(std::string_view wanted, const std::vector<std::string>& names);

/// For error messages: "did you mean 'send'?", or, where nothing is near, "there are: call, send"; empty without names.
std::string suggestion(std::string_view wanted, const std::vector<std::string>& names);

}  // namespace troupe::script
