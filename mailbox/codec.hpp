// SPDX-License-Identifier: BSL-1.0
// All codecs: what can be taken to parts and put together again, and how each type looks as a term.
#pragma once

// | C++                                            | term                                        |
// | ---------------------------------------------- | ------------------------------------------- |
// | struct order { int id; std::string name; }     | {order, Id, Name}                           |
// | struct reset {}                                | the atom reset                              |
// | enum class color { red }                       | the atom red                                |
// | integers, char, std::byte                      | an integer, range-checked                   |
// | float, double                                  | a float; reading takes an integer too       |
// | bool                                           | the atom true or false                      |
// | std::string; vector or array of std::byte      | a binary                                    |
// | vector, deque, list, array, set, unordered_set | a list                                      |
// | map, unordered_map                             | a map                                       |
// | pair, tuple                                    | a tuple                                     |
// | optional, unique_ptr, shared_ptr<const T>      | the atom undefined, or the value            |
// | variant                                        | the alternative                             |
// | monostate                                      | the atom undefined                          |
// | chrono durations                               | their count, in their own unit              |
// | atom, pid, reference, port, term               | themselves                                  |
//
// A class of another kind becomes one of these by a specialisation of troupe::codec: see codec_base.hpp.

#include <troupe/mailbox/codec_base.hpp>        // IWYU pragma: export
#include <troupe/mailbox/codec_choices.hpp>     // IWYU pragma: export
#include <troupe/mailbox/codec_containers.hpp>  // IWYU pragma: export
#include <troupe/mailbox/codec_values.hpp>      // IWYU pragma: export
