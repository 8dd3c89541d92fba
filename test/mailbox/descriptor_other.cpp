// SPDX-License-Identifier: BSL-1.0
// A second translation unit for the tests of descriptor.cpp.
#include "descriptor_other.hpp"

namespace {

struct hidden {
  int value;
};

}  // namespace

const troupe::type_descriptor* shared_there() {
  return &troupe::descriptor_of<shared_message>;
}

static const troupe::type_descriptor* in_a_static_function() {
  struct local {
    int value;
  };
  return &troupe::descriptor_of<local>;
}

const troupe::type_descriptor* local_there() {
  return in_a_static_function();
}

const troupe::type_descriptor* hidden_there() {
  return &troupe::descriptor_of<hidden>;
}
