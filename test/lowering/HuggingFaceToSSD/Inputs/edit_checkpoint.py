"""Copies a checkpoint folder with changes; its weights become zeros.

    edit_checkpoint.py SOURCE TARGET CHANGE...

    key=JSON       sets a field of config.json
    key-           removes it
    @name=F32:2,3  stores a tensor of this type and shape
    @name-         removes it

A component N of a tensor's name stands for each layer's index.
"""

import json
import math
import pathlib
import struct
import sys

BYTES = {"F64": 8, "F32": 4, "I32": 4, "BF16": 2, "F16": 2}


def read_header(path):
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
    header.pop("__metadata__", None)
    return {name: (t["dtype"], t["shape"]) for name, t in header.items()}


def write_header(path, tensors):
    header, end = {}, 0
    for name, (dtype, shape) in tensors.items():
        begin, end = end, end + math.prod(shape) * BYTES[dtype]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + end)


def expand(name, layers):
    """`name` for each layer, if it has a component N."""
    names = [name.replace(".N.", f".{i}.") for i in range(layers)]
    return list(dict.fromkeys(names))


def edit(source, target, changes):
    config = json.loads((source / "config.json").read_text())
    tensors = read_header(source / "model.safetensors")
    layers = config["num_hidden_layers"]
    for change in changes:
        name, _, value = change.partition("=")
        if name[0] != "@":
            if name.endswith("-"):
                config.pop(name[:-1])
            else:
                config[name] = json.loads(value)
        elif name.endswith("-"):
            for tensor in expand(name[1:-1], layers):
                tensors.pop(tensor)
        else:
            dtype, shape = value.split(":")
            for tensor in expand(name[1:], layers):
                tensors[tensor] = dtype, [int(size) for size in shape.split(",")]
    target.mkdir(parents=True, exist_ok=True)
    (target / "config.json").write_text(json.dumps(config, indent=2))
    write_header(target / "model.safetensors", tensors)


edit(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:])
