// SPDX-License-Identifier: BSL-1.0
// Control messages from another node, one case each.
#include <troupe/net/inbound.hpp>

#include <troupe/actors/runtime.hpp>
#include <troupe/net/control.hpp>
#include <troupe/net/distribution.hpp>
#include <troupe/net/remote_spawn.hpp>

#include <utility>

namespace troupe::detail {

using namespace literals;

namespace {

constexpr std::byte pass_through_byte{112};
constexpr std::byte version{131};
constexpr std::byte list_tag{108};
constexpr std::byte pid_tag{88};
constexpr std::byte reference_tag{90};
constexpr std::byte small_tuple_tag{104};

/// Smaller payloads are copied out of the buffer that they came in, lest a short message that waits for long keep it.
constexpr std::size_t share_from = 4096;

}  // namespace

const wire_format etf_format = {
    [](std::span<const std::byte> bytes) {
      etf::reader r(bytes);
      return r.read_term();
    },
    [](std::span<const std::byte> bytes, bool (*use)(void*, term_source&), void* target) {
      etf::reader r(bytes);
      return use(target, r);
    },
};

inbound::inbound(distribution& home, std::shared_ptr<connection> c, context& self)
    : home_(home), connection_(std::move(c)), self_(slot_access::of(self)) {
  limits_.max_size = home.options().max_message;
  limits_.names = etf::name_budget(home.options().max_new_atoms);
}

void inbound::deliver(const pid& to, envelope* e) noexcept {
  runtime& rt = home_.runtime();
  // Of an earlier incarnation of this node, or of no node of ours: nothing is relayed.
  if (!rt.is_local(to)) return rt.bounce(self_.env, to, e, "noproc"_atom);
  rt.deliver(self_.env, connection_->channel(), to, e);
}

void inbound::signal(envelope_kind kind, const pid& from, const pid& to, std::uint64_t number) {
  signal_envelope* e = make_signal(kind, from);
  e->number = number;
  e->connection = connection_->id();
  deliver(to, e);
}

pid inbound::owner_of(const reference& alias) const noexcept {
  const auto words = alias.words();
  runtime& rt = home_.runtime();
  if (alias.node() != rt.node() || words.size() != 5) return {};
  return pid(words[3], words[4], rt.creation(), rt.node());
}

inbound::payload_bytes inbound::payload(std::span<const std::byte> rest) {
  if (rest.empty() || rest[0] != version) throw protocol_error("a control message without the payload that it needs");
  rest = rest.subspan(1);
  const etf::skimmed found = etf::skim(rest, limits_);
  if (found.length != rest.size())
    throw protocol_error(std::to_string(rest.size() - found.length) + " bytes behind the payload");
  return {rest, found.dynamic_key};
}

term inbound::reason(std::span<const std::byte> rest) {
  return etf_format.decode(payload(rest).bytes);
}

encoded_term inbound::keep(std::span<const std::byte> bytes, std::uint64_t key, const block_ptr& block) const {
  if (block && bytes.size() >= share_from) return encoded_term(etf_format, block, bytes, key);
  block_ptr copy(byte_block::copy_of(bytes));
  const auto copied = copy->bytes();
  return encoded_term(etf_format, std::move(copy), copied, key);
}

pid inbound::read_pid(etf::reader& r, const char* what) const {
  pid value;
  if (!r.read_pid(value)) throw protocol_error(std::string("expected a pid as ") + what + ", got " + r.describe());
  return value;
}

pid inbound::read_peer(etf::reader& r, const char* what) const {
  const pid value = read_pid(r, what);
  if (node_name(value.node()) != connection_->peer())
    throw protocol_error(std::string("expected a pid of ") + connection_->peer() + " as " + what + ", got one of " +
                         std::string(node_name(value.node())));
  return value;
}

atom inbound::read_atom(etf::reader& r, const char* what) const {
  atom value;
  if (!r.read_atom(value)) throw protocol_error(std::string("expected an atom as ") + what + ", got " + r.describe());
  return value;
}

reference inbound::read_reference(etf::reader& r, const char* what) const {
  reference value;
  if (!r.read_reference(value))
    throw protocol_error(std::string("expected a reference as ") + what + ", got " + r.describe());
  return value;
}

std::uint64_t inbound::read_number(etf::reader& r, const char* what) const {
  std::uint64_t value = 0;
  if (!r.read_unsigned(value))
    throw protocol_error(std::string("expected a number as ") + what + ", got " + r.describe());
  return value;
}

pid inbound::read_target(etf::reader& r, atom& name) const {
  pid process;
  if (r.read_pid(process)) return process;
  name = read_atom(r, "the process");
  return home_.runtime().whereis(name);
}

void inbound::take(std::span<const std::byte> frame, const block_ptr& block) {
  if (frame.size() < 3 || frame[0] != pass_through_byte || frame[1] != version)
    throw protocol_error("a frame that begins with neither 112 131 nor anything else that was agreed on");
  const auto bytes = frame.subspan(2);
  const etf::skimmed control = etf::skim(bytes, limits_);
  const auto rest = bytes.subspan(control.length);
  etf::reader r(bytes.first(control.length));
  std::size_t size = 0;
  std::uint64_t number = 0;
  if (!r.begin_tuple(size) || size == 0 || !r.read_unsigned(number))
    throw protocol_error("a control message that is no tuple with a number: " + r.describe());
  const auto want = [&](std::size_t elements) {
    if (size != elements)
      throw protocol_error("a control message " + std::to_string(number) + " with " + std::to_string(size) +
                           " elements");
  };
  // With a token of Erlang's sequential trace they are the same, with one element more.
  const auto pass_token = [&] { static_cast<void>(r.skip()); };

  const auto op = static_cast<control_op>(number <= 255 ? number : 0);
  switch (op) {
    case control_op::send:
    case control_op::send_tt:
      want(op == control_op::send ? 3 : 4);
      static_cast<void>(r.skip());
      return message(read_pid(r, "the receiver"), reference(), payload(rest), block);
    case control_op::send_sender:
    case control_op::send_sender_tt:
      want(op == control_op::send_sender ? 3 : 4);
      static_cast<void>(read_pid(r, "the sender"));
      return message(read_pid(r, "the receiver"), reference(), payload(rest), block);
    case control_op::reg_send:
    case control_op::reg_send_tt: {
      want(op == control_op::reg_send ? 4 : 5);
      static_cast<void>(read_pid(r, "the sender"));
      static_cast<void>(r.skip());
      const pid to = home_.runtime().whereis(read_atom(r, "the receiver's name"));
      const payload_bytes p = payload(rest);
      if (to) message(to, reference(), p, block);  // nobody has the name: as in Erlang, it is dropped
      return;
    }
    case control_op::alias_send:
    case control_op::alias_send_tt: {
      want(op == control_op::alias_send ? 3 : 4);
      static_cast<void>(read_pid(r, "the sender"));
      const reference alias = read_reference(r, "the alias");
      const payload_bytes p = payload(rest);
      if (const pid owner = owner_of(alias)) message(owner, alias, p, block);
      return;
    }
    case control_op::link: {
      want(3);
      const pid from = read_peer(r, "who links");
      const pid to = read_pid(r, "whom it links with");
      return signal(envelope_kind::link, from, to);
    }
    case control_op::unlink: {
      // Without an id, as before OTP 24: nobody waits for an acknowledgement.
      want(3);
      const pid from = read_peer(r, "who unlinks");
      return signal(envelope_kind::unlink, from, read_pid(r, "whom it unlinks"));
    }
    case control_op::unlink_id:
    case control_op::unlink_id_ack: {
      want(4);
      const std::uint64_t id = read_number(r, "the id");
      const pid from = read_peer(r, "who unlinks");
      const pid to = read_pid(r, "whom it unlinks");
      return signal(op == control_op::unlink_id ? envelope_kind::unlink : envelope_kind::unlink_ack, from, to, id);
    }
    case control_op::exit:
    case control_op::exit_tt:
    case control_op::exit2:
    case control_op::exit2_tt:
    case control_op::payload_exit:
    case control_op::payload_exit_tt:
    case control_op::payload_exit2:
    case control_op::payload_exit2_tt: {
      const bool as_payload = op >= control_op::payload_exit;
      const bool token = op == control_op::exit_tt || op == control_op::exit2_tt || op == control_op::payload_exit_tt ||
                         op == control_op::payload_exit2_tt;
      want(3 + (as_payload ? 0U : 1U) + (token ? 1U : 0U));
      const bool by_link = op == control_op::exit || op == control_op::exit_tt || op == control_op::payload_exit ||
                           op == control_op::payload_exit_tt;
      const pid from = by_link ? read_peer(r, "who has ended") : read_pid(r, "the sender");
      const pid to = read_pid(r, "the receiver");
      if (token) pass_token();
      signal_envelope* e = make_signal(by_link ? envelope_kind::link_exit : envelope_kind::exit, from);
      const envelope_ptr owned(e);
      e->reason = as_payload ? reason(rest) : r.read_term();
      return deliver(to, const_cast<envelope_ptr&>(owned).release());
    }
    case control_op::monitor_p: {
      want(4);
      const pid watcher = read_peer(r, "who monitors");
      atom name;
      const pid to = read_target(r, name);
      signal_envelope* e = make_signal(envelope_kind::monitor, watcher);
      e->connection = connection_->id();
      e->name = name;
      envelope_ptr owned(e);
      e->ref = read_reference(r, "the monitor");
      if (to && !name.empty()) connection_->add_named(e->ref, to);
      return deliver(to, owned.release());
    }
    case control_op::demonitor_p: {
      want(4);
      const pid watcher = read_peer(r, "who monitors");
      pid to;
      atom name;
      if (!r.read_pid(to)) name = read_atom(r, "the process");
      const reference ref = read_reference(r, "the monitor");
      if (!name.empty()) to = connection_->take_named(ref);
      if (!to) return;  // it has ended meanwhile
      signal_envelope* e = make_signal(envelope_kind::demonitor, watcher);
      e->ref = ref;
      e->connection = connection_->id();
      return deliver(to, e);
    }
    case control_op::monitor_p_exit:
    case control_op::payload_monitor_p_exit: {
      const bool as_payload = op == control_op::payload_monitor_p_exit;
      want(as_payload ? 4 : 5);
      pid process;
      if (!r.read_pid(process)) static_cast<void>(read_atom(r, "who has ended"));
      const pid watcher = read_pid(r, "who monitors");
      signal_envelope* e = make_signal(envelope_kind::down, process);
      envelope_ptr owned(e);
      e->ref = read_reference(r, "the monitor");
      e->reason = as_payload ? reason(rest) : r.read_term();
      connection_->settle(e->ref, true);
      return deliver(watcher, owned.release());
    }
    case control_op::group_leader: {
      want(3);
      const pid leader = read_pid(r, "the group leader");
      return signal(envelope_kind::group_leader, leader, read_pid(r, "the process"));
    }
    case control_op::spawn_request:
    case control_op::spawn_request_tt: want(op == control_op::spawn_request ? 6 : 7); return spawn(r, rest);
    case control_op::spawn_reply:
    case control_op::spawn_reply_tt: {
      want(op == control_op::spawn_reply ? 5 : 6);
      const reference ref = read_reference(r, "the request");
      const pid to = read_pid(r, "who spawns");
      const std::uint64_t made = read_number(r, "the flags");
      pid child;
      atom error;
      if (!r.read_pid(child)) error = read_atom(r, "the new process or the error");
      signal_envelope* e = make_signal(envelope_kind::spawn_reply, child);
      e->ref = ref;
      e->number = made;
      e->connection = connection_->id();
      e->reason = error;
      return deliver(to, e);
    }
  }
  throw protocol_error("a control message with the unknown number " + std::to_string(number));
}

// --- messages --------------------------------------------------------------------------------------------------------

void inbound::message(const pid& to, const reference& alias, const payload_bytes& p, const block_ptr& block) {
  if (request(to, p, block) || answer(to, alias, p, block)) return;
  auto bytes = p.bytes;
  std::uint64_t key = p.key;
  gen_label label = gen_label::none;
  if (key == tagged_key("$gen_cast"_atom.hash(), 2)) {
    // {'$gen_cast', Message}: to who is no gen_server, the message itself.
    label = gen_label::cast;
    etf::reader r(bytes);
    std::size_t size = 0;
    static_cast<void>(r.begin_tuple(size) && r.read_tag("$gen_cast"));
    bytes = r.skip();
    key = etf::skim(bytes, limits_).dynamic_key;
  }
  if (!alias) {
    auto* e = make_envelope<envelope, encoded_term>(envelope_kind::message, keep(bytes, key, block));
    e->label = label;
    return deliver(to, e);
  }
  auto* e = make_envelope<routed_envelope, encoded_term>(envelope_kind::alias_message, keep(bytes, key, block));
  e->ref = alias;
  e->label = label;
  deliver(to, e);
}

/// {'$gen_call', {Pid, Tag}, Question}: who calls waits for {Tag, Answer}. With `system` or the caller's own pid
/// instead of the atom it is sys or gen_event that asks.
bool inbound::request(const pid& to, const payload_bytes& p, const block_ptr& block) {
  gen_label label = gen_label::none;
  if (p.key == tagged_key("system"_atom.hash(), 3))
    label = gen_label::system;
  else if (p.bytes.size() > 3 && p.bytes[0] == small_tuple_tag && p.bytes[1] == std::byte{3} && p.bytes[2] == pid_tag)
    label = gen_label::event;
  else if (p.key != tagged_key("$gen_call"_atom.hash(), 3))
    return false;
  etf::reader r(p.bytes);
  std::size_t size = 0;
  pid caller;
  pid labelled;
  if (!r.begin_tuple(size)) return false;
  if (label == gen_label::event ? !r.read_pid(labelled)
                                : !r.read_tag(label == gen_label::system ? "system" : "$gen_call"))
    return false;
  // What is not shaped like a call is a message like others.
  if (!r.begin_tuple(size) || size != 2 || !r.read_pid(caller)) return false;
  if (label == gen_label::event && labelled != caller) return false;
  auto from = std::make_unique<remote_caller>(r.read_term());
  r.end_tuple();
  const auto question = r.skip();
  auto* e = make_envelope<request_envelope, encoded_term>(
      envelope_kind::request, keep(question, etf::skim(question, limits_).dynamic_key, block));
  e->from = caller;
  if (from->tag.is_reference())
    e->ref = from->tag.as_reference();
  else
    e->ref = alias_in_tag(from->tag);
  e->home = &home_.runtime();
  e->label = label;
  // One of ours has asked there, and it was delegated to us: then this is a question among ourselves.
  if (!home_.runtime().is_local(caller)) e->remote = from.release();
  deliver(to, e);
  return true;
}

/// {[alias|Ref], Answer} or {Ref, Answer}, with a reference that the receiver has made for a question.
bool inbound::answer(const pid& to, const reference& alias, const payload_bytes& p, const block_ptr& block) {
  const auto bytes = p.bytes;
  if (bytes.size() < 3 || bytes[0] != small_tuple_tag || bytes[1] != std::byte{2} ||
      (bytes[2] != list_tag && bytes[2] != reference_tag))
    return false;
  etf::reader r(bytes);
  std::size_t size = 0;
  if (!r.begin_tuple(size)) return false;
  const term tag = r.read_term();
  const reference ref = tag.is_reference() ? tag.as_reference() : alias_in_tag(tag);
  if (!ref || owner_of(ref) != to || (alias && alias != ref)) return false;
  connection_->settle(ref, false);
  const auto content = r.skip();
  // The answer lies inside of the message, which it becomes again should nobody wait for an answer.
  block_ptr held = block && bytes.size() >= share_from ? block : block_ptr(byte_block::copy_of(bytes));
  const auto whole = block && bytes.size() >= share_from ? bytes : held->bytes();
  const auto inner = whole.subspan(static_cast<std::size_t>(content.data() - bytes.data()), content.size());
  encoded_term value(etf_format, std::move(held), inner, etf::skim(content, limits_).dynamic_key);
  value.set_whole(whole, p.key, static_cast<bool>(alias));
  auto* e = make_envelope<routed_envelope, encoded_term>(envelope_kind::reply, std::move(value));
  e->ref = ref;
  deliver(to, e);
  return true;
}

void inbound::spawn(etf::reader& r, std::span<const std::byte> rest) {
  spawn_demand demand;
  demand.ref = read_reference(r, "the request");
  demand.parent = read_peer(r, "who spawns");
  demand.group_leader = read_pid(r, "the group leader");
  std::size_t size = 0;
  if (!r.begin_tuple(size) || size != 3)
    throw protocol_error("expected {Module,Function,Arity} in a spawn request, got " + r.describe());
  demand.module = read_atom(r, "the module");
  demand.function = read_atom(r, "the function");
  const std::uint64_t arity = read_number(r, "the arity");
  r.end_tuple();
  const term options = r.read_term();
  demand.arguments = reason(rest);
  if (!demand.arguments.is_list() || demand.arguments.size() != arity)
    throw protocol_error("a spawn request whose arguments are no list of " + std::to_string(arity) + ": " +
                         demand.arguments.to_string());
  demand.options = options;
  spawn_for(home_, connection_, self_, std::move(demand));
}

}  // namespace troupe::detail
