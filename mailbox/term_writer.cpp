// SPDX-License-Identifier: BSL-1.0
// How a term is put together from its parts.
#include <troupe/mailbox/term_writer.hpp>

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace troupe {

void term_writer::begin(std::size_t) {
  starts_.push_back(values_.size());
}

std::vector<term> term_writer::end() {
  if (starts_.empty()) throw std::logic_error("troupe: a term_writer was told to end what was not begun");
  const auto first = values_.begin() + static_cast<std::ptrdiff_t>(starts_.back());
  std::vector<term> parts(std::make_move_iterator(first), std::make_move_iterator(values_.end()));
  values_.erase(first, values_.end());
  starts_.pop_back();
  return parts;
}

void term_writer::end_list() {
  values_.push_back(term::list(end()));
}

void term_writer::end_tuple() {
  values_.push_back(term::tuple(end()));
}

void term_writer::end_map() {
  std::vector<term> parts = end();
  std::vector<std::pair<term, term>> items;
  items.reserve(parts.size() / 2);
  for (std::size_t i = 0; i + 1 < parts.size(); i += 2)
    items.emplace_back(std::move(parts[i]), std::move(parts[i + 1]));
  values_.push_back(term::map(std::move(items)));
}

term term_writer::take() {
  if (values_.size() != 1 || !starts_.empty())
    throw std::logic_error("troupe: " + std::to_string(values_.size()) + " values were written where one was to be");
  term value = std::move(values_.back());
  values_.clear();
  return value;
}

}  // namespace troupe
