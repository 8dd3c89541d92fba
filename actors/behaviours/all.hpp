// SPDX-License-Identifier: BSL-1.0
// The behaviours of OTP.
#pragma once

#include <troupe/actors/behaviours/application.hpp>         // IWYU pragma: export
#include <troupe/actors/behaviours/child_spec.hpp>          // IWYU pragma: export
#include <troupe/actors/behaviours/environment.hpp>         // IWYU pragma: export
#include <troupe/actors/behaviours/gen_event.hpp>           // IWYU pragma: export
#include <troupe/actors/behaviours/gen_server.hpp>          // IWYU pragma: export
#include <troupe/actors/behaviours/gen_statem.hpp>          // IWYU pragma: export
#include <troupe/actors/behaviours/multi_call.hpp>          // IWYU pragma: export
#include <troupe/actors/behaviours/request_collection.hpp>  // IWYU pragma: export
#include <troupe/actors/behaviours/start.hpp>               // IWYU pragma: export
#include <troupe/actors/behaviours/supervisor.hpp>          // IWYU pragma: export
#include <troupe/actors/behaviours/supervisor_calls.hpp>    // IWYU pragma: export
#include <troupe/actors/behaviours/sys.hpp>                 // IWYU pragma: export
