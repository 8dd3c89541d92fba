// SPDX-License-Identifier: BSL-1.0
// The behaviours of OTP.
#pragma once

#include <troupe/actors/behaviours/child_spec.hpp>        // IWYU pragma: export
#include <troupe/actors/behaviours/gen_server.hpp>        // IWYU pragma: export
#include <troupe/actors/behaviours/start.hpp>             // IWYU pragma: export
#include <troupe/actors/behaviours/supervisor.hpp>        // IWYU pragma: export
#include <troupe/actors/behaviours/supervisor_calls.hpp>  // IWYU pragma: export
#include <troupe/actors/behaviours/sys.hpp>               // IWYU pragma: export
