// SPDX-License-Identifier: BSL-1.0
// All that a program of processes needs.
#pragma once

#include <troupe/actors/actor_system.hpp>  // IWYU pragma: export
#include <troupe/actors/context.hpp>       // IWYU pragma: export
#include <troupe/actors/exit.hpp>          // IWYU pragma: export
#include <troupe/actors/options.hpp>       // IWYU pragma: export
#include <troupe/actors/process.hpp>       // IWYU pragma: export
#include <troupe/actors/request.hpp>       // IWYU pragma: export
#include <troupe/actors/task.hpp>          // IWYU pragma: export
#include <troupe/mailbox/to_term.hpp>      // IWYU pragma: export
