// SPDX-License-Identifier: BSL-1.0
// Messages both ways: add_message<T>, and what becomes of what.
#pragma once

#include <troupe/actors/caf/inspect.hpp>
#include <troupe/actors/caf/reasons.hpp>
#include <troupe/mailbox/message.hpp>
#include <troupe/mailbox/to_term.hpp>

#include <caf/actor.hpp>
#include <caf/actor_addr.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/make_message.hpp>
#include <caf/message.hpp>
#include <caf/message_builder.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <typeindex>
#include <typeinfo>
#include <unordered_map>
#include <utility>
#include <vector>

namespace troupe::bridge {

namespace detail {

/// What is known of one type that was added. Constant.
struct message_type {
  const type_descriptor* type;
  const std::type_info* vector;  // of its vectors, which CAF registers along with it
  /// The one element of a CAF message, in an envelope of this kind (message, request or reply). Moved out when the
  /// message is nobody else's.
  troupe::detail::envelope* (*to_envelope)(caf::message& m, troupe::detail::envelope_kind kind);
  /// The list that a vector of them stands for.
  term (*vector_to_term)(const void* vector);
  /// The payload of that envelope, which must hold one.
  caf::message (*from_envelope)(troupe::detail::envelope& e);
  /// What a term stands for, if it is one of this type: appended. False: it is none.
  bool (*append_term)(caf::message_builder& to, const term& value);
};

template <class E, class T>
E* as_envelope(caf::message& m, troupe::detail::envelope_kind kind) {
  if (m.shared()) return troupe::detail::make_envelope<E, T>(kind, m.get_as<T>(0));
  return troupe::detail::make_envelope<E, T>(kind, std::move(m.get_mutable_as<T>(0)));
}

template <class T>
inline constexpr message_type message_type_of = {
    .type = &descriptor_of<T>,
    .vector = &typeid(std::vector<T>),
    .to_envelope = [](caf::message& m, troupe::detail::envelope_kind kind) -> troupe::detail::envelope* {
      if (kind == troupe::detail::envelope_kind::request)
        return as_envelope<troupe::detail::request_envelope, T>(m, kind);
      if (kind == troupe::detail::envelope_kind::reply) return as_envelope<troupe::detail::routed_envelope, T>(m, kind);
      return as_envelope<troupe::detail::envelope, T>(m, kind);
    },
    .vector_to_term =
        [](const void* vector) {
          std::vector<term> elements;
          for (const T& value : *static_cast<const std::vector<T>*>(vector)) elements.push_back(to_term(value));
          return term::list(std::move(elements));
        },
    .from_envelope = [](troupe::detail::envelope& e) { return caf::make_message(troupe::detail::take_payload<T>(e)); },
    .append_term =
        [](caf::message_builder& to, const term& value) {
          std::optional<T> built = try_from_term<T>(value);
          if (built) to.append(std::move(*built));
          return built.has_value();
        },
};

/// From now on every crossing that is made knows it.
void note_message(const message_type& type);

/// The types that were added before it was made. Any thread.
class message_table {
 public:
  message_table();

  /// Null when the type was not added.
  const message_type* find(const type_descriptor& type) const noexcept;
  const message_type* find(const std::type_info& type) const noexcept;
  const message_type* find_vector(const std::type_info& type) const noexcept;
  /// Those whose terms have that dynamic_key; null when there are none.
  const std::vector<const message_type*>* find_key(std::uint64_t dynamic_key) const noexcept;

 private:
  std::unordered_map<std::uint64_t, const message_type*> by_hash_;
  std::unordered_map<std::type_index, const message_type*> by_type_;
  std::unordered_map<std::type_index, const message_type*> by_vector_;
  std::unordered_map<std::uint64_t, std::vector<const message_type*>> by_key_;
};

/// Which process an actor is, and the other way round.
class identities {
 public:
  virtual pid pid_of(const caf::strong_actor_ptr& actor) = 0;
  virtual caf::actor actor_of(const pid& process) = 0;

 protected:
  ~identities() = default;
};

/// A CAF message that no process can get: one of its elements is of a type that was not added.
class unknown_type : public std::runtime_error {
 public:
  explicit unknown_type(const std::string& name);
};

/// Turns messages of one world into those of the other. Any thread.
class translator {
 public:
  translator(caf::actor_system& system, identities& who) : system_(system), who_(who) {}

  /// An envelope of kind message, request or reply. Throws unknown_type, and what make_envelope throws.
  troupe::detail::envelope_ptr to_envelope(caf::message& m, troupe::detail::envelope_kind kind);
  /// One element of a CAF message. Throws unknown_type.
  term to_term(const caf::message& m, std::size_t element);

  /// The payload of a message, request or reply; the envelope keeps what is left of it. Null: the empty message. Throws
  /// what to_term throws.
  caf::message to_message(troupe::detail::envelope* e);
  caf::message to_message(const term& value);

 private:
  void append(caf::message_builder& to, const term& value);
  bool append_added(caf::message_builder& to, const term& value);
  bool append_list(caf::message_builder& to, const term& value);

  message_table table_;
  caf::actor_system& system_;
  identities& who_;
};

}  // namespace detail

/// Says that T, a message of troupe's, may cross: it is one of CAF's message types from now on (its add_message_type),
/// made from T's reflection, and a CAF message whose only element is a T is that T for a process, moved or copied and
/// never taken to parts; a term that stands for a T (from Erlang, say) reaches a CAF actor as a T. `name` is its name
/// for CAF; unless given, that of its terms. T needs a default and a copy, as CAF wants. Call it before the
/// caf::actor_system is made. Any thread, but one at a time for each config.
template <class T>
void add_message(caf::actor_system_config& config, std::string name = std::string(troupe::detail::tag<T>())) {
  troupe::detail::assert_sendable<T>();
  static_assert(std::is_default_constructible_v<T> && std::is_copy_constructible_v<T>,
                "troupe: CAF makes messages without values and copies them, so T needs a default constructor and a "
                "copy constructor");
  config.add_message_type<T>(std::move(name));
  detail::note_message(detail::message_type_of<T>);
}

/// What CAF should know of troupe besides its messages: terms, atoms, pids, references, and how the errors of
/// error_category read. bridge::install and bridge::config have called it. One thread at a time for each
/// config.
void add_types(caf::actor_system_config& config);

}  // namespace troupe::bridge
