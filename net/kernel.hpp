// SPDX-License-Identifier: BSL-1.0
// The processes that other nodes expect to find under their names: net_kernel, rex, user, logger_proxy. Internal.
#pragma once

#include <troupe/actors/context.hpp>
#include <troupe/net/distribution.hpp>
#include <troupe/net/remote.hpp>

namespace troupe::detail {

/// What net_adm:ping asks net_kernel.
struct is_auth {
  atom node;
  using reply = atom;
};

/// net_kernel: answers pings.
process net_kernel(context& self, shared<distribution> home);
/// rex: runs exported functions for rpc, each in a process of its own.
process rex(context& self, shared<distribution> home);
/// user: prints what processes elsewhere print whose group leader it is; there is nothing to read. Output goes to the
/// log.
process user(context& self, shared<distribution> home);
/// logger_proxy: logs what is logged elsewhere by processes whose group leader is here.
process logger_proxy(context& self, shared<distribution> home);

/// Erlang's io_lib:format, as far as it is needed to print what arrives: ~s ~p ~w ~c ~b ~n and their relatives. What
/// does not fit is printed as it is.
std::string format_io(std::string_view format, const term& arguments);
/// The text of an iolist; characters above 127 become UTF-8. What is no iolist is printed as a term.
std::string io_text(const term& chars);

}  // namespace troupe::detail
