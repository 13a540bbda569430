#!/usr/bin/env bash
# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Compiles a module once for each form and runs every entry at every length
# against the float64 recurrence. A length is the size that --dim 1 names, or
# --dim $length_dim.
# usage: sweep.sh MODULE.mlir PREFIX "FORM..." "LENGTH..." [ssd-run option...]
#
# A form is what the alias #form becomes, without #ssd. and without spaces:
# recurrent, chunked<chunk=16>, ...; or auto, which leaves it to the cost model.
# With no lengths every entry runs once: all its sizes are static.
module=$1 prefix=$2 forms=$3 lengths=$4
shift 4

fail() {
  echo "sweep.sh: $*" >&2
  exit 1
}
compiler=$(command -v ssd-compile)
entries=$(sed -n 's/^func\.func @\([a-zA-Z0-9_]*\)(.*/\1/p' "$module")
[ -n "$entries" ] || fail "$module has no entries"
for form in $forms; do
  case $form in
  auto) edit='s/form = #form//; s/{, /{/; s/, }/}/; s/, , /, /; /^#form/d' ;;
  *) edit="s/^#form = .*/#form = #ssd.$form/" ;;
  esac
  so=$prefix.${form//[^a-z0-9]/_}.so
  # Several sweeps of one test, and later runs of it, share what is compiled.
  if [ ! "$so" -nt "$module" ] || [ ! "$so" -nt "$compiler" ]; then
    sed "$edit" "$module" >"$prefix.mlir"
    ssd-compile "$prefix.mlir" -o "$so" || fail "form $form: not compiled"
  fi
  for entry in $entries; do
    for length in ${lengths:--}; do
      size=(--dim "${length_dim:-1}=$length")
      [ "$length" = - ] && size=()
      ssd-run "$so" --entry="$entry" --check=ssd-mix --threads=2 \
        "${size[@]}" "$@" >"$prefix.out" 2>&1 || {
        cat "$prefix.out"
        fail "form $form, entry $entry, length $length: failed"
      }
    done
  done
done
