#!/usr/bin/env bash
# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Installs a build, compiles projects outside of this tree against it and runs
# what they made: one that links the dialect, one that links the runtime only.
# usage: run.sh BUILD SCRATCH
set -e
build=$1 scratch=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cached() { sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"; }

rm -rf "$scratch"
for component in runtime development; do
  cmake --install "$build" --prefix "$scratch/install" --component $component \
    >/dev/null
done
project() { # name
  cmake -G Ninja -S "$here/Inputs/$1" -B "$scratch/$1" \
    -DCMAKE_PREFIX_PATH="$scratch/install" -DCMAKE_BUILD_TYPE=Debug \
    -DCMAKE_C_COMPILER="$(cached CMAKE_C_COMPILER)" \
    -DCMAKE_CXX_COMPILER="$(cached CMAKE_CXX_COMPILER)" \
    -DCMAKE_EXE_LINKER_FLAGS="$(cached CMAKE_EXE_LINKER_FLAGS)" >/dev/null
  cmake --build "$scratch/$1" >/dev/null
  "$scratch/$1/example"
}
project runtime
project dialect
