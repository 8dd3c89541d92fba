// SPDX-License-Identifier: BSL-1.0
// How references are ordered and printed.
#include <troupe/mailbox/reference.hpp>

#include <ostream>
#include <stdexcept>

namespace troupe {

void reference::refuse(std::size_t words) {
  throw std::length_error("troupe: a reference has one to five words, not " + std::to_string(words));
}

std::strong_ordering operator<=>(const reference& a, const reference& b) noexcept {
  if (a.node_ != b.node_)
    if (const auto order = node_name(a.node_) <=> node_name(b.node_); order != 0) return order;
  if (const auto order = a.creation_ <=> b.creation_; order != 0) return order;
  for (std::size_t i = reference::max_words; i-- > 0;)
    if (const auto order = a.words_[i] <=> b.words_[i]; order != 0) return order;
  if (const auto order = a.size_ <=> b.size_; order != 0) return order;
  return a.node_ <=> b.node_;
}

std::string reference::to_string() const {
  std::string text = "#Ref<" + std::to_string(detail::printed_node(node_));
  for (std::size_t i = size_; i-- > 0;) text += '.' + std::to_string(words_[i]);
  return text + '>';
}

std::ostream& operator<<(std::ostream& out, const reference& r) {
  return out << r.to_string();
}

}  // namespace troupe
