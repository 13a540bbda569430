# ===- make_seeds.py - Seeds for the fuzzers
# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# ===----------------------------------------------------------------------===#
"""usage: make_seeds.py FOLDER: writes FOLDER/{safetensors,npy,artifact_note}.

Small valid files, from which the fuzzers start. Needs no package.
"""

import json
import pathlib
import struct
import sys


def safetensors(tensors, metadata=None, sizes={"F32": 4, "BF16": 2, "I64": 8}):
    header, offset = {}, 0
    if metadata:
        header["__metadata__"] = metadata
    for name, dtype, shape in tensors:
        size = sizes[dtype]
        for extent in shape:
            size *= extent
        header[name] = {
            "dtype": dtype,
            "shape": shape,
            "data_offsets": [offset, offset + size],
        }
        offset += size
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(offset)


def npy(descriptor, shape, data_bytes, version=1):
    header = f"{{'descr': '{descriptor}', 'fortran_order': False, 'shape': {shape}, }}\n"
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    prefix = b"\x93NUMPY" + bytes([version, 0]) + length
    return prefix + header.encode() + bytes(data_bytes)


def note(name, kind, description):
    def padded(data):
        return data + bytes(-len(data) % 4)

    head = struct.pack("<III", len(name), len(description), kind)
    return head + padded(name) + padded(description)


def elf(notes, alignment=4):
    """A header, one PT_NOTE segment, and the notes."""
    ident = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    header = ident + struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 4, 4, 120, 0, 0, len(notes), len(notes), alignment)
    return header + segment + notes


OURS = note(b"ssd-mlir\0", 1, struct.pack("<I", 1) + b"x86-64-v3\0")
GNU = note(b"GNU\0", 3, bytes(20))

SEEDS = {
    "safetensors": [
        safetensors([]),
        safetensors([("w", "F32", [2, 3]), ("v", "BF16", [])], {"format": "pt"}),
        safetensors([("a", "I64", [1]), ("empty", "F32", [0, 7]), ("b", "F32", [1])]),
    ],
    "npy": [
        npy("<f4", "(2, 3)", 24),
        npy("<V2", "(4,)", 8, version=2),
        npy("|b1", "()", 1, version=3),
        npy("<i8", "(0, 5)", 0),
    ],
    "artifact_note": [elf(OURS), elf(GNU + OURS), elf(GNU), elf(OURS, alignment=8)],
}


def main(folder):
    for kind, files in SEEDS.items():
        target = pathlib.Path(folder, kind)
        target.mkdir(parents=True, exist_ok=True)
        for number, content in enumerate(files):
            (target / f"seed-{number}").write_bytes(content)


if __name__ == "__main__":
    main(sys.argv[1])
