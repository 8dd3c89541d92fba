// SPDX-License-Identifier: BSL-1.0
// Exit reasons made from exceptions.
#include <troupe/actors/exit.hpp>

#include <troupe/actors/behaviours/start.hpp>
#include <troupe/actors/mailbox_limit.hpp>

#include <exception>

namespace troupe {

using namespace literals;

call_failed::call_failed(term reason, term to, std::string_view message)
    : std::runtime_error("troupe: call of " + to.to_string() + " with " + std::string(message) +
                         " failed: " + reason.to_string()),
      reason_(std::move(reason)), to_(std::move(to)), message_(message) {}

term call_failed::exit_reason() const {
  return term::tuple({reason_, term::tuple({"call"_atom, term::list({to_, std::string_view(message_)})})});
}

namespace detail {

term reason_of_current_exception() noexcept {
  try {
    try {
      throw;
    } catch (const process_exit& e) {
      return e.reason();
    } catch (const call_failed& e) {
      return e.exit_reason();
    } catch (const start_failed& e) {
      return e.reason();
    } catch (const mailbox_full& e) {
      return term::tuple({"mailbox_full"_atom, e.to()});
    } catch (const std::exception& e) {
      return term::tuple({"error"_atom, std::string_view(e.what())});
    } catch (...) {
      return term::tuple({"error"_atom, std::string_view("an exception that is no std::exception")});
    }
  } catch (...) {
    return "error"_atom;
  }
}

}  // namespace detail
}  // namespace troupe
