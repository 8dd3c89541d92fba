// SPDX-License-Identifier: BSL-1.0
// The asking side of gen_event, and how its requests look on the wire.
#include <troupe/actors/behaviours/gen_event.hpp>
#include <troupe/actors/runtime.hpp>

#include <utility>

namespace troupe {

using namespace literals;

namespace detail {

namespace {

/// {error, Reason}: the Reason.
std::optional<term> error_in(const envelope& answer) {
  std::optional<term> reason;
  if (answer.type == nullptr) return reason;
  if (is_encoded(answer) ? encoded_payload(answer).key() != tagged_key("error"_atom.hash(), 2)
                         : answer.type != &descriptor_of<term>)
    return reason;
  const term value = payload_to_term(answer);
  if (value.is_tuple("error"_atom) && value.size() == 2) reason = value.elements()[1];
  return reason;
}

bool is_elsewhere(context& self, const destination& bus) {
  return bus.which() == destination::kind::remote_name || (bus.which() == destination::kind::process && bus.process() &&
                                                           !slot_access::of(self).rt->is_local(bus.process()));
}

envelope_ptr request_of(term what) {
  return event_request<term>(std::move(what));
}

task<> want_ok(context& self, destination bus, term what) {
  const term sent = what;
  const term answer = co_await call_handler<term>(self, bus, request_of(std::move(what)), infinity);
  if (answer.is_atom("ok"_atom)) co_return;
  throw call_failed(answer.is_tuple("error"_atom) && answer.size() == 2 ? answer.elements()[1] : answer, bus.to_term(),
                    sent.to_string());
}

task<term> want_left(context& self, destination bus, term what) {
  term left = co_await call_handler<term>(self, bus, request_of(std::move(what)), infinity);
  const term none = term::tuple({"error"_atom, "module_not_found"_atom});
  if (left == none) throw call_failed("module_not_found"_atom, bus.to_term(), "delete_handler");
  co_return left;
}

task<std::vector<term>> want_list(context& self, destination bus, term what) {
  const term answer = co_await call_handler<term>(self, bus, request_of(std::move(what)), infinity);
  if (!answer.is_list()) throw call_failed("bad_reply"_atom, bus.to_term(), "which_handlers");
  const auto elements = answer.elements();
  co_return std::vector<term>(elements.begin(), elements.end());
}

bool read_pair(term_source& source, std::string_view tag, std::optional<any_message>& out) {
  const auto start = source.mark();
  std::size_t size = 0;
  if (!source.begin_tuple(size)) return source.fail("a tuple of 2");
  if (size == 2 && source.read_tag(tag)) {
    out.emplace(any_message::of(source.read_term()));
    source.end_tuple();
    return true;
  }
  source.rewind(start);
  return source.fail("a tuple of 2");
}
void write_pair(term_sink& sink, atom tag, const any_message& content) {
  sink.begin_tuple(2);
  sink.put_atom(tag);
  sink.put_term(content.to_term());
  sink.end_tuple();
}

}  // namespace

task<envelope_ptr> ask_manager(context& self, destination bus, envelope_ptr request, duration patience,
                               bool keeps_errors) {
  slot& s = slot_access::of(self);
  question asked(s, bus, static_cast<request_envelope*>(request.release()));
  asked.deadline = later(self.now(), patience);
  asked.ask(true);
  questions_wait wait(s, {&asked}, 1);
  static_cast<void>(co_await wait);
  envelope_ptr answer = asked.take();
  if (!keeps_errors)
    if (const std::optional<term> why = error_in(*answer)) asked.fail(*why);
  co_return answer;
}

task<> order_handler(context& self, destination bus, envelope_ptr order, duration patience) {
  if (is_elsewhere(self, bus))
    throw usage_error(
        "troupe: a class cannot go to another node: name a handler that is known there, with "
        "gen_event::add_named, instead of adding one to " +
        bus.to_term().to_string());
  static_cast<void>(co_await ask_manager(self, bus, std::move(order), patience, false));
}

}  // namespace detail

task<term> gen_event::call(context& self, const destination& bus, const term& handler, const term& question,
                           detail::duration patience) {
  return detail::call_handler<term>(
      self, bus, detail::event_request<detail::event_question>(handler, any_message::of(question)), patience);
}

task<> gen_event::add_named(context& self, const destination& bus, const term& handler, const term& arguments) {
  return detail::want_ok(self, bus, term::tuple({"add_handler"_atom, handler, arguments}));
}

task<term> gen_event::delete_handler(context& self, const destination& bus, const term& handler, const term& why) {
  return detail::want_left(self, bus, term::tuple({"delete_handler"_atom, handler, why}));
}

task<std::vector<term>> gen_event::which_handlers(context& self, const destination& bus) {
  return detail::want_list(self, bus, term("which_handlers"_atom));
}

task<> gen_event::place(context& self, const destination& bus, detail::event_body_ptr body, bool supervised,
                        std::optional<term> instead, term why) {
  detail::envelope_ptr order =
      detail::event_request<detail::event_order>(std::move(body), supervised, std::move(instead), std::move(why));
  return detail::order_handler(self, bus, std::move(order), infinity);
}

void codec<detail::event_notice>::visit(const detail::event_notice& value, term_sink& sink) {
  detail::write_pair(sink, "notify"_atom, value.event);
}
bool codec<detail::event_notice>::read(term_source& source, std::optional<detail::event_notice>& out) {
  std::optional<any_message> content;
  if (!detail::read_pair(source, "notify", content)) return false;
  out.emplace(detail::event_notice{std::move(*content)});
  return true;
}

void codec<detail::event_sync_notice>::visit(const detail::event_sync_notice& value, term_sink& sink) {
  detail::write_pair(sink, "sync_notify"_atom, value.event);
}
bool codec<detail::event_sync_notice>::read(term_source& source, std::optional<detail::event_sync_notice>& out) {
  std::optional<any_message> content;
  if (!detail::read_pair(source, "sync_notify", content)) return false;
  out.emplace(detail::event_sync_notice{std::move(*content)});
  return true;
}

void codec<detail::event_question>::visit(const detail::event_question& value, term_sink& sink) {
  sink.begin_tuple(3);
  sink.put_atom("call"_atom);
  sink.put_term(value.handler);
  sink.put_term(value.question.to_term());
  sink.end_tuple();
}
bool codec<detail::event_question>::read(term_source& source, std::optional<detail::event_question>& out) {
  const auto start = source.mark();
  std::size_t size = 0;
  if (!source.begin_tuple(size)) return source.fail("{call,Handler,Question}");
  if (size == 3 && source.read_tag("call")) {
    term handler = source.read_term();
    any_message question = any_message::of(source.read_term());
    source.end_tuple();
    out.emplace(detail::event_question{std::move(handler), std::move(question)});
    return true;
  }
  source.rewind(start);
  return source.fail("{call,Handler,Question}");
}

}  // namespace troupe
