// SPDX-License-Identifier: BSL-1.0
// What a sink does unless its format says otherwise.
#include <troupe/mailbox/term_sink.hpp>

#include <troupe/mailbox/term_walk.hpp>

#include <stdexcept>
#include <string>

namespace troupe {

using namespace literals;

term_sink::~term_sink() = default;

void term_sink::put_unsigned(std::uint64_t value) {
  if (value <= static_cast<std::uint64_t>(INT64_MAX))
    put_integer(static_cast<std::int64_t>(value));
  else
    put_opaque(term(value));
}

void term_sink::put_opaque(const term& value) {
  throw std::invalid_argument(
      "troupe: this format has no " +
      (value.is_big() ? "integers beyond 64 bits" : std::string(to_string(value.kind())) + "s") + " such as " +
      value.to_string().substr(0, 100));
}

void term_sink::begin_improper_list(std::size_t) {
  throw std::invalid_argument("troupe: this format has no improper lists");
}

void term_sink::end_improper_list() {}

void term_sink::put_text(std::string_view text) {
  put_binary(text);
}

void term_sink::put_bool(bool value) {
  put_atom(value ? "true"_atom : "false"_atom);
}

void term_sink::put_undefined() {
  put_atom("undefined"_atom);
}

void term_sink::begin_struct(atom name, std::size_t size) {
  if (size != 0) begin_tuple(size + 1);
  put_atom(name);
}

void term_sink::member(std::string_view) {}

void term_sink::end_struct(atom, std::size_t size) {
  if (size != 0) end_tuple();
}

void term_sink::put_term(const term& value) {
  struct to_sink {
    term_sink& sink;
    void leaf(const term& t) {
      switch (t.kind()) {
        case term_kind::integer: return t.is_big() ? sink.put_opaque(t) : sink.put_integer(t.as_integer());
        case term_kind::floating: return sink.put_floating(t.as_floating());
        case term_kind::atom: return sink.put_atom(t.as_atom());
        case term_kind::reference: return sink.put_reference(t.as_reference());
        case term_kind::pid: return sink.put_pid(t.as_pid());
        case term_kind::binary: return sink.put_binary(t.as_binary());
        case term_kind::bit_string:
        case term_kind::port:
        case term_kind::function: return sink.put_opaque(t);
        case term_kind::tuple:
        case term_kind::map:
        case term_kind::list:
        case term_kind::improper_list: return;
      }
    }
    void open(const term& t) {
      if (t.is_tuple()) return sink.begin_tuple(t.size());
      if (t.is_list()) return sink.begin_list(t.size());
      if (t.is_improper_list()) return sink.begin_improper_list(t.size());
      sink.begin_map(t.size());
    }
    void close(const term& t) {
      if (t.is_tuple()) return sink.end_tuple();
      if (t.is_list()) return sink.end_list();
      if (t.is_improper_list()) return sink.end_improper_list();
      sink.end_map();
    }
    void before(const term&, std::size_t) {}
  };
  detail::walk(value, to_sink{*this});
}

}  // namespace troupe
