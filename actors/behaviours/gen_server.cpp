// SPDX-License-Identifier: BSL-1.0
// The parts of gen_server that need no class.
#include <troupe/actors/behaviours/gen_server.hpp>

#include <troupe/actors/log.hpp>

#include <string>
#include <utility>

namespace troupe {

using namespace literals;

namespace {

detail::gen_core& core_of_this_start() {
  if (detail::gen_core* core = detail::gen_core::making()) return *core;
  throw usage_error("troupe: a gen_server lives in a process of its own: make it with start or start_link");
}

}  // namespace

gen_server::gen_server() : core_(core_of_this_start()) {}

namespace detail {

void write_destination(const destination& to, term_sink& sink) {
  switch (to.which()) {
    case destination::kind::process: return sink.put_pid(to.process());
    case destination::kind::name: return sink.put_atom(to.name());
    case destination::kind::alias: return sink.put_reference(to.alias());
    case destination::kind::remote_name:
      sink.begin_tuple(2);
      sink.put_atom(to.name());
      sink.put_atom(to.node());
      sink.end_tuple();
  }
}

bool read_destination(term_source& source, std::optional<destination>& out) {
  pid process;
  atom name;
  atom node;
  reference alias;
  if (source.read_pid(process)) return out.emplace(process), true;
  if (source.read_atom(name)) return out.emplace(name), true;
  if (source.read_reference(alias)) return out.emplace(alias), true;
  const auto start = source.mark();
  std::size_t size = 0;
  if (!source.begin_tuple(size)) return false;
  if (size == 2 && source.read_atom(name) && source.read_atom(node)) {
    source.end_tuple();
    out.emplace(name, node);
    return true;
  }
  source.rewind(start);
  return false;
}

void unexpected_message(gen_core& core) noexcept {
  try {
    const envelope& e = *core.current;
    const std::string text = e.type == nullptr ? std::string("ok") : payload_to_term(e).to_string();
    if (e.kind == envelope_kind::request) {
      core.self.log(log_level::warning, "{} answers no such call: {}", core.describe(), text);
      refuse_request(static_cast<request_envelope&>(*core.current),
                     term::tuple({"unexpected_call"_atom, payload_to_term(e)}));
    } else {
      core.self.log(log_level::warning, "{} has no handler for the {} {}", core.describe(),
                    e.label == gen_label::cast ? "cast" : "message", text);
    }
  } catch (...) {
    core.self.log(log_level::warning, "a server got a message that cannot be shown");
  }
  core.current.reset();
}

void throw_no_continued(const envelope& e) {
  throw usage_error("troupe: continue_with was given a " + std::string(e.type->name) +
                    ", for which no continued<&C::method> is in `handles`");
}

}  // namespace detail
}  // namespace troupe
