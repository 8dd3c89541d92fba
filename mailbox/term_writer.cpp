// SPDX-License-Identifier: BSL-1.0
// How a term is put together from its parts.
#include <troupe/mailbox/term_writer.hpp>

#include <span>
#include <stdexcept>
#include <utility>

namespace troupe {

void term_writer::begin(std::size_t) {
  starts_.push_back(values_.size());
}

template <class Make>
void term_writer::end(Make make) {
  if (starts_.empty()) throw std::logic_error("troupe: a term_writer was told to end what was not begun");
  const std::size_t first = starts_.back();
  term made = make(std::span(values_).subspan(first));
  values_.erase(values_.begin() + static_cast<std::ptrdiff_t>(first), values_.end());
  starts_.pop_back();
  values_.push_back(std::move(made));
}

void term_writer::end_list() {
  end(detail::term_parts::list);
}

void term_writer::end_improper_list() {
  end(detail::term_parts::improper_list);
}

void term_writer::end_tuple() {
  end(detail::term_parts::tuple);
}

void term_writer::end_map() {
  end(detail::term_parts::map);
}

term term_writer::take() {
  if (values_.size() != 1 || !starts_.empty())
    throw std::logic_error("troupe: " + std::to_string(values_.size()) + " values were written where one was to be");
  term value = std::move(values_.back());
  values_.clear();
  return value;
}

}  // namespace troupe
