// SPDX-License-Identifier: BSL-1.0
// Envelopes to frames.
#include <troupe/net/control.hpp>

#include <troupe/actors/router.hpp>
#include <troupe/mailbox/encoded_term.hpp>
#include <troupe/net/etf/writer.hpp>
#include <troupe/net/flags.hpp>

#include <stdexcept>
#include <string>

namespace troupe::detail {

using namespace literals;

namespace {

constexpr std::uint8_t pass_through = 112;

/// One frame: its length is written when it is complete. What throws inside leaves nothing behind.
class frame {
 public:
  explicit frame(etf::buffer& out) : out_(out), start_(out.size()), to_(out) {
    out_.put32(0);
    out_.put8(pass_through);
  }
  frame(const frame&) = delete;
  frame& operator=(const frame&) = delete;
  ~frame() {
    if (!done_) out_.truncate(start_);
  }

  /// {Op, ...} with so many elements, the operation included.
  etf::writer& control(control_op op, std::size_t size) {
    etf::write_version(out_);
    to_.begin_tuple(size);
    to_.put_integer(static_cast<std::int64_t>(op));
    return to_;
  }
  etf::writer& payload() {
    etf::write_version(out_);
    return to_;
  }
  void payload(const envelope& e) {
    if (e.type == nullptr) {
      payload().put_atom("ok"_atom);
    } else if (e.type == &descriptor_of<encoded_term>) {
      // On its way through this node.
      payload().put_term(static_cast<const encoded_term*>(payload_of(e))->decode());
    } else {
      e.type->visit(payload_of(e), payload());
    }
  }
  void payload_here(const envelope& e) {
    if (e.type == nullptr)
      to_.put_atom("ok"_atom);
    else if (e.type == &descriptor_of<encoded_term>)
      to_.put_term(static_cast<const encoded_term*>(payload_of(e))->decode());
    else
      e.type->visit(payload_of(e), to_);
  }
  void done() {
    const std::size_t size = out_.size() - start_ - 4;
    if (size > 0xffffffffU)
      throw std::length_error("troupe: a message of " + std::to_string(size) +
                              " bytes is more than a connection can carry, 4294967295");
    out_.set32(start_, static_cast<std::uint32_t>(size));
    done_ = true;
  }

 private:
  etf::buffer& out_;
  std::size_t start_;
  etf::writer to_;
  bool done_ = false;
};

bool has(std::uint64_t flags, std::uint64_t flag) noexcept {
  return (flags & flag) != 0;
}

/// The process by its pid, or by its name on the node that the frame goes to.
void put_target(etf::writer& w, const destination& to) {
  if (to.which() == destination::kind::remote_name)
    w.put_atom(to.name());
  else
    w.put_pid(to.process());
}

/// [alias|Ref]: how a caller's tag is written so that the answer goes to the alias.
void put_alias_tag(etf::writer& w, const reference& alias) {
  w.begin_improper_list(1);
  w.put_atom("alias"_atom);
  w.put_reference(alias);
  w.end_improper_list();
}

void begin_send(frame& f, std::uint64_t flags, const pid& from, const destination& to) {
  switch (to.which()) {
    case destination::kind::alias: {
      auto& w = f.control(control_op::alias_send, 3);
      w.put_pid(from);
      w.put_reference(to.alias());
      return;
    }
    case destination::kind::remote_name:
    case destination::kind::name: {
      auto& w = f.control(control_op::reg_send, 4);
      w.put_pid(from);
      w.put_atom(atom());
      w.put_atom(to.name());
      return;
    }
    case destination::kind::process: {
      const bool named = has(flags, dist_flag::send_sender);
      auto& w = f.control(named ? control_op::send_sender : control_op::send, 3);
      if (named)
        w.put_pid(from);
      else
        w.put_atom(atom());
      w.put_pid(to.process());
      return;
    }
  }
}

void write_monitor(etf::buffer& out, control_op op, const pid& watcher, const destination& to, const reference& ref) {
  frame f(out);
  auto& w = f.control(op, 4);
  w.put_pid(watcher);
  put_target(w, to);
  w.put_reference(ref);
  f.done();
}

/// Operations whose reason is a payload when both can do that, else an element.
void write_reason(frame& f, bool as_payload, const term& reason, etf::writer& w) {
  if (as_payload)
    f.payload().put_term(reason);
  else
    w.put_term(reason);
  f.done();
}

void write_exit(etf::buffer& out, std::uint64_t flags, bool by_link, const pid& from, const pid& to,
                const term& reason) {
  const bool as_payload = has(flags, dist_flag::exit_payload);
  frame f(out);
  const control_op op = by_link ? (as_payload ? control_op::payload_exit : control_op::exit)
                                : (as_payload ? control_op::payload_exit2 : control_op::exit2);
  auto& w = f.control(op, as_payload ? 3 : 4);
  w.put_pid(from);
  w.put_pid(to);
  write_reason(f, as_payload, reason, w);
}

void write_down(etf::buffer& out, std::uint64_t flags, const pid& process, atom name, const pid& watcher,
                const reference& ref, const term& reason) {
  const bool as_payload = has(flags, dist_flag::exit_payload);
  frame f(out);
  auto& w = f.control(as_payload ? control_op::payload_monitor_p_exit : control_op::monitor_p_exit, as_payload ? 4 : 5);
  if (name.empty())
    w.put_pid(process);
  else
    w.put_atom(name);
  w.put_pid(watcher);
  w.put_reference(ref);
  write_reason(f, as_payload, reason, w);
}

void write_pair(etf::buffer& out, control_op op, const pid& from, const pid& to) {
  frame f(out);
  auto& w = f.control(op, 3);
  w.put_pid(from);
  w.put_pid(to);
  f.done();
}

void write_unlink(etf::buffer& out, control_op op, std::uint64_t id, const pid& from, const pid& to) {
  frame f(out);
  auto& w = f.control(op, 4);
  w.put_unsigned(id);
  w.put_pid(from);
  w.put_pid(to);
  f.done();
}

bool write_spawn(etf::buffer& out, std::uint64_t flags, const request_envelope& request) {
  if (!has(flags, dist_flag::spawn)) return false;
  const auto& order = *static_cast<const spawn_order*>(payload_of(request));
  frame f(out);
  auto& w = f.control(control_op::spawn_request, 6);
  w.put_reference(request.ref);
  w.put_pid(request.from);
  w.put_pid(order.group_leader ? order.group_leader : request.from);
  w.begin_tuple(3);
  w.put_atom(order.module);
  w.put_atom(order.function);
  w.put_integer(static_cast<std::int64_t>(order.arguments.size()));
  w.end_tuple();
  const std::size_t options = (order.link ? 1U : 0U) + (order.monitor ? 1U : 0U);
  w.begin_list(options);
  if (order.monitor) w.put_atom("monitor"_atom);
  if (order.link) w.put_atom("link"_atom);
  w.end_list();
  f.payload().put_term(order.arguments);
  f.done();
  return true;
}

bool write_request(etf::buffer& out, std::uint64_t flags, const destination& to, const request_envelope& request) {
  if (request.type == &descriptor_of<spawn_order>) return write_spawn(out, flags, request);
  const std::size_t start = out.size();
  // One that was delegated to us by a caller on another node: that caller monitors whom it has asked.
  if (request.remote == nullptr) write_monitor(out, control_op::monitor_p, request.from, to, request.ref);
  try {
    frame f(out);
    begin_send(f, flags, request.from, to);
    auto& w = f.payload();
    w.begin_tuple(3);
    switch (request.label) {
      case gen_label::system: w.put_atom("system"_atom); break;
      case gen_label::event: w.put_pid(request.from); break;
      default: w.put_atom("$gen_call"_atom); break;
    }
    w.begin_tuple(2);
    w.put_pid(request.from);
    if (request.remote != nullptr)
      w.put_term(request.remote->tag);
    else if (has(flags, dist_flag::alias))
      put_alias_tag(w, request.ref);
    else
      w.put_reference(request.ref);
    w.end_tuple();
    f.payload_here(request);
    w.end_tuple();
    f.done();
  } catch (...) {
    out.truncate(start);
    throw;
  }
  return true;
}

}  // namespace

bool write_frames(etf::buffer& out, std::uint64_t flags, const pid& from, const destination& to, const envelope& e) {
  if (is_signal(e.kind)) {
    const auto& s = static_cast<const signal_envelope&>(e);
    switch (e.kind) {
      case envelope_kind::exit:
        write_exit(out, flags, false, s.from ? s.from : from, to.process(), s.reason);
        return true;
      case envelope_kind::link_exit: write_exit(out, flags, true, s.from, to.process(), s.reason); return true;
      case envelope_kind::link: write_pair(out, control_op::link, s.from, to.process()); return true;
      case envelope_kind::unlink: write_unlink(out, control_op::unlink_id, s.number, s.from, to.process()); return true;
      case envelope_kind::unlink_ack:
        write_unlink(out, control_op::unlink_id_ack, s.number, s.from, to.process());
        return true;
      case envelope_kind::monitor: write_monitor(out, control_op::monitor_p, s.from, to, s.ref); return true;
      case envelope_kind::demonitor: write_monitor(out, control_op::demonitor_p, s.from, to, s.ref); return true;
      case envelope_kind::down: write_down(out, flags, s.from, s.name, to.process(), s.ref, s.reason); return true;
      case envelope_kind::group_leader: write_pair(out, control_op::group_leader, s.from, to.process()); return true;
      default: return false;
    }
  }
  switch (e.kind) {
    case envelope_kind::message:
    case envelope_kind::alias_message: {
      if (to.which() == destination::kind::alias && !has(flags, dist_flag::alias)) return false;
      frame f(out);
      begin_send(f, flags, from, to);
      if (e.label == gen_label::cast) {
        auto& w = f.payload();
        w.begin_tuple(2);
        w.put_atom("$gen_cast"_atom);
        f.payload_here(e);
        w.end_tuple();
      } else {
        f.payload(e);
      }
      f.done();
      return true;
    }
    case envelope_kind::request: return write_request(out, flags, to, static_cast<const request_envelope&>(e));
    default: return false;
  }
}

reference alias_in_tag(const term& tag) noexcept {
  const auto of = [](const term& t) -> const term* {
    return t.is_improper_list() && t.size() == 1 && t.elements()[0].is_atom("alias"_atom) && t.tail().is_reference()
               ? &t.tail()
               : nullptr;
  };
  const term* found = of(tag);
  if (found == nullptr && (tag.is_improper_list() || tag.is_list()) && tag.size() > 0) found = of(tag.elements()[0]);
  return found != nullptr ? found->as_reference() : reference();
}

void write_answer(etf::buffer& out, std::uint64_t flags, const pid& from, const request_envelope& request,
                  const envelope* reply) {
  const term& tag = request.remote->tag;
  const reference alias = has(flags, dist_flag::alias) ? alias_in_tag(tag) : reference();
  frame f(out);
  begin_send(f, flags, from, alias ? destination(alias) : destination(request.from));
  auto& w = f.payload();
  w.begin_tuple(2);
  w.put_term(tag);
  if (reply == nullptr || reply->type == nullptr)
    w.put_atom("ok"_atom);
  else
    f.payload_here(*reply);
  w.end_tuple();
  f.done();
}

void write_spawn_reply(etf::buffer& out, const reference& ref, const pid& to, std::uint64_t made, const pid& process,
                       atom error) {
  frame f(out);
  auto& w = f.control(control_op::spawn_reply, 5);
  w.put_reference(ref);
  w.put_pid(to);
  w.put_integer(static_cast<std::int64_t>(made));
  if (process)
    w.put_pid(process);
  else
    w.put_atom(error);
  f.done();
}

reference monitor_in_tag(const term& tag) noexcept {
  // A caller of OTP 24 or later monitors under the reference that is its tag's alias; before, under the tag itself. In
  // a tag with two, [[alias|Alias]|Monitor], it is the second one.
  if (tag.is_reference()) return tag.as_reference();
  if (tag.is_improper_list() && tag.size() == 1 && tag.tail().is_reference()) return tag.tail().as_reference();
  return alias_in_tag(tag);
}

bool write_refusal(etf::buffer& out, std::uint64_t flags, const pid& from, const request_envelope& request,
                   const term& reason) {
  const reference monitor = monitor_in_tag(request.remote->tag);
  if (!monitor) return false;
  write_down(out, flags, from, atom(), request.from, monitor, reason);
  return true;
}

}  // namespace troupe::detail
