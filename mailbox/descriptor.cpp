// SPDX-License-Identifier: BSL-1.0
// The parts of descriptors that are not templates.
#include <troupe/mailbox/descriptor.hpp>

#include <dlfcn.h>

#include <string_view>

namespace troupe {

namespace {

/// The shared object (or program) that `address` lies in; null for the stack and the heap.
const void* object_of(const void* address) noexcept {
  Dl_info info;
  return dladdr(address, &info) != 0 ? info.dli_fbase : nullptr;
}

}  // namespace

bool detail::same_type_by_content(const type_descriptor& a, const type_descriptor& b) noexcept {
  if (a.size != b.size || a.qualified_name != b.qualified_name || *a.type != *b.type) return false;
  // Equal so far are also two types of one name in unnamed namespaces or static functions, for clang gives
  // their type_infos equal names. But in one shared object the linker has merged the descriptors of whatever
  // is one type, so two there are two types.
  if (std::string_view(a.type->name()).find("_GLOBAL__N_") != std::string_view::npos) return false;
  const void* object = object_of(&a);
  return object == nullptr || object != object_of(&b);
}

term to_term(const type_descriptor& type, const void* value) {
  term_writer writer;
  type.visit(value, writer);
  return writer.take();
}

}  // namespace troupe
