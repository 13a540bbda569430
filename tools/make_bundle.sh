#!/usr/bin/env bash
# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# One archive for a host that has another Python, no LLVM and no network, such
# as a GPU server: the compiler as one static file, the sources of the Python
# package and of the tests, the headers and wheels to build the package with, and
# operators compiled ahead for production models (python -m ssd_mlir operators
# --list). There: unpack, then ./install.sh.
#
#   tools/make_bundle.sh [--operators=TARGETS] [OUTPUT]
#
# OUTPUT is build-release/ssd-mlir.tar.xz. TARGETS, sm_90a at first, may be
# sm_90a,sm_80 or none. A GPU whose driver is older than the ptxas that is found
# here compiles its operators itself.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

targets=sm_90a
case ${1:-} in --operators=*) targets=${1#*=}; shift ;; esac
output=$(realpath -m "${1:-build-release/ssd-mlir.tar.xz}")
stage=build-release/bundle/ssd-mlir

install_packages "${build_packages[@]}" xz-utils
say "Building the compiler as one file (first time: ten minutes)"
[ -f build-release/build.ninja ] || quietly cmake --preset release
ninja -C build-release ssd-compile

say "Collecting what goes with it"
rm -rf "$stage"
mkdir -p "$stage"/{bin,wheels,source,operators,deps/include,deps/share/cmake}
strip -o "$stage/bin/ssd-compile" build-release/bin/ssd-compile
# The working tree as it is, not the last commit.
git ls-files -z --cached --others --exclude-standard -- \
  pyproject.toml CMakeLists.txt LICENSE README.md python runtime tools test |
  while IFS= read -r -d '' file; do
    [ -f "$file" ] && printf '%s\0' "$file"
  done | tar -c --null -T - | tar -x -C "$stage/source"
cp tools/install_bundle.sh "$stage/install.sh"
# Tests of single operations on a GPU need ssd-opt, or what it makes.
if [ -x build/bin/ssd-opt ] && [ -x .venv/bin/python ]; then
  mkdir "$stage/source/test/python/ptx"
  SSD_MLIR_COMPILER=$PWD/build/bin/ssd-compile .venv/bin/python \
    test/python/test_hopper_ops.py "$stage/source/test/python/ptx"
fi
cp -r /usr/include/{nlohmann,dlpack} "$stage/deps/include"
cp -r /usr/share/cmake/nlohmann_json "$stage/deps/share/cmake"
[ -x .venv/bin/pip ] || make_venv
quietly .venv/bin/pip download --disable-pip-version-check --only-binary=:all: \
  --python-version 3.9 --dest "$stage/wheels" scikit-build-core pybind11

if [ "$targets" != none ]; then
  say "Compiling operators for $targets (sm_90a: ten minutes)"
  # With what the bundle installs: a program is found by the very compiler that
  # made it.
  rm -rf build-release/venv
  python3 -m venv build-release/venv
  quietly build-release/venv/bin/pip install --disable-pip-version-check numpy rich
  CC=clang-22 CXX=clang++-22 PYTHON=build-release/venv/bin/python \
    quietly "$stage/install.sh"
  env -u SSD_MLIR_COMPILER build-release/venv/bin/python -m ssd_mlir operators \
    --target "$targets" -o "$stage/operators"
fi

say "Packing"
# Operators are alike, also those that lie far apart: -9.
tar -c -C "$(dirname "$stage")" ssd-mlir | xz -T0 -9 >"$output"
say "$output: $(du -h "$output" | cut -f1)"
