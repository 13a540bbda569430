#!/usr/bin/env bash
# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Installs the bundle it lies in (see make_bundle.sh) into a Python 3.9 or
# later, without a network and without LLVM: the package ssd_mlir, built here
# for this Python, with the compiler inside and the operators it has compiled.
# Needs a C++ compiler, cmake, ninja and the Python's headers.
#
#   [PYTHON=python3.12] ./install.sh [options of pip install]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=${PYTHON:-python3}
pip=("$python" -m pip install -q --disable-pip-version-check --no-index --no-deps)

# Beside the Python, not in it. pip's own isolation would hide a cmake that is
# itself a Python package.
build_needs=$(mktemp -d)
trap 'rm -rf "$build_needs"' EXIT
"${pip[@]}" --target "$build_needs" "$here"/wheels/*.whl
CMAKE_PREFIX_PATH="$here/deps" \
  PYTHONPATH="$build_needs${PYTHONPATH:+:$PYTHONPATH}" \
  "${pip[@]}" --no-build-isolation \
  -C cmake.define.SSD_BUNDLE_COMPILER="$here/bin/ssd-compile" \
  -C cmake.define.SSD_BUNDLE_OPERATORS="$here/operators" "$@" "$here/source"

cat <<EOF
ssd_mlir is installed, with the compiler in it; $here/bin/ssd-compile
is the same compiler. It needs numpy, and for texts tokenizers and rich.
Tests: CPATH=$here/deps/include $python -m pytest $here/source/test/python
EOF
