#!/usr/bin/env bash
# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Everything from nothing: packages, a full build, every test. Needs no GPU and
# no PyTorch.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

failed=() times=()
timed() { # name command...
  local name=$1 start=$SECONDS status
  shift
  say "$name"
  "$@"
  status=$?
  times+=("$(printf '%5d s  %s' $((SECONDS - start)) "$name")")
  return $status
}
# The other steps tell something even when this one fails.
run() { timed "$@" || failed+=("$1"); }

packages() {
  install_packages "${build_packages[@]}" libgtest-dev libclang-rt-22-dev ccache
}
build() {
  configure -DSSD_ENABLE_TESTS=ON -DPython3_EXECUTABLE="$root/.venv/bin/python"
  ninja -C build all ssd-doc
}
# The runtime on its own: it reads files from anywhere, and its threads share
# work.
sanitized() { # sanitizers tests target cmake-options...
  local folder=build/${1%%,*}
  quietly cmake -G Ninja -S runtime -B "$folder" \
    -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DCMAKE_C_COMPILER=clang-22 -DCMAKE_CXX_COMPILER=clang++-22 \
    -DCMAKE_CXX_COMPILER_LAUNCHER=ccache -DSSD_SANITIZE="$1" "${@:4}" &&
    quietly ninja -C "$folder" "$3" &&
    quietly ctest --test-dir "$folder" --output-on-failure -j2 -R "$2"
}

timed "Packages" packages
timed "Python environment" make_venv test/python/requirements.txt
timed "Build" build
export PATH="$root/build/bin:$PATH"
run "Unit tests" quietly ctest --test-dir build --output-on-failure -j2
run "lit tests" ninja -C build check-ssd
run "lit tests, every module printed and parsed again" \
  /usr/lib/llvm-22/bin/lit -sv --param roundtrip=1 \
  build/test/dialect build/test/passes build/test/lowering
run "Runtime tests under address sanitizer, fuzzing" \
  sanitized address,undefined . all \
  -DSSD_ENABLE_FUZZERS=ON -DSSD_FUZZ_SECONDS=20
run "Runtime tests under thread sanitizer" \
  sanitized thread 'Context|Call|Error' ssd-runtime-tests
run "Types of the Python package" \
  quietly .venv/bin/python -m mypy python/ssd_mlir
run "Python tests" .venv/bin/python -m pytest -q test/python

printf '%s\n' "${times[@]}" "$(printf '%5d s  in all' $SECONDS)" >&2
if [ ${#failed[@]} -gt 0 ]; then
  fail "failed: $(printf '%s; ' "${failed[@]}")"
fi
say "All tests passed"
