// SPDX-License-Identifier: BSL-1.0
// Answers to requests.
#include <troupe/actors/request.hpp>
#include <troupe/actors/router.hpp>
#include <troupe/actors/runtime.hpp>

#include <string>

namespace troupe::detail {

namespace {

runtime& home_of(request_envelope& request) {
  return static_cast<runtime&>(*request.home);
}

std::uint32_t sender_id(executor* env) {
  return env != nullptr && env->current != nullptr ? env->current->id : 0;
}

}  // namespace

void answer_request(request_envelope& request, envelope* reply) noexcept {
  runtime& rt = home_of(request);
  if (request.remote != nullptr) {
    request.home = nullptr;
    executor* here = rt.this_env();
    if (router* r = rt.router())
      r->answer(here, sender_id(here), request, reply);
    else if (reply != nullptr)
      free_envelope(reply);
    return;
  }
  auto* routed = static_cast<routed_envelope*>(reply);
  if (routed == nullptr) {
    routed = ::new (allocate(sizeof(routed_envelope))) routed_envelope;
    routed->kind = envelope_kind::reply;
  }
  routed->ref = request.ref;
  request.home = nullptr;
  executor* env = rt.this_env();
  rt.deliver(env, sender_id(env), request.from, routed);
}

void refuse_request(request_envelope& request, const term& reason) noexcept {
  runtime& rt = home_of(request);
  executor* env = rt.this_env();
  rt.fail_request(env, sender_id(env), request, reason);
}

void throw_already_answered(std::string_view message) {
  throw std::logic_error("troupe: the request " + std::string(message) +
                         " has been answered already, or was moved from");
}

}  // namespace troupe::detail
