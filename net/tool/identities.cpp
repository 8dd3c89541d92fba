// SPDX-License-Identifier: BSL-1.0
#include <troupe/net/tool/identities.hpp>

#include <troupe/mailbox/errors.hpp>
#include <troupe/mailbox/json_terms.hpp>
#include <troupe/mailbox/node_id.hpp>
#include <troupe/net/remote.hpp>
#include <troupe/net/tool/document.hpp>

#include <algorithm>
#include <cstdlib>
#include <span>
#include <utility>

namespace troupe::script {

namespace {

/// The term with f(pid) instead of each pid. No deeper than JSON may be: whoever sends deep terms does not decide how
/// much stack is used here.
template <class F>
term with_pids(const term& t, const F& f, std::size_t depth = 0) {
  if (depth > troupe::detail::max_json_depth)
    throw value_error("", "nested deeper than " + std::to_string(troupe::detail::max_json_depth) + " levels");
  const auto all = [&](std::span<const term> some) {
    std::vector<term> made;
    for (const term& e : some) made.push_back(with_pids(e, f, depth + 1));
    return made;
  };
  switch (t.kind()) {
    case term_kind::pid: return f(t.as_pid());
    case term_kind::tuple: return term::tuple(all(t.elements()));
    case term_kind::list: return t.size() == 0 ? t : term::list(all(t.elements()));
    case term_kind::improper_list: return term::improper_list(all(t.elements()), with_pids(t.tail(), f, depth + 1));
    case term_kind::map: {
      std::vector<std::pair<term, term>> items;
      for (const auto& [k, v] : t.items()) items.emplace_back(with_pids(k, f, depth + 1), with_pids(v, f, depth + 1));
      return term::map(std::move(items));
    }
    default: return t;
  }
}

}  // namespace

identities::identities() : nobody_(add_node("script@nowhere", 1)) {}

std::string identities::text_of(const pid& process) {
  const term hidden = hide(process);
  return hidden.to_string();
}

pid identities::of_text(std::string_view text) const {
  if (!text.starts_with('<')) return {};
  try {
    const term t = reveal(term::parse(text));
    return t.is_pid() ? t.as_pid() : pid();
  } catch (const parse_error&) {
    return {};
  } catch (const value_error&) {
    return {};
  }
}

term identities::hide(const term& value) {
  return with_pids(value, [&](const pid& p) {
    if (!p) return term(p);
    const std::lock_guard guard(lock_);
    const auto [where, is_new] = numbers_.emplace(p, known_.size());
    if (is_new) known_.push_back(p);
    return term::parse("<" + std::to_string(nobody_) + "." + std::to_string(where->second + 1) + ".0>");
  });
}

term identities::reveal(const term& value) const {
  return with_pids(value, [&](const pid& p) {
    if (p.node() != nobody_) return term(p);
    const std::lock_guard guard(lock_);
    return p.id() >= 1 && p.id() <= known_.size() ? term(known_[p.id() - 1]) : term(p);
  });
}

void identities::set_label(const pid& process, std::string label) {
  const std::lock_guard guard(lock_);
  labels_[process] = std::move(label);
}

std::string identities::label(const pid& process) const {
  const auto found = labels_.find(process);
  return found != labels_.end() ? found->second : process.to_string();
}

std::string identities::label_of(const pid& process) const {
  const std::lock_guard guard(lock_);
  return label(process);
}

void identities::set_name(const pid& process, const std::string& name) {
  const std::lock_guard guard(lock_);
  names_[{name, std::string(node_of(process).name())}].insert(process);
}

std::string identities::label_of_name(const std::string& name, const std::string& node) const {
  const std::lock_guard guard(lock_);
  const auto found = names_.find({name, node});
  return found != names_.end() && found->second.size() == 1 ? label(*found->second.begin()) : std::string();
}

std::string identities::for_people(std::string_view text) const {
  const std::string before = "<" + std::to_string(nobody_) + ".";
  const std::lock_guard guard(lock_);
  std::string result;
  for (;;) {
    const std::size_t begin = text.find(before);
    const std::size_t end = begin == std::string_view::npos ? begin : text.find('>', begin);
    if (end == std::string_view::npos) return result + std::string(text);
    const std::size_t number = std::strtoul(std::string(text.substr(begin + before.size(), 10)).c_str(), nullptr, 10);
    result += text.substr(0, begin);
    if (number >= 1 && number <= known_.size()) {
      const auto labelled = labels_.find(known_[number - 1]);
      result += labelled != labels_.end() ? "<" + labelled->second + ">" : known_[number - 1].to_string();
    } else {
      result += text.substr(begin, end + 1 - begin);
    }
    text.remove_prefix(end + 1);
  }
}

}  // namespace troupe::script
