// SPDX-License-Identifier: BSL-1.0
// Blocks of bytes that messages share.
#include <troupe/mailbox/encoded_term.hpp>

#include <troupe/mailbox/allocate.hpp>

#include <cstring>
#include <new>
#include <stdexcept>

namespace troupe {

namespace detail {

byte_block* byte_block::make(std::size_t size) {
  return ::new (allocate(sizeof(byte_block) + size)) byte_block(size);
}

byte_block* byte_block::copy_of(std::span<const std::byte> bytes) {
  byte_block* block = make(bytes.size());
  if (!bytes.empty()) std::memcpy(block->data(), bytes.data(), bytes.size());
  return block;
}

void byte_block::release() noexcept {
  // acq_rel: whoever frees it must have seen all that the others read done; pairs with their decrements.
  if (count_.fetch_sub(1, std::memory_order_acq_rel) == 1) deallocate(this);
}

}  // namespace detail

detail::encoded_term codec<detail::encoded_term>::build(term_source&) {
  throw std::logic_error("troupe: a term in a wire's encoding comes from the wire alone");
}

}  // namespace troupe
