"""Splits a checkpoint into a shard for each layer and one for the rest.

shard_checkpoint.py SOURCE TARGET
"""

import json
import pathlib
import re
import struct
import sys


def shard_of(name):
    layer = re.match(r"backbone\.layers\.(\d+)\.", name)
    return f"model-{layer.group(1) if layer else 'rest'}.safetensors"


source, target = map(pathlib.Path, sys.argv[1:])
target.mkdir(parents=True, exist_ok=True)
(target / "config.json").write_text((source / "config.json").read_text())
data = (source / "model.safetensors").read_bytes()
(size,) = struct.unpack("<Q", data[:8])
shards, weight_map = {}, {}
for name, tensor in json.loads(data[8 : 8 + size]).items():
    if name != "__metadata__":
        shards.setdefault(shard_of(name), {})[name] = tensor
        weight_map[name] = shard_of(name)
for shard, tensors in shards.items():
    header, body = {}, b""
    for name, tensor in tensors.items():
        begin, end = (8 + size + offset for offset in tensor["data_offsets"])
        offsets = [len(body), len(body) + end - begin]
        header[name] = {**tensor, "data_offsets": offsets}
        body += data[begin:end]
    text = json.dumps(header).encode()
    (target / shard).write_bytes(struct.pack("<Q", len(text)) + text + body)
index = {"metadata": {}, "weight_map": weight_map}
(target / "model.safetensors.index.json").write_text(json.dumps(index))
