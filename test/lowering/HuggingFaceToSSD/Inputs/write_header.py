"""Writes a .safetensors file with this header and 16 bytes of data.

write_header.py FILE HEADER
"""

import struct
import sys

header = sys.argv[2].encode()
with open(sys.argv[1], "wb") as file:
    file.write(struct.pack("<Q", len(header)) + header + bytes(16))
