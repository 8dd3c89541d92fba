# SPDX-License-Identifier: BSL-1.0
# What test/run, examples/run and .ci/run share: missing packages, configuring, building. Sourced by bash.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# What every build takes: Debian 12's names.
common_packages=(cmake ninja-build ccache libboost1.81-dev libfmt-dev libspdlog-dev libmimalloc-dev
  nlohmann-json3-dev doctest-dev librapidcheck-dev libssl-dev zlib1g-dev libcli11-dev libedit-dev libcaf-dev)
# What the tests against real nodes of Erlang and Elixir take besides.
# shellcheck disable=SC2034
otp_packages=(erlang-base erlang-dev elixir)

say() { printf '%s\n' "$*" >&2; }
fail() {
  say "$(basename "$(dirname "$0")")/$(basename "$0"): $*"
  exit 1
}

# need_packages PACKAGE...: installs those that are missing; says what it does, or what to do by hand.
need_packages() {
  local package missing=()
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "This is no Debian: taking it for granted that what Debian calls $* is there."
    return
  fi
  for package in "$@"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
  done
  if ((${#missing[@]} == 0)); then return; fi
  if ((EUID != 0)); then
    say "Debian packages are missing, and only root may install them. Run this, then try again:"
    say
    say "    apt-get install ${missing[*]}"
    exit 1
  fi
  say "Installing Debian packages: ${missing[*]}"
  # Another apt may be at work on a machine that has just started: wait for it.
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0)
  "${apt[@]}" update </dev/null || fail "apt-get update failed: is the network there, and is there a mirror in /etc/apt?"
  "${apt[@]}" install -y --no-install-recommends "${missing[@]}" </dev/null >/dev/null ||
    fail "apt-get install ${missing[*]} failed; what it said stands above"
}

# need_compiler [PACKAGE...]: sets CXX and installs it with what every build takes, and PACKAGEs. CXX of the environment
# wins and has to be there; otherwise it is clang++-19.
need_compiler() {
  if [[ -n ${CXX-} ]]; then
    command -v "$CXX" >/dev/null ||
      [[ $CXX == g++ || $CXX == clang++-19 ]] || fail "CXX is '$CXX', and there is no such program"
  fi
  export CXX=${CXX:-clang++-19}
  case $CXX in
    clang++-19) need_packages clang-19 "${common_packages[@]}" "$@" ;;
    g++) need_packages g++ "${common_packages[@]}" "$@" ;;
    *) need_packages "${common_packages[@]}" "$@" ;;
  esac
}

# What CMake found for $2 when it configured the tree $1.
cached() { sed -n "s/^$2:[A-Z]*=//p" "$1/CMakeCache.txt"; }

# build PRESET [TARGET...]: configures where that has not been done, for this compiler and this checkout, and builds.
# Sets build_dir. Ninja itself configures again when a CMakeLists.txt has changed.
build() {
  local preset=$1
  shift
  build_dir=${TROUPE_BUILD:-$root/build}/$preset
  mkdir -p "$build_dir"
  # Two builds in one tree would spoil it.
  exec {build_lock}>"$build_dir/.lock"
  if ! flock -n "$build_lock"; then
    say "Waiting for another build in $build_dir"
    flock "$build_lock"
  fi
  if [[ ! -f $build_dir/build.ninja || $(cached "$build_dir" CMAKE_HOME_DIRECTORY) != "$root" ||
    $(cached "$build_dir" CMAKE_CXX_COMPILER) != "$(command -v "$CXX")" ]]; then
    say "Configuring $build_dir for $CXX"
    (cd "$root" && cmake --fresh --preset "$preset" -B "$build_dir" -DCMAKE_CXX_COMPILER="$(command -v "$CXX")" \
      --log-level=WARNING >/dev/null) || fail "cmake --preset $preset failed"
  fi
  say "Building in $build_dir"
  ninja -C "$build_dir" "$@" >&2 || fail "the build failed"
  exec {build_lock}>&-
}

# new_machine PACKAGE...: a new Debian 12 in the folder $machine, with debootstrap from this machine's package sources,
# and the PACKAGEs. Needs root; is gone when the script ends.
new_machine() {
  local include=ca-certificates package
  ((EUID == 0)) || fail "needs root, for debootstrap and chroot"
  need_packages debootstrap
  for package in "$@"; do include+=,$package; done
  machine=$(mktemp -d)
  chmod 755 "$machine"  # apt reads as another user than root
  trap remove_machine EXIT
  say "--- a new Debian 12 in $machine"
  debootstrap --variant=minbase --include="$include" bookworm "$machine" >/dev/null
  # This machine's sources instead of what debootstrap wrote.
  rm -f "$machine/etc/apt/sources.list"
  if [[ -e /etc/apt/sources.list ]]; then cp -a /etc/apt/sources.list "$machine/etc/apt/"; fi
  cp -a /etc/apt/sources.list.d /etc/apt/apt.conf.d "$machine/etc/apt/"
  cp -a /etc/resolv.conf /etc/hosts "$machine/etc/"
  mount -t proc proc "$machine/proc"
  mount --bind /dev "$machine/dev"
}
remove_machine() {
  umount "$machine/proc" "$machine/dev" 2>/dev/null || true
  # Nothing is removed while a mount of this machine's own /dev may still be in it.
  if ! mountpoint -q "$machine/dev"; then rm -rf "$machine"; fi
}

# in_machine FOLDER COMMAND...: there, in that folder, with an environment of its own.
in_machine() {
  local folder=$1
  shift
  say "--- $*"
  # shellcheck disable=SC2016
  chroot "$machine" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb DEBIAN_FRONTEND=noninteractive \
    bash -c 'cd "$1" && shift && "$@"' bash "$folder" "$@"
}
