// SPDX-License-Identifier: BSL-1.0
// pattern: what a script expects, with wildcards and variables, and how what came differs from it.
#pragma once

#include <troupe/net/tool/values.hpp>

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace troupe::script {

// | Pattern                         | What it fits                                                                  |
// | ------------------------------- | ----------------------------------------------------------------------------- |
// | "_"                             | anything                                                                      |
// | "$x"                            | anything, and x is that from now on; or, when x is known, only that           |
// | "text"                          | that text, or the atom; a "$$" at its beginning stands for a "$"              |
// | 1, 2.5, true, null              | the same                                                                      |
// | {"a": P, "b": Q}                | an object that has these members, and maybe others                            |
// | [P, Q], [P, "..."]              | a list of exactly these, and one that begins so                               |
// | {"$any_of": [P, Q]}             | what one of them fits                                                         |
// | {"$at_least": 1, "$at_most": 9} | a number within these bounds                                                  |
// | {"$term": "{error, _}"}         | a term, as Erlang writes it, with _ and $x; [$h|$t] takes a list apart, and |
// |                                 | #{a => _} is a map that has this key, and maybe others                        |

/// A difference.
struct difference {
  std::string pointer;  ///< where, in what came: a JSON pointer
  std::string what;     ///< "expected 3, got 4"
};

/// Does `got` fit? Then the pattern's new variables are bound; if not, nothing is, and `why` says where they differ.
bool fits(const nlohmann::json& pattern, const nlohmann::json& got, variables& known, const vocabulary& words,
          std::vector<difference>* why = nullptr);

/// Throws value_error for a pattern that can fit nothing: an unknown $word, a term that cannot be read.
void check_pattern(const nlohmann::json& pattern, const vocabulary& words);

/// The keys with a $ that mean something in patterns.
const std::vector<std::string>& pattern_words();

/// For people: on one line, with the values of the variables that have one.
std::string print_pattern(const nlohmann::json& pattern, const variables& known, const vocabulary& words);

/// The variables that it would bind.
std::vector<std::string> variables_of(const nlohmann::json& pattern);

}  // namespace troupe::script
