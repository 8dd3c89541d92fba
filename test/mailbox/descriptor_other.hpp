// SPDX-License-Identifier: BSL-1.0
// What descriptor.cpp and descriptor_other.cpp tell each other.
#pragma once

#include <troupe/mailbox/descriptor.hpp>

/// A type that both files see.
struct shared_message {
  int value;
};
const troupe::type_descriptor* shared_there();

/// Descriptors of `hidden` in the unnamed namespace of each file.
const troupe::type_descriptor* hidden_here();
const troupe::type_descriptor* hidden_there();

/// Of `local` in a static function of the other file.
const troupe::type_descriptor* local_there();
