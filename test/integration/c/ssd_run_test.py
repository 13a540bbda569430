# ===- ssd_run_test.py - Drives ssd-run on toy artifacts
# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# ===----------------------------------------------------------------------===#
"""usage: ssd_run_test.py SSD_RUN FOLDER_OF_TOYS; needs no package."""

import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

SSD_RUN, TOYS = sys.argv[1:3]
MIXER = f"{TOYS}/toy_mixer.so"
MODEL = f"{TOYS}/toy_model.so"
SIZES = ["--dim", "0=2", "--dim=d1=17"]


def npy(shape, values, dtype="<i8", code="q"):
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
    header = header.encode() + b"\n"
    data = struct.pack(f"<{len(values)}{code}", *values)
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + data


class Run(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_tool(self, *arguments, status=0):
        command = [SSD_RUN, *map(str, arguments)]
        result = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(result.returncode, status, result.stdout + result.stderr)
        return result.stderr if status else result.stdout

    def test_describe(self):
        table = json.loads(self.run_tool(MODEL, "--describe"))
        self.assertEqual([e["name"] for e in table["entries"]], ["prefill", "step"])

    def test_help(self):
        self.assertIn("--tolerance", self.run_tool("--help"))

    def test_check_passes(self):
        text = self.run_tool(MIXER, *SIZES, "--check=ssd-mix")
        self.assertEqual(text.count("passed"), 2, text)

    def test_check_fails_on_a_wrong_mixer(self):
        broken = f"{TOYS}/broken_mixer.so"
        command = [SSD_RUN, broken, *SIZES, "--check=ssd-mix"]
        result = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stdout.count("FAILED"), 2, result.stdout)
        self.run_tool(broken, *SIZES, "--check=ssd-mix", "--tolerance=100")

    def test_check_uses_the_initial_state(self):
        saved = self.folder / "s.safetensors"
        self.run_tool(MIXER, *SIZES, f"--state-out={saved}")
        text = self.run_tool(
            MIXER, "--dim=1=5", "--check=ssd-mix", f"--state-in={saved}", "--seed=4"
        )
        self.assertEqual(text.count("passed"), 2, text)

    def test_check_of_an_empty_sequence(self):
        text = self.run_tool(MIXER, "--dim=0=2", "--dim=1=0", "--check=ssd-mix")
        self.assertEqual(text.count("passed"), 2, text)

    def test_check_in_the_wrong_direction_fails(self):
        command = [SSD_RUN, MIXER, *SIZES, "--check=ssd-mix", "--reverse"]
        result = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(result.returncode, 1)
        self.assertIn("FAILED", result.stdout)

    def test_files_in_and_out(self):
        ids = self.folder / "ids.npy"
        ids.write_bytes(npy((2, 3), [1, 2, 3, 4, 5, 6]))
        logits, total = self.folder / "logits.npy", self.folder / "sum.npy"
        self.run_tool(
            MODEL, "--entry=prefill", "--weights=random", "--input", f"ids={ids}",
            f"--output=logits={logits}", f"--output=layers.0.sum={total}",
        )  # fmt: skip
        content = total.read_bytes()
        self.assertIn(b"'shape': (2,)", content)
        self.assertEqual(struct.unpack("<2f", content[-8:]), (6.0, 15.0))
        self.assertIn(b"'shape': (2, 11)", logits.read_bytes())

    def test_rounds_floats_to_the_arguments_type(self):
        x = self.folder / "x.npy"
        x.write_bytes(npy((1, 1, 2, 3), [0.1] * 6, "<f8", "d"))
        self.run_tool(MIXER, f"--input=x={x}", "--check=ssd-mix")
        x.write_bytes(npy((1, 1, 2, 3), [1] * 6))
        text = self.run_tool(MIXER, f"--input=x={x}", status=1)
        self.assertIn("'x' has type i64; expected f32", text)

    def test_sources(self):
        total = self.folder / "sum.npy"
        for source, expected in [("zeros", 0), ("ones", 13), ("iota", 56)]:
            self.run_tool(
                MODEL, "--entry=prefill", "--weights=random", f"--input=ids={source}",
                "--dim=0=1", "--dim=1=13", f"--output=layers.0.sum={total}",
            )  # fmt: skip
            (value,) = struct.unpack("<f", total.read_bytes()[-4:])
            self.assertEqual(value, expected)

    def test_seed(self):
        def output(seed):
            path = self.folder / "y.npy"
            self.run_tool(MIXER, *SIZES, f"--seed={seed}", f"--output=y={path}")
            return path.read_bytes()

        self.assertEqual(output(1), output(1))
        self.assertNotEqual(output(1), output(2))

    def test_time(self):
        text = self.run_tool(MIXER, *SIZES, "--time=5", "--threads=1")
        self.assertRegex(text, r"time: median .* us, min .* us, 5 runs, 1 threads")

    def test_names_mistakes(self):
        for arguments, part in [
            ([], "The artifact is missing."),
            ([MODEL], "Choose an entry with --entry=NAME, one of: prefill, step."),
            ([MIXER], "give it with --dim 0=SIZE."),
            ([MIXER, "--nothing"], "There is no option '--nothing'."),
            ([MIXER, "--threads"], "--threads needs a value."),
            ([MIXER, "--threads=x"], "--threads takes a number; found 'x'."),
            ([MIXER, "--threads=-1"], "--threads can't be negative."),
            ([MIXER, "--dim=3"], "--dim takes NAME=VALUE"),
            ([MIXER, "--input=q=zeros", *SIZES], "has no input or output 'q'."),
            ([MIXER, "--output=q=f", *SIZES], "has no output or state 'q'."),
            ([MIXER, "--check=other"], "--check knows ssd-mix only"),
            ([MIXER, MIXER], "There are two artifacts"),
        ]:
            self.assertIn(part, self.run_tool(*arguments, status=2))

    def test_names_failures(self):
        odd = self.folder / "odd.npy"
        odd.write_bytes(npy((3,), [1, 2]))
        for arguments, part in [
            (["/nowhere.so"], "Can't open '/nowhere.so'"),
            ([MODEL, "--entry=other"], "has no entry 'other'"),
            ([MODEL, "--entry=step", "--dim=0=1"], "are not bound"),
            ([MODEL, "--entry=step", f"--input=ids={odd}"], "holds 16 bytes"),
            ([MIXER, *SIZES, "--weights=/nowhere"], "Can't open '/nowhere'"),
            ([MIXER, *SIZES, "--state-in=/nowhere"], "Can't open '/nowhere'"),
        ]:
            self.assertIn(part, self.run_tool(*arguments, status=1))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
