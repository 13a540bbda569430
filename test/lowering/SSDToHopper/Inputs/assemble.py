"""Assembles the kernels of a PTX stream and fails where ptxas spills registers
or serialises products.

    assemble.py PTXAS [BYTES] <kernels.ptx

BYTES: spilled ones that are accepted a thread and kernel, 0 if not given.
"""

import re
import subprocess
import sys

ptxas, most = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0
kernels = re.split(r"(?m)^(?=\.version)", sys.stdin.read())[1:]
failures = [] if kernels else ["no kernels"]
for text in kernels:
    name = re.search(r"\.entry (\w+)", text)[1]
    target = re.search(r"(?m)^\.target (\w+)", text)[1]
    run = subprocess.run([ptxas, "-v", f"-arch={target}", "-O3", "-o", "/dev/null", "-"],
                         input=text, capture_output=True, text=True, check=False)
    said = run.stdout + run.stderr
    spilled = [int(n) for n in re.findall(r"(\d+) bytes spill stores", said)]
    registers = re.findall(r"Used (\d+) registers", said)
    print(f"{name}: {registers} registers, {spilled} bytes spilled")
    if run.returncode or not spilled or max(spilled) > most or "(C7" in said:
        failures.append(f"{name}:\n{said}")
sys.exit("\n".join(failures) or 0)
