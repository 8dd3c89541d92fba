// SPDX-License-Identifier: BSL-1.0
// Can a message be copied for several receivers? Internal.
#pragma once

#include <troupe/mailbox/refusal.hpp>

#include <type_traits>
#include <utility>

namespace troupe::detail {

template <class T, class... Seen>
consteval bool copyable_value();

template <class... Parts, class... Seen>
consteval bool each_copyable(parts_list<Parts...>, parts_list<Seen...>) {
  return (copyable_value<std::remove_cv_t<Parts>, Seen...>() && ...);
}

/// Can a T be copied, really? is_copy_constructible says so of a vector of unique_ptr too.
template <class T, class... Seen>
consteval bool copyable_value() {
  if constexpr ((std::is_same_v<T, Seen> || ...))
    return true;
  else if constexpr (!std::is_copy_constructible_v<T>)
    return false;
  else if constexpr (wrapper_refusal<T>::value == refusal::none && requires { typename T::element_type; })
    return true;  // shared_ptr<const T>
  else if constexpr (has_parts<T>)
    return each_copyable(typename codec<T>::parts(), parts_list<T, Seen...>());
  else if constexpr (plain_struct<T> && reflectable<T>)
    return each_copyable(decltype(members_of<T>(std::make_index_sequence<member_count<T>>()))(),
                         parts_list<T, Seen...>());
  else
    return true;
}

/// Can messages of type T be copied: one message for many receivers?
template <class T>
concept copyable_message = copyable_value<T>();

}  // namespace troupe::detail
