// SPDX-License-Identifier: BSL-1.0
// What sys keeps for a behaviour that somebody looks at: trace, log, statistics. Internal; Erlang's
// sys:debug_options().
#pragma once

#include <troupe/actors/clock.hpp>
#include <troupe/mailbox/allocate.hpp>
#include <troupe/mailbox/term.hpp>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::detail {

/// A list of characters: what Erlang's format_status calls a string.
term charlist(std::string_view ascii);

struct sys_debug : pooled {
  struct counts {
    std::int64_t started = 0;  // seconds since 1970
    std::uint64_t in = 0;
    std::uint64_t out = 0;
    std::uint32_t messages = 0;  // slot::handled when it began; that wraps around
  };

  bool trace = false;  // to the process's log
  std::size_t log_length = 0;
  std::deque<term> log;  // oldest first; as many as log_length
  std::optional<counts> statistics;
  std::string file;  // events go there, too

  bool is_empty() const noexcept { return !trace && log_length == 0 && !statistics && file.empty(); }
};

}  // namespace troupe::detail
