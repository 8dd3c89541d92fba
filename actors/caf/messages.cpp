// SPDX-License-Identifier: BSL-1.0
// The types that were added, and messages taken to parts and put together.
#include <troupe/actors/caf/messages.hpp>

#include <boost/core/demangle.hpp>
#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/string_algorithms.hpp>
#include <caf/system_messages.hpp>
#include <caf/timespan.hpp>
#include <caf/uniform_type_info_map.hpp>
#include <caf/unit.hpp>

#include <algorithm>
#include <limits>
#include <mutex>

namespace troupe::bridge {

using namespace literals;

void add_types(caf::actor_system_config& config) {
  config.add_message_type<term>("term");
  config.add_message_type<atom>("atom");
  config.add_message_type<pid>("pid");
  config.add_message_type<reference>("reference");
  config.add_error_category(error_category, &render_error);
}

namespace detail {

using troupe::detail::envelope;
using troupe::detail::envelope_kind;
using troupe::detail::envelope_ptr;
using troupe::detail::make_envelope;
using troupe::detail::request_envelope;
using troupe::detail::routed_envelope;

// --- the table ----------------------------------------------------------------------------------------------------

namespace {

std::mutex types_lock;
std::vector<const message_type*>& types() {  // under types_lock
  static std::vector<const message_type*> all;
  return all;
}

template <class Map, class Key>
auto look_up(const Map& map, const Key& key) noexcept -> const typename Map::mapped_type* {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

}  // namespace

void note_message(const message_type& type) {
  const std::lock_guard guard(types_lock);
  auto& all = types();
  if (std::none_of(all.begin(), all.end(), [&](const message_type* t) { return same_type(t->type, type.type); }))
    all.push_back(&type);
}

message_table::message_table() {
  const std::lock_guard guard(types_lock);
  for (const message_type* t : types()) {
    by_hash_.emplace(t->type->hash, t);
    by_type_.emplace(*t->type->type, t);
    by_vector_.emplace(*t->vector, t);
    if (t->type->dynamic_key != 0) by_key_[t->type->dynamic_key].push_back(t);
  }
}

const message_type* message_table::find(const type_descriptor& type) const noexcept {
  const auto* found = look_up(by_hash_, type.hash);
  return found != nullptr && same_type((*found)->type, &type) ? *found : nullptr;
}
const message_type* message_table::find(const std::type_info& type) const noexcept {
  const auto* found = look_up(by_type_, std::type_index(type));
  return found == nullptr ? nullptr : *found;
}
const message_type* message_table::find_vector(const std::type_info& type) const noexcept {
  const auto* found = look_up(by_vector_, std::type_index(type));
  return found == nullptr ? nullptr : *found;
}
const std::vector<const message_type*>* message_table::find_key(std::uint64_t dynamic_key) const noexcept {
  return look_up(by_key_, dynamic_key);
}

unknown_type::unknown_type(const std::string& name)
    : std::runtime_error("troupe: no process can get a " + name +
                         ": say what it is by troupe::bridge::add_message before the caf::actor_system is made") {}

// --- CAF's to troupe's ---------------------------------------------------------------------------------------------

namespace {

/// make_envelope of a term.
envelope* term_envelope(term value, envelope_kind kind) {
  if (kind == envelope_kind::request) return make_envelope<request_envelope, term>(kind, std::move(value));
  if (kind == envelope_kind::reply) return make_envelope<routed_envelope, term>(kind, std::move(value));
  return make_envelope<envelope, term>(kind, std::move(value));
}

template <class Range>
term list_of(const Range& values) {
  std::vector<term> elements;
  for (const auto& value : values) elements.push_back(troupe::to_term(value));
  return term::list(std::move(elements));
}

term atom_of(caf::atom_value value) {
  return atom(caf::to_string(value));
}

}  // namespace

term translator::to_term(const caf::message& m, std::size_t i) {
  const caf::rtti_pair type = m.type(i);
  const auto actor = [&](const caf::strong_actor_ptr& ptr) -> term {
    return ptr == nullptr ? term() : term(who_.pid_of(ptr));
  };
  const auto is = [&]<class T>(std::type_identity<T>) { return type.first == caf::type_nr<T>::value; };
  switch (type.first) {
    case caf::type_nr<caf::atom_value>::value: return atom_of(m.get_as<caf::atom_value>(i));
    case caf::type_nr<std::int8_t>::value: return m.get_as<std::int8_t>(i);
    case caf::type_nr<std::int16_t>::value: return m.get_as<std::int16_t>(i);
    case caf::type_nr<std::int32_t>::value: return m.get_as<std::int32_t>(i);
    case caf::type_nr<std::int64_t>::value: return m.get_as<std::int64_t>(i);
    case caf::type_nr<std::uint8_t>::value: return m.get_as<std::uint8_t>(i);
    case caf::type_nr<std::uint16_t>::value: return m.get_as<std::uint16_t>(i);
    case caf::type_nr<std::uint32_t>::value: return m.get_as<std::uint32_t>(i);
    case caf::type_nr<std::uint64_t>::value: return m.get_as<std::uint64_t>(i);
    case caf::type_nr<float>::value: return m.get_as<float>(i);
    case caf::type_nr<double>::value: return m.get_as<double>(i);
    case caf::type_nr<long double>::value: return static_cast<double>(m.get_as<long double>(i));
    case caf::type_nr<bool>::value: return m.get_as<bool>(i);
    case caf::type_nr<std::string>::value: return m.get_as<std::string>(i);
    case caf::type_nr<caf::unit_t>::value: return term();
    case caf::type_nr<caf::error>::value: return to_reason(m.get_as<caf::error>(i));
    case caf::type_nr<caf::timespan>::value: return m.get_as<caf::timespan>(i).count();
    case caf::type_nr<caf::timestamp>::value: return m.get_as<caf::timestamp>(i).time_since_epoch().count();
    case caf::type_nr<caf::actor>::value: return actor(caf::actor_cast<caf::strong_actor_ptr>(m.get_as<caf::actor>(i)));
    case caf::type_nr<caf::actor_addr>::value:
      return actor(caf::actor_cast<caf::strong_actor_ptr>(m.get_as<caf::actor_addr>(i)));
    case caf::type_nr<caf::strong_actor_ptr>::value: return actor(m.get_as<caf::strong_actor_ptr>(i));
    case caf::type_nr<caf::weak_actor_ptr>::value: return actor(m.get_as<caf::weak_actor_ptr>(i).lock());
    case caf::type_nr<caf::message>::value: {
      const caf::message& inner = m.get_as<caf::message>(i);
      std::vector<term> elements;
      for (std::size_t k = 0; k < inner.size(); ++k) elements.push_back(to_term(inner, k));
      return elements.size() == 1 ? std::move(elements[0]) : term::tuple(std::move(elements));
    }
    default: break;
  }
  if (is(std::type_identity<std::vector<std::string>>())) return list_of(m.get_as<std::vector<std::string>>(i));
  if (is(std::type_identity<std::set<std::string>>())) return list_of(m.get_as<std::set<std::string>>(i));
  if (is(std::type_identity<std::map<std::string, std::string>>()))
    return troupe::to_term(m.get_as<std::map<std::string, std::string>>(i));
  if (is(std::type_identity<std::vector<char>>())) {
    const auto& bytes = m.get_as<std::vector<char>>(i);
    return std::string_view(bytes.data(), bytes.size());
  }
  if (is(std::type_identity<std::vector<caf::actor>>())) {
    std::vector<term> elements;
    for (const caf::actor& a : m.get_as<std::vector<caf::actor>>(i))
      elements.push_back(actor(caf::actor_cast<caf::strong_actor_ptr>(a)));
    return term::list(std::move(elements));
  }
  if (type.first == 0 && type.second != nullptr) {
    const std::type_info& own = *type.second;
    if (own == typeid(term)) return m.get_as<term>(i);
    if (own == typeid(atom)) return m.get_as<atom>(i);
    if (own == typeid(pid)) return m.get_as<pid>(i);
    if (own == typeid(reference)) return m.get_as<reference>(i);
    if (own == typeid(std::vector<std::int32_t>)) return list_of(m.get_as<std::vector<std::int32_t>>(i));
    if (own == typeid(std::vector<std::int64_t>)) return list_of(m.get_as<std::vector<std::int64_t>>(i));
    if (own == typeid(std::vector<double>)) return list_of(m.get_as<std::vector<double>>(i));
    if (own == typeid(std::vector<term>)) return term::list(m.get_as<std::vector<term>>(i));
    if (const message_type* added = table_.find(own)) return troupe::to_term(*added->type, m.get(i));
    if (const message_type* added = table_.find_vector(own)) return added->vector_to_term(m.get(i));
  }
  const std::string& name = system_.types().portable_name(type);
  if (name != "???" || type.second == nullptr) throw unknown_type(name);
  throw unknown_type(boost::core::demangle(type.second->name()));
}

envelope_ptr translator::to_envelope(caf::message& m, envelope_kind kind) {
  if (m.size() == 1) {
    const caf::rtti_pair type = m.type(0);
    if (type.first == 0 && type.second != nullptr)
      if (const message_type* added = table_.find(*type.second)) return envelope_ptr(added->to_envelope(m, kind));
    return envelope_ptr(term_envelope(to_term(m, 0), kind));
  }
  std::vector<term> elements;
  elements.reserve(m.size());
  for (std::size_t i = 0; i < m.size(); ++i) elements.push_back(to_term(m, i));
  return envelope_ptr(term_envelope(term::tuple(std::move(elements)), kind));
}

// --- troupe's to CAF's ---------------------------------------------------------------------------------------------

namespace {

/// A payload of one of CAF's own types crosses as it is, whatever its value.
template <class... T>
bool to_builtin(envelope& e, caf::message& out) {
  return ((same_type(e.type, &descriptor_of<T>) ? (out = caf::make_message(troupe::detail::take_payload<T>(e)), true)
                                                : false) ||
          ...);
}

bool fits(caf::atom_value& out, atom value) {
  const std::string text(value.name());
  if (text.size() > 10) return false;
  out = caf::atom_from_string(text);
  return caf::to_string(out) == text;
}

}  // namespace

bool translator::append_added(caf::message_builder& to, const term& value) {
  const auto* types = table_.find_key(troupe::dynamic_key(value));
  if (types == nullptr) return false;
  return std::any_of(types->begin(), types->end(), [&](const message_type* t) { return t->append_term(to, value); });
}

bool translator::append_list(caf::message_builder& to, const term& value) {
  const auto elements = value.elements();
  if (elements.empty()) return false;
  const auto all = [&](auto&& is) { return std::all_of(elements.begin(), elements.end(), is); };
  const auto build = [&]<class T>(std::vector<T> values, auto&& get) {
    for (const term& t : elements) values.push_back(get(t));
    to.append(std::move(values));
    return true;
  };
  if (all([](const term& t) { return t.is_binary(); }))
    return build(std::vector<std::string>(), [](const term& t) { return std::string(t.as_binary()); });
  if (all([](const term& t) { return t.is_floating(); }))
    return build(std::vector<double>(), [](const term& t) { return t.as_floating(); });
  const auto is_int = [](const term& t) {
    return t.is_integer() && !t.is_big() && t.as_integer() >= std::numeric_limits<std::int32_t>::min() &&
           t.as_integer() <= std::numeric_limits<std::int32_t>::max();
  };
  if (all(is_int))
    return build(std::vector<std::int32_t>(), [](const term& t) { return static_cast<std::int32_t>(t.as_integer()); });
  if (all([](const term& t) { return t.is_integer() && !t.is_big(); }))
    return build(std::vector<std::int64_t>(), [](const term& t) { return t.as_integer(); });
  return false;
}

void translator::append(caf::message_builder& to, const term& value) {
  switch (value.kind()) {
    case term_kind::integer:
      if (value.is_big()) {
        const big_integer big = value.as_big();
        if (!big.negative && big.magnitude.size() <= 8) {
          to.append(value.as_unsigned());
          return;
        }
        break;
      }
      if (value.as_integer() >= std::numeric_limits<std::int32_t>::min() &&
          value.as_integer() <= std::numeric_limits<std::int32_t>::max())
        to.append(static_cast<std::int32_t>(value.as_integer()));
      else
        to.append(value.as_integer());
      return;
    case term_kind::floating: to.append(value.as_floating()); return;
    case term_kind::atom: {
      const atom word = value.as_atom();
      caf::atom_value short_word{};
      if (word == "true"_atom || word == "false"_atom)
        to.append(word == "true"_atom);
      else if (append_added(to, value))
        return;
      else if (fits(short_word, word))
        to.append(short_word);
      else
        to.append(word);
      return;
    }
    case term_kind::binary: to.append(std::string(value.as_binary())); return;
    case term_kind::pid: to.append(who_.actor_of(value.as_pid())); return;
    case term_kind::reference: to.append(value.as_reference()); return;
    case term_kind::list:
      if (append_added(to, value) || append_list(to, value)) return;
      break;
    case term_kind::map:
    case term_kind::tuple:
      if (append_added(to, value)) return;
      break;
    default: break;
  }
  to.append(value);
}

caf::message translator::to_message(const term& value) {
  caf::message_builder builder;
  if (value.is_tuple() && !append_added(builder, value))
    for (const term& element : value.elements()) append(builder, element);
  else if (!value.is_tuple())
    append(builder, value);
  return builder.move_to_message();
}

caf::message translator::to_message(envelope* e) {
  if (e == nullptr || e->type == nullptr) return {};
  if (const message_type* added = table_.find(*e->type)) return added->from_envelope(*e);
  if (e->type == &descriptor_of<term>) return to_message(troupe::detail::take_payload<term>(*e));
  if (troupe::detail::is_encoded(*e)) return to_message(troupe::detail::take_payload<term>(*e));
  caf::message out;
  if (to_builtin<std::int8_t, std::int16_t, std::int32_t, std::int64_t, std::uint8_t, std::uint16_t, std::uint32_t,
                 std::uint64_t, bool, float, double, std::string, std::vector<std::string>, std::vector<std::int32_t>,
                 std::vector<std::int64_t>, std::vector<double>, std::map<std::string, std::string>,
                 std::set<std::string>, reference>(*e, out))
    return out;
  return to_message(troupe::detail::payload_to_term(*e));
}

}  // namespace detail
}  // namespace troupe::bridge
