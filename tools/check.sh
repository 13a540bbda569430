#!/usr/bin/env bash
# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Everything from nothing: packages, a full build, every test. Needs no GPU and
# no PyTorch.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

install_packages "${build_packages[@]}" libgtest-dev \
  libclang-rt-22-dev ccache
make_venv test/python/requirements.txt
configure -DSSD_ENABLE_TESTS=ON -DPython3_EXECUTABLE="$root/.venv/bin/python"
say "Building"
ninja -C build

failed=()
run() { # name command...
  local name=$1
  shift
  say "$name"
  "$@" || failed+=("$name")
}
export PATH="$root/build/bin:$PATH"
run "Unit tests" ctest --test-dir build --output-on-failure -j2
run "lit tests" ninja -C build check-ssd
run "lit tests, every module printed and parsed again" \
  /usr/lib/llvm-22/bin/lit -sv --param roundtrip=1 \
  build/test/dialect build/test/passes build/test/lowering
# The runtime reads files from anywhere: its tests under sanitizers, and a
# minute of fuzzing over its three readers.
sanitized() {
  cmake -G Ninja -S runtime -B build/asan -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DCMAKE_C_COMPILER=clang-22 -DCMAKE_CXX_COMPILER=clang++-22 \
    -DCMAKE_CXX_COMPILER_LAUNCHER=ccache -DSSD_SANITIZE=address,undefined \
    -DSSD_ENABLE_FUZZERS=ON -DSSD_FUZZ_SECONDS=20 >build/asan.log 2>&1 ||
    { cat build/asan.log; return 1; }
  ninja -C build/asan && ctest --test-dir build/asan --output-on-failure -j2
}
run "Runtime tests under sanitizers, fuzzing" sanitized
run "Python tests" .venv/bin/python -m pytest -q test/python
if [ ${#failed[@]} -gt 0 ]; then
  fail "failed: $(printf '%s; ' "${failed[@]}")"
fi
say "All tests passed"
