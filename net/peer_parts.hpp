// SPDX-License-Identifier: BSL-1.0
// What the two sides of a peer have in common. Internal.
#pragma once

#include <unistd.h>

#include <csignal>
#include <utility>

namespace troupe::detail {

/// That it is a peer, a process sees by this variable.
inline constexpr const char* peer_name_variable = "TROUPE_PEER_NAME";
/// What it writes to its standard input, a socket, when all is prepared.
inline constexpr char peer_is_ready = 'r';

/// Owns a file descriptor.
class descriptor {
 public:
  descriptor() noexcept = default;
  explicit descriptor(int number) noexcept : number_(number) {}
  descriptor(descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int get() const noexcept { return number_; }

 private:
  int number_ = -1;
};

/// Signals of the process are for the user's threads, not for ours.
class all_signals_blocked {
 public:
  all_signals_blocked() noexcept {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old_);
  }
  all_signals_blocked(const all_signals_blocked&) = delete;
  all_signals_blocked& operator=(const all_signals_blocked&) = delete;
  ~all_signals_blocked() { pthread_sigmask(SIG_SETMASK, &old_, nullptr); }

 private:
  sigset_t old_;
};

}  // namespace troupe::detail
