// SPDX-License-Identifier: BSL-1.0
// sendable<T>: may a T be a message? Processes share nothing, and this is where the compiler sees to it.
#pragma once

#include <troupe/mailbox/copyable.hpp>
#include <troupe/mailbox/refusal.hpp>

namespace troupe {

/// May a T be sent? Yes for what codec.hpp lists and for structs of it, to any depth, move-only or not. No
/// for what would share memory with its sender or cannot be taken to parts: raw pointers, references, views,
/// reference_wrapper, shared_ptr to what is not const, functions, C arrays, unions, structs with bases,
/// classes without public members and without a codec. send and spawn say which by static_assert.
template <class T>
concept sendable = detail::finding_of<T>::reason == detail::refusal::none;

namespace detail {

/// The compiler's note about this names the message and the part of it that is refused.
template <class Message, class Part, refusal Reason>
struct check_sendable {
  static_assert(Reason != refusal::raw_pointer,
                "a message may not hold a raw pointer: processes share nothing. Hold a value, a "
                "std::unique_ptr or, for something constant, a "
                "std::shared_ptr<const T>");
  static_assert(Reason != refusal::reference,
                "a message may not hold a reference: processes share nothing. Hold a value, a "
                "std::unique_ptr or a std::shared_ptr<const T>");
  static_assert(Reason != refusal::view,
                "a message may not hold a view of memory that others own (string_view, span, "
                "initializer_list): hold a std::string or a container");
  static_assert(Reason != refusal::reference_wrapper,
                "a message may not hold a std::reference_wrapper: processes share nothing. Hold a value, a "
                "std::unique_ptr or a "
                "std::shared_ptr<const T>");
  static_assert(Reason != refusal::shared_mutable,
                "a message may not hold a std::shared_ptr or weak_ptr to something that can change: use "
                "std::shared_ptr<const T>, a "
                "std::unique_ptr or a value");
  static_assert(Reason != refusal::function,
                "a message may not hold a function (std::function, lambda): what it captures would be shared "
                "and it cannot travel. Send a value "
                "that says what to do");
  static_assert(Reason != refusal::array,
                "a message may not hold a C array (a string literal is one): use std::array, std::vector or "
                "std::string");
  static_assert(Reason != refusal::union_type,
                "a message may not hold a union, nobody could tell what is in it: use std::variant");
  static_assert(Reason != refusal::base_class,
                "a message may not be a struct with base classes, whose members cannot be told apart: make "
                "the base a member, or specialise "
                "troupe::codec for it");
  static_assert(Reason != refusal::too_many_members,
                "a message may have at most 200 members: group some of them in structs");
  static_assert(Reason != refusal::not_movable,
                "a message must be movable, for it is moved to its receiver: "
                "hold the part that is not through a std::unique_ptr");
  static_assert(Reason != refusal::opaque_class,
                "a message may not hold a class that is no aggregate and has no codec, because nobody knows "
                "what it shares: make it a struct "
                "with public members, or specialise troupe::codec for it");
  static constexpr bool ok = true;  // said above, once
};

/// Does not compile unless T is sendable, and says why not.
template <class T>
constexpr void assert_sendable() noexcept {
  using found = finding_of<T>;
  static_assert(check_sendable<T, typename found::part, found::reason>::ok);
}

}  // namespace detail
}  // namespace troupe
