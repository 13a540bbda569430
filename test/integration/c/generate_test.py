# ===- generate_test.py - Drives the C example on a toy model
# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# ===----------------------------------------------------------------------===#
"""usage: generate_test.py GENERATE TOY_MODEL; needs no package."""

import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

GENERATE, MODEL = sys.argv[1:3]
VOCABULARY = 11


def safetensors(values):
    """One f32 vector called offset, in the file format."""
    data = struct.pack(f"<{len(values)}f", *values)
    tensor = {"dtype": "F32", "shape": [len(values)], "data_offsets": [0, len(data)]}
    header = json.dumps({"offset": tensor}).encode()
    return struct.pack("<Q", len(header)) + header + data


def expected(prompt, steps, offset):
    """What the toy model predicts: see toy_model.c."""
    tokens = list(prompt)
    for _ in range(steps):
        tokens.append((3 * sum(tokens) + offset) % VOCABULARY)
    return tokens[len(prompt) :]


class Generate(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.write(safetensors([5.0]))

    def write(self, content):
        path = pathlib.Path(self.folder.name, "model.safetensors")
        path.write_bytes(content)

    def generate(self, *arguments):
        command = [GENERATE, MODEL, self.folder.name, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True)

    def test_continues_prompts(self):
        for prompt in ([1], [1, 2, 3], [10] * 50):
            result = self.generate(12, *prompt)
            self.assertEqual(result.returncode, 0, result.stderr)
            tokens = [int(word) for word in result.stdout.split()]
            self.assertEqual(tokens, expected(prompt, 12, 5))

    def test_one_step_is_prefill_alone(self):
        self.assertEqual(self.generate(1, 4).stdout, "6\n")

    def test_names_a_token_outside_the_vocabulary(self):
        result = self.generate(1, 4, 11)
        self.assertEqual(result.returncode, 1)
        self.assertIn("'ids' holds 11 at [0, 1]", result.stderr)

    def test_names_a_parameter_of_wrong_shape(self):
        self.write(safetensors([5.0, 6.0]))
        result = self.generate(1, 4)
        self.assertEqual(result.returncode, 1)
        self.assertIn("'offset' has shape [2]", result.stderr)

    def test_names_a_truncated_file(self):
        self.write(safetensors([5.0])[:-1])
        result = self.generate(1, 4)
        self.assertEqual(result.returncode, 1)
        self.assertIn("model.safetensors", result.stderr)

    def test_usage(self):
        self.assertEqual(self.generate().returncode, 2)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
