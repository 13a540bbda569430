#!/usr/bin/env bash
# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Sourced by the other scripts: what they share, each step done only where
# something is missing.
#
#   install_packages PACKAGE...   Debian packages
#   make_venv                     .venv with the Python package's needs
#   configure                     build/, Release
#   say TEXT...                   a line of progress
#   quietly COMMAND...            its output only when it fails

set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

# Clones of one tree share what ccache holds.
export CCACHE_BASEDIR="$root" CCACHE_NOHASHDIR=1

say() { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }
# Runs a command and shows what it says only when it fails.
quietly() {
  local log
  log=$(mktemp)
  "$@" >"$log" 2>&1 || { local rc=$?; cat "$log" >&2; rm "$log"; return $rc; }
  rm "$log"
}
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

build_packages=(
  clang-22 lld-22 libmlir-22-dev mlir-22-tools llvm-22-dev llvm-22-tools
  liblld-22-dev libzstd-dev zlib1g-dev cmake ninja-build
  nlohmann-json3-dev libdlpack-dev
  python3 python3-venv python3-dev)

install_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null |
      grep -q 'install ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  command -v apt-get >/dev/null ||
    fail "these Debian packages are missing, and apt-get too: ${missing[*]}"
  local as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  say "Installing ${#missing[@]} packages: ${missing[*]}"
  "${as_root[@]}" apt-get update -q >/dev/null
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -q -y \
    --no-install-recommends "${missing[@]}" >/dev/null
}

make_venv() {
  if [ ! -x .venv/bin/python ]; then
    say "Making .venv"
    python3 -m venv .venv
  fi
  # Again only when what is installed from changes.
  local stamp=.venv/installed now
  now=$(cat "$@" pyproject.toml python/CMakeLists.txt python/*.{cpp,h} \
    python/ssd_mlir/*.py* runtime/CMakeLists.txt runtime/include/*.h \
    runtime/src/* | sha256sum)
  [ "$(cat $stamp 2>/dev/null)" = "$now" ] && return
  say "Installing the Python package and what it needs"
  local requirements=() file
  for file in "$@"; do requirements+=(-r "$file"); done
  quietly .venv/bin/pip install --disable-pip-version-check \
    scikit-build-core pybind11 "${requirements[@]}"
  quietly .venv/bin/pip install --disable-pip-version-check \
    --no-build-isolation .
  echo "$now" >$stamp
}

configure() {
  [ -f build/build.ninja ] && [ $# -eq 0 ] && return
  say "Configuring build/"
  local launcher=()
  command -v ccache >/dev/null &&
    launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  # -O1: the compiler is not what has to be fast, building it is.
  quietly cmake -G Ninja -S . -B build -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_C_COMPILER=clang-22 -DCMAKE_CXX_COMPILER=clang++-22 \
    -DCMAKE_EXE_LINKER_FLAGS=-fuse-ld=lld \
    -DCMAKE_SHARED_LINKER_FLAGS=-fuse-ld=lld \
    -DCMAKE_CXX_FLAGS_RELEASE="-O1 -DNDEBUG" -DSSD_ENABLE_TESTS=OFF "${launcher[@]}" "$@" ||
    fail "cmake could not configure build/"
}
