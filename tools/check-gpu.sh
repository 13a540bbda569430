#!/usr/bin/env bash
# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The tests that need a GPU: kernels' operations one by one, numerics of every
# option at awkward sizes, streams, threads, graphs and failures, then a part of
# them under compute-sanitizer. Runs on a host with PyTorch and the Python package,
# as tools/install_bundle.sh makes one; the compiler is found as the package finds
# it.
#
#   tools/check-gpu.sh [PYTEST OPTIONS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=${PYTHON:-python3}

"$python" -c 'import torch, sys; sys.exit(not torch.cuda.is_available())' || {
  echo "error: $python has no PyTorch that sees a GPU; set PYTHON" >&2
  exit 1
}
failed=()
options=$#
run() { # name command...
  printf '\033[1m==> %s\033[0m\n' "$1" >&2
  local status=0
  "${@:2}" || status=$?
  # 5: none of the tests is what options (-k) ask for.
  [ $status -eq 0 ] || [[ $status -eq 5 && $options -gt 0 ]] || failed+=("$1")
}
pytest=(-m pytest -q -p no:cacheprovider)
tests=("${pytest[@]}" test/python/test_torch_cuda.py test/python/test_torch_cuda_calls.py)
# Few, for they take a hundred times as long: every kernel, strides, guards.
reduced="strided or all_written or in_a_pool or packed"
run "Operations of kernels" "$python" "${pytest[@]}" test/python/test_hopper_ops.py "$@"
run "Numerics and behaviour" "$python" "${tests[@]}" "$@"
# This PyTorch's calls of the operators, on CPUs.
run "PyTorch" "$python" "${pytest[@]}" test/python/test_torch.py "$@"
# racecheck sees one thread arrive at an mbarrier for its warp and does not
# follow the warp's other threads through it: it is of use only where kernels
# don't hand over shared memory so.
sanitize() { # tool kernel
  run "$1, kernels $2*" compute-sanitizer --tool "$1" --error-exitcode 9 \
    --kernel-name "kns=$2" "$python" "${tests[@]}" -k "$reduced"
}
if command -v compute-sanitizer >/dev/null; then
  sanitize memcheck ssd_
  sanitize racecheck ssd_recurrent
  sanitize racecheck ssd_step
else
  echo "compute-sanitizer is not on the PATH: it is left out" >&2
fi
if [ ${#failed[@]} -gt 0 ]; then
  printf 'error: failed: %s\n' "${failed[*]}" >&2
  exit 1
fi
