// SPDX-License-Identifier: BSL-1.0
// The table of exit reasons, in both directions.
#include <troupe/actors/caf/reasons.hpp>

#include <caf/exit_reason.hpp>
#include <caf/make_message.hpp>
#include <caf/message.hpp>
#include <caf/sec.hpp>

#include <optional>

namespace troupe::bridge {

using namespace literals;

namespace {

constexpr caf::atom_value exit_category = caf::atom("exit");
constexpr caf::atom_value system_category = caf::atom("system");

caf::error known(caf::exit_reason reason) {
  return caf::make_error(reason);
}

caf::error foreign(const term& reason) {
  return caf::error(1, error_category, caf::make_message(reason));
}

/// {caf, Category, Code, Text}
std::optional<caf::error> own_error_of_caf(const term& reason) {
  if (!reason.is_tuple("caf"_atom) || reason.size() != 4 || !reason[1].is_atom() || !reason[2].is_integer() ||
      reason[2].is_big() || reason[2].as_integer() < 1 || reason[2].as_integer() > 255 || !reason[3].is_binary())
    return std::nullopt;
  const std::string name(reason[1].as_atom().name());
  const caf::atom_value category = caf::atom_from_string(name);
  if (caf::to_string(category) != name) return std::nullopt;
  return caf::error(static_cast<std::uint8_t>(reason[2].as_integer()), category,
                    caf::make_message(std::string(reason[3].as_binary())));
}

/// What CAF's own text for the code is, or the context that it came with.
std::string text_of(const caf::error& reason) {
  const caf::message& context = reason.context();
  if (context.size() == 1 && context.match_element<std::string>(0)) return context.get_as<std::string>(0);
  if (reason.category() == exit_category) return caf::to_string(static_cast<caf::exit_reason>(reason.code()));
  if (reason.category() == system_category) return caf::to_string(static_cast<caf::sec>(reason.code()));
  return caf::to_string(reason);
}

}  // namespace

caf::error to_error(const term& reason) {
  if (reason.is_atom()) {
    const atom word = reason.as_atom();
    if (word == "normal"_atom) return {};
    if (word == "killed"_atom || word == "kill"_atom) return known(caf::exit_reason::kill);
    if (word == "shutdown"_atom) return known(caf::exit_reason::user_shutdown);
    if (word == "noconnection"_atom) return known(caf::exit_reason::remote_link_unreachable);
    if (word == "noproc"_atom) return known(caf::exit_reason::unknown);
    if (word == "timeout"_atom) return caf::make_error(caf::sec::request_timeout);
  }
  if (std::optional<caf::error> own = own_error_of_caf(reason)) return std::move(*own);
  return foreign(reason);
}

caf::error to_request_error(const term& reason) {
  if (reason.is_atom("noproc"_atom) || reason.is_atom("no_reply"_atom) || reason.is_atom("normal"_atom))
    return caf::make_error(caf::sec::request_receiver_down, reason.to_string());
  return to_error(reason);
}

term to_reason(const caf::error& reason) {
  if (!reason) return "normal"_atom;
  if (reason.category() == exit_category) {
    switch (static_cast<caf::exit_reason>(reason.code())) {
      case caf::exit_reason::kill: return "killed"_atom;
      case caf::exit_reason::user_shutdown: return "shutdown"_atom;
      case caf::exit_reason::remote_link_unreachable: return "noconnection"_atom;
      case caf::exit_reason::unknown: return "noproc"_atom;
      default: break;
    }
  } else if (reason.category() == system_category) {
    switch (static_cast<caf::sec>(reason.code())) {
      case caf::sec::request_receiver_down: return "noproc"_atom;
      case caf::sec::request_timeout: return "timeout"_atom;
      default: break;
    }
  } else if (reason.category() == error_category) {
    if (reason.context().size() == 1 && reason.context().match_element<term>(0))
      return reason.context().get_as<term>(0);
  }
  return term::tuple({"caf"_atom, atom(caf::to_string(reason.category())), reason.code(), text_of(reason)});
}

std::string render_error(std::uint8_t, caf::atom_value, const caf::message& context) {
  if (context.size() == 1 && context.match_element<term>(0)) return context.get_as<term>(0).to_string();
  return caf::to_string(context);
}

}  // namespace troupe::bridge
