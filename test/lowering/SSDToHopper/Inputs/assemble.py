"""Assembles the kernels of a PTX stream that are for one target and fails where
ptxas spills registers or serialises products.

    assemble.py PTXAS TARGET [BYTES [CHIP...]] <kernels.ptx

BYTES: spilled ones that are accepted a thread and kernel, 0 if not given. CHIPs:
those to assemble for, TARGET if none is given.
"""

import re
import subprocess
import sys

ptxas, target = sys.argv[1:3]
most = int(sys.argv[3]) if len(sys.argv) > 3 else 0
chips = sys.argv[4:] or [target]
kernels = [text for text in re.split(r"(?m)^(?=\.version)", sys.stdin.read())[1:]
           if re.search(r"(?m)^\.target (\w+)", text)[1] == target]
failures = [] if kernels else ["no kernels"]
for text in kernels:
    name = re.search(r"\.entry (\w+)", text)[1]
    for chip in chips:
        run = subprocess.run([ptxas, "-v", f"-arch={chip}", "-O3", "-o", "/dev/null", "-"],
                             input=text, capture_output=True, text=True, check=False)
        said = run.stdout + run.stderr
        spilled = [int(n) for n in re.findall(r"(\d+) bytes spill stores", said)]
        registers = re.findall(r"Used (\d+) registers", said)
        print(f"{name} on {chip}: {registers} registers, {spilled} bytes spilled")
        if run.returncode or not spilled or max(spilled) > most or "(C7" in said:
            failures.append(f"{name} on {chip}:\n{said}")
sys.exit("\n".join(failures) or 0)
