# What lit needs to know to run the tests of this folder.

import glob
import os
import shutil

import lit.formats

config.name = "ssd-mlir"
config.test_format = lit.formats.ShTest(True)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "models", "python", "unit", "fuzz", "lib"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.ssd_binary_dir, "test")

config.environment["PATH"] = os.path.pathsep.join(
    [config.ssd_tools_dir, config.llvm_tools_dir, config.environment["PATH"]]
)
config.environment["FILECHECK_OPTS"] = "-enable-var-scope"
config.substitutions.append(("%python", config.python))

# The CUDA Toolkit's assembler, or the one of its package on PyPI.
assemblers = [shutil.which("ptxas"), "/usr/local/cuda/bin/ptxas",
              *glob.glob(os.path.join(config.test_source_root, "..", ".venv", "lib",
                                      "python3*", "site-packages", "nvidia", "cu*",
                                      "bin", "ptxas"))]
for assembler in filter(None, assemblers):
    if os.access(assembler, os.X_OK):
        config.available_features.add("ptxas")
        config.substitutions.append(("%ptxas", os.path.abspath(assembler)))
        break

# --param roundtrip=1: every module that ssd-opt reads or makes must survive
# printing and parsing.
if lit_config.params.get("roundtrip"):
    config.substitutions.append((r"\bssd-opt\b", "ssd-opt --verify-roundtrip"))
