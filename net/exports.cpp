// SPDX-License-Identifier: BSL-1.0
// The table of what other nodes may run.
#include <troupe/net/exports.hpp>

#include <stdexcept>

namespace troupe {

using namespace literals;

export_name::export_name(std::string_view name) {
  const std::size_t colon = name.find(':');
  module = colon == std::string_view::npos ? "troupe"_atom : atom(name.substr(0, colon));
  function = atom(colon == std::string_view::npos ? name : name.substr(colon + 1));
  if (module.empty() || function.empty())
    throw std::invalid_argument("troupe: '" + std::string(name) + "' cannot be exported: write \"module:function\"");
}

namespace detail {

void export_table::add(const export_name& name, exported what) {
  auto entry = std::make_shared<const exported>(std::move(what));
  const std::lock_guard guard(lock_);
  table_[{name.module, name.function, entry->arity}] = std::move(entry);
}

bool export_table::remove(const export_name& name, std::size_t arity) {
  const std::lock_guard guard(lock_);
  return table_.erase({name.module, name.function, arity}) != 0;
}

std::shared_ptr<const exported> export_table::find(atom module, atom function, std::size_t arity) const {
  const std::lock_guard guard(lock_);
  const auto it = table_.find({module, function, arity});
  return it == table_.end() ? nullptr : it->second;
}

}  // namespace detail
}  // namespace troupe
