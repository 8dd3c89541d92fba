// SPDX-License-Identifier: BSL-1.0
// The parts of envelopes that need no template.
#include <troupe/mailbox/envelope.hpp>

#include <stdexcept>
#include <string>

namespace troupe::detail {

envelope* copy_envelope(const envelope& e) {
  if (e.shared) {
    auto* payload = *static_cast<shared_payload* const*>(e.payload());
    // relaxed: the count cannot fall to zero while `e` holds one.
    payload->count.fetch_add(1, std::memory_order_relaxed);
    auto* copy = make_envelope<envelope, shared_payload*>(envelope_kind::message, payload);
    copy->type = e.type;
    copy->shared = true;
    return copy;
  }
  if (e.type->copy == nullptr) throw std::logic_error("troupe: a " + std::string(e.type->name) + " cannot be copied");
  const std::size_t offset = round_up(sizeof(envelope), e.type->align);
  void* memory = allocate(offset + e.type->size);
  try {
    e.type->copy(static_cast<std::byte*>(memory) + offset, e.payload());
  } catch (...) {
    deallocate(memory);
    throw;
  }
  auto* copy = ::new (memory) envelope;
  copy->type = e.type;
  copy->offset = static_cast<std::uint16_t>(offset);
  return copy;
}

envelope_ptr by_alias(envelope_ptr e, const reference& alias) {
  if (e->kind != envelope_kind::message) return e;
  if (e->shared) {
    auto* payload = *static_cast<shared_payload**>(e->payload());
    auto* routed = make_envelope<routed_envelope, shared_payload*>(envelope_kind::alias_message, payload);
    // relaxed: the count cannot fall to zero while `e` holds one.
    payload->count.fetch_add(1, std::memory_order_relaxed);
    routed->type = e->type;
    routed->shared = true;
    routed->label = e->label;
    routed->ref = alias;
    return envelope_ptr(routed);
  }
  const std::size_t offset = round_up(sizeof(routed_envelope), e->type->align);
  void* memory = allocate(offset + e->type->size);
  try {
    e->type->move(static_cast<std::byte*>(memory) + offset, e->payload());
  } catch (...) {
    deallocate(memory);
    throw;
  }
  auto* routed = ::new (memory) routed_envelope;
  routed->kind = envelope_kind::alias_message;
  routed->type = e->type;
  routed->label = e->label;
  routed->offset = static_cast<std::uint16_t>(offset);
  routed->ref = alias;
  return envelope_ptr(routed);
}

term payload_to_term(const envelope& e) {
  if (e.type == &descriptor_of<term>) return *static_cast<const term*>(payload_of(e));
  return to_term(*e.type, payload_of(e));
}

}  // namespace troupe::detail
