// SPDX-License-Identifier: BSL-1.0
// What net_kernel, rex, user and logger_proxy say.
#include <troupe/net/kernel.hpp>

#include <troupe/mailbox/utf8.hpp>
#include <troupe/net/remote_spawn.hpp>

#include <spdlog/spdlog.h>

#include <utility>

namespace troupe::detail {

using namespace literals;

process net_kernel(context& self, shared<distribution> home) {
  for (;;)
    co_await self.receive([&](request<is_auth> r) { r.reply("yes"_atom); },
                          // Whatever else: its caller hears at once that there is no answer.
                          [&](const any_message&) {});
  static_cast<void>(home);
}

// --- rex
// -----------------------------------------------------------------------------------------------------------------

namespace {

/// As rpc:call gives it.
term as_rpc_result(const call_outcome& got) {
  const auto bad = [](const term& reason) { return term::tuple({"badrpc"_atom, term::tuple({"EXIT"_atom, reason})}); };
  switch (got.how) {
    case call_outcome::kind::value:
    case call_outcome::kind::thrown: return got.value;
    case call_outcome::kind::exit: return bad(got.value);
    case call_outcome::kind::error:
      if (got.value.is_tuple("undef"_atom) && got.value.size() == 2) return bad(got.value);
      return bad(term::tuple({got.value, term::list(std::vector<term>())}));
  }
  return got.value;
}

/// {call, Module, Function, Arguments, GroupLeader}, and the like.
bool is_call(const term& t) {
  return t.is_tuple() && t.size() == 5 && t[1].is_atom() && t[2].is_atom() && t[3].is_list();
}

process rex_worker(context& self, shared<distribution> home, term call, request<term> asked) {
  const call_outcome got = co_await call_exported(self, *home, call[1].as_atom(), call[2].as_atom(), call[3]);
  asked.reply(as_rpc_result(got));
}

process rex_old_worker(context& self, shared<distribution> home, term call, pid asker) {
  const call_outcome got = co_await call_exported(self, *home, call[1].as_atom(), call[2].as_atom(), call[3]);
  if (asker) self.send(asker, term::tuple({"rex"_atom, as_rpc_result(got)}));
}

/// What comes as a plain message: the way before gen_server, which C nodes still go; and casts.
void rex_message(context& self, const shared<distribution>& home, const term& m) {
  if (m.is_tuple("cast"_atom) && is_call(m)) {
    self.spawn(rex_old_worker, home, m, pid());
    return;
  }
  if (!m.is_tuple() || m.size() != 2 || !m[0].is_pid()) return;
  const pid& asker = m[0].as_pid();
  const term& what = m[1];
  const atom here = node_of(self);
  if (what.is_atom("features_request"_atom)) {
    self.send(asker, term::tuple({"features_reply"_atom, here, term::list({"erpc"_atom})}));
  } else if (what.is_tuple("call"_atom) && is_call(what)) {
    self.spawn(rex_old_worker, home, what, asker);
  } else if (what.is_tuple("sbcast"_atom) && what.size() == 3 && what[1].is_atom()) {
    const pid to = self.whereis(what[1].as_atom());
    if (to) self.send(to, what[2]);
    const term outcome = to ? term(here) : term::tuple({"nonexisting_name"_atom, what[1]});
    self.send(asker, term::tuple({"rex"_atom, here, outcome}));
  }
}

}  // namespace

process rex(context& self, shared<distribution> home) {
  for (;;)
    co_await self.receive(
        [&](request<term> r) {
          const term call = *r;
          if ((!call.is_tuple("call"_atom) && !call.is_tuple("block_call"_atom)) || !is_call(call))
            return r.reply(term::tuple({"badrpc"_atom, term::tuple({"EXIT"_atom, "badarg"_atom})}));
          try {
            self.spawn(rex_worker, home, call, std::move(r));
          } catch (const system_limit&) {
            if (r) r.reply(term::tuple({"badrpc"_atom, term::tuple({"EXIT"_atom, "system_limit"_atom})}));
          }
        },
        [&](const term& m) {
          try {
            rex_message(self, home, m);
          } catch (const system_limit&) {  // nobody waits here for an answer that could say so
          }
        },
        [&](const any_message&) {});
}

// --- output
// --------------------------------------------------------------------------------------------------------------

namespace {

void append_character(std::string& out, std::int64_t c) {
  if (c < 0 || c > 0x10ffff) return;
  const auto u = static_cast<std::uint32_t>(c);
  const auto byte = [&out](std::uint32_t b) { out += static_cast<char>(static_cast<unsigned char>(b)); };
  if (u < 0x80) {
    byte(u);
  } else if (u < 0x800) {
    byte(0xc0 | u >> 6);
    byte(0x80 | (u & 0x3f));
  } else if (u < 0x10000) {
    byte(0xe0 | u >> 12);
    byte(0x80 | (u >> 6 & 0x3f));
    byte(0x80 | (u & 0x3f));
  } else {
    byte(0xf0 | u >> 18);
    byte(0x80 | (u >> 12 & 0x3f));
    byte(0x80 | (u >> 6 & 0x3f));
    byte(0x80 | (u & 0x3f));
  }
}

constexpr std::size_t longest_output = std::size_t{1} << 20;

}  // namespace

std::string io_text(const term& chars) {
  std::string out;
  std::vector<term> left{chars};  // a stack: an iolist may be nested as deep as anything
  while (!left.empty() && out.size() < longest_output) {
    const term t = std::move(left.back());
    left.pop_back();
    if (t.is_binary()) {
      out += t.as_binary();
    } else if (t.is_integer() && !t.is_big()) {
      append_character(out, t.as_integer());
    } else if (t.is_list() || t.is_improper_list()) {
      if (t.is_improper_list()) left.push_back(t.tail());
      const auto elements = t.elements();
      for (std::size_t i = elements.size(); i > 0; --i) left.push_back(elements[i - 1]);
    } else {
      out += t.to_string();
    }
  }
  return out;
}

std::string format_io(std::string_view format, const term& arguments) {
  std::string out;
  std::size_t next = 0;
  const auto argument = [&]() -> const term* {
    return arguments.is_list() && next < arguments.size() ? &arguments[next++] : nullptr;
  };
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '~') {
      out += format[i];
      continue;
    }
    // ~F.P.PadModC
    for (++i; i < format.size() && std::string_view("-0123456789.*tlkK").find(format[i]) != std::string_view::npos; ++i)
      if (format[i] == '*') argument();
    if (i == format.size()) break;
    switch (format[i]) {
      case 'n': out += '\n'; break;
      case '~': out += '~'; break;
      case 'i': argument(); break;
      case 'c':
        if (const term* t = argument(); t != nullptr && t->is_integer() && !t->is_big())
          append_character(out, t->as_integer());
        break;
      case 's':
        if (const term* t = argument()) out += t->is_atom() ? std::string(t->as_atom().name()) : io_text(*t);
        break;
      case 'P':
      case 'W':
        if (const term* t = argument()) out += t->to_string();
        argument();
        break;
      default:
        if (const term* t = argument()) out += t->to_string();
    }
  }
  while (const term* t = argument()) out += " " + t->to_string();
  return out;
}

namespace {

/// What there is to print of one request; nothing when it asks for something else.
std::optional<std::string> to_print(const term& request) {
  if (!request.is_tuple("put_chars"_atom)) return std::nullopt;
  switch (request.size()) {
    case 2: return io_text(request[1]);
    case 3: return io_text(request[2]);
    case 5:
    case 4: {  // Module:Function(Arguments) would make the characters
      const term& function = request[request.size() - 2];
      const term& given = request[request.size() - 1];
      if (function.is_atom("format"_atom) && given.is_list() && given.size() == 2)
        return format_io(io_text(given[0]), given[1]);
      return given.to_string();
    }
    default: return std::nullopt;
  }
}

/// The answer to an io_request.
term io_answer(const term& request) {
  if (const auto text = to_print(request)) {
    std::string_view line = *text;
    while (!line.empty() && line.back() == '\n') line.remove_suffix(1);
    if (!line.empty()) spdlog::info("{}", line);
    return "ok"_atom;
  }
  if (request.is_tuple("requests"_atom) && request.size() == 2 && request[1].is_list()) {
    term last = "ok"_atom;
    for (const term& one : request[1].elements()) {
      if (one.is_tuple("requests"_atom)) return term::tuple({"error"_atom, "request"_atom});
      last = io_answer(one);
      if (last.is_tuple("error"_atom)) break;
    }
    return last;
  }
  if (request.is_atom("getopts"_atom)) return term::list(std::vector<term>());
  if (request.is_tuple("setopts"_atom)) return "ok"_atom;
  if (request.is_tuple() && request.size() > 0 && request[0].is_atom() &&
      request[0].as_atom().name().starts_with("get_") && !request.is_tuple("get_geometry"_atom))
    return "eof"_atom;
  return term::tuple({"error"_atom, "enotsup"_atom});
}

}  // namespace

process user(context& self, shared<distribution> home) {
  static_cast<void>(home);
  for (;;)
    co_await self.receive(
        [&](const term& m) {
          if (!m.is_tuple("io_request"_atom) || m.size() != 4 || !m[1].is_pid()) return;
          self.send(m[1].as_pid(), term::tuple({"io_reply"_atom, m[2], io_answer(m[3])}));
        },
        [&](const any_message&) {});
}

process logger_proxy(context& self, shared<distribution> home) {
  static_cast<void>(home);
  for (;;)
    co_await self.receive(
        [&](const term& m) {
          // {log, Level, Format, Arguments, Meta} or {log, Level, StringOrReport, Meta}
          if (!m.is_tuple("log"_atom) || m.size() < 4) return;
          const std::string text = m.size() == 5 ? format_io(io_text(m[2]), m[3]) : m[2].to_string();
          const atom level = m[1].is_atom() ? m[1].as_atom() : atom();
          if (level == "debug"_atom)
            spdlog::debug("{}", text);
          else if (level == "info"_atom || level == "notice"_atom)
            spdlog::info("{}", text);
          else if (level == "warning"_atom)
            spdlog::warn("{}", text);
          else
            spdlog::error("{}", text);
        },
        [&](const any_message&) {});
}

}  // namespace troupe::detail
