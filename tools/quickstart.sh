#!/usr/bin/env bash
# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# From a fresh Debian 12 machine to text: installs what is missing, builds the
# compiler, compiles the bundled model ahead of time for this CPU and lets it
# write. A second run starts with the last step.
#
#   tools/quickstart.sh [PROMPT]
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

install_packages "${build_packages[@]}"
make_venv
configure
say "Building the compiler (first time: some minutes)"
ninja -C build ssd-compile

model=test/models/kjv-mamba2
artifact=build/kjv-mamba2.so
if [ ! "$artifact" -nt build/bin/ssd-compile ]; then
  say "Compiling $model for this CPU"
  build/bin/ssd-compile "$model" -o "$artifact" --progress
fi
say "Generating"
exec .venv/bin/python -m ssd_mlir generate "$artifact" --weights "$model" \
  --prompt "${1:-In the beginning God created}" --max-new-tokens 120 \
  --temperature 0.8 --top-k 40
