# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The instructions on matrices, by the layouts that the PTX ISA draws.

In all of them lane l has row l / 4 and the columns 2 (l % 4) and 2 (l % 4) + 1 of an 8 x 8
matrix of 16-bit elements, the lower column in a register's lower half.
"""

from __future__ import annotations

import numpy as np

from .instructions import form
from .memory import EmulationError, swizzle, widen

_LANES = np.arange(32)
_ROW = _LANES // 4
_COLUMN = 2 * (_LANES % 4)
_LOW = np.uint32(0xffff)


def to_matrix(register):
    """The 8 x 8 matrix that 32 lanes have in a register."""
    matrix = np.zeros((8, 8), np.uint32)
    matrix[_ROW, _COLUMN] = register & _LOW
    matrix[_ROW, _COLUMN + 1] = register >> np.uint32(16)
    return matrix


def to_register(matrix):
    """Its inverse."""
    return matrix[_ROW, _COLUMN] | matrix[_ROW, _COLUMN + 1] << np.uint32(16)


def gather_blocks(warp, operands, dtype, rows):
    """Blocks of 8 x 8, as f32, in columns of `rows` blocks each."""
    blocks = [widen(to_matrix(warp.read(operand)), dtype) for operand in operands]
    return np.block([[blocks[column * rows + row] for column in range(len(blocks) // rows)]
                     for row in range(rows)])


def gather_sums(warp, operands):
    """A 16 x 8k matrix of f32: four registers for 8 columns, two rows of blocks."""
    sums = np.zeros((16, 2 * len(operands)), np.float32)
    for index, operand in enumerate(operands):
        sums[place_of_sum(index)] = warp.floats(operand)
    return sums


def scatter_sums(warp, operands, sums):
    for index, operand in enumerate(operands):
        warp.write_floats(operand, sums[place_of_sum(index)])


def place_of_sum(index):
    """The rows and columns in which the lanes' register `index` lies."""
    return _ROW + 8 * (index // 2 % 2), _COLUMN + 8 * (index // 4) + index % 2


def multiply(a, b, sums):
    """a b + sums, with sums in f64 and one rounding."""
    return (a.astype(np.float64) @ b + sums).astype(np.float32)


@form(r"mma\.sync\.aligned\.m16n8k16\.row\.col\.f32\.(?P<type>bf16|f16)\.(?P=type)\.f32")
def mma(warp, instruction, match):
    """mma.m16n8k16: A's blocks go down, then right; B's columns are in registers."""
    warp.need_all(instruction)
    target, a, b, sums = (operand.items for operand in instruction.operands)
    left = gather_blocks(warp, a, match["type"], rows=2)
    right = gather_blocks(warp, b, match["type"], rows=1).T
    scatter_sums(warp, target, multiply(left, right, gather_sums(warp, sums)))


def registers_of(operand):
    """One for each matrix: a register by itself, or a list in braces."""
    return getattr(operand, "items", (operand,))


def shared_matrices(operation):
    """The form of ldmatrix or stmatrix."""
    return form(operation + r"\.sync\.aligned\.m8n8\.x(?P<count>[124])"
                r"(?P<transposed>\.trans)?\.shared(::cta)?\.b16")


def rows_of(warp, operand, match):
    """Where the rows of the matrices are: lanes 8i to 8i + 7 have matrix i's."""
    return warp.addresses(operand)[:8 * int(match["count"])]


def oriented(matrices, match):
    """Matrices as they are on the other side of the instruction."""
    return [m.T if match["transposed"] else m for m in matrices]


@shared_matrices("ldmatrix")
def load_matrices(warp, instruction, match):
    """ldmatrix"""
    warp.need_all(instruction)
    target, source = instruction.operands
    addresses = rows_of(warp, source, match)
    rows = warp.block.shared.read(addresses, 16).view(np.uint16)
    matrices = oriented(rows.astype(np.uint32).reshape(-1, 8, 8), match)
    for operand, matrix in zip(registers_of(target), matrices):
        warp.write(operand, to_register(matrix))
    warp.observer.load(addresses, 16, registers_of(target))


@shared_matrices("stmatrix")
def store_matrices(warp, instruction, match):
    """stmatrix"""
    warp.need_all(instruction)
    target, source = instruction.operands
    matrices = [to_matrix(warp.read(operand)).astype(np.uint16)
                for operand in registers_of(source)]
    rows = np.concatenate(oriented(matrices, match))
    addresses = rows_of(warp, target, match)
    warp.block.shared.write(addresses, np.ascontiguousarray(rows).view(np.uint8))
    warp.observer.store(addresses, 16)
    warp.block.events += 1


@form(r"movmatrix\.sync\.aligned\.m8n8\.trans\.b16")
def transpose_matrix(warp, instruction, match):
    """movmatrix"""
    warp.need_all(instruction)
    target, source = instruction.operands
    warp.write(target, to_register(to_matrix(warp.read(source)).T))


def described_tile(warp, descriptor, rows, transposed):
    """A [rows, 16] tile, the second dimension k, of bits (Asynchronous Warpgroup Level
    Matrix Instructions, "Matrix Descriptor Format" and "Strides"), swizzled by 128 bytes:
    K-major, 8 rows of 128 bytes after another; or transposed, MN-major: 8 steps of k after
    another for each 64 rows."""
    if descriptor >> 62 != 1:
        raise EmulationError("a matrix descriptor without the 128-byte swizzle")
    start, leading, stride = ((descriptor >> shift & 0x3fff) << 4 for shift in (0, 16, 32))
    row, k = np.arange(rows)[:, None], np.arange(16)[None, :]
    if transposed:
        at = row // 64 * leading + k // 8 * stride + k % 8 * 128 + row % 64 * 2
    else:
        at = row // 8 * stride + row % 8 * 128 + k * 2
    addresses = swizzle(start + at).reshape(-1)
    warp.observer.multiply(addresses)
    raw = warp.block.shared.read(addresses, 2)
    return raw.view(np.uint16).reshape(rows, 16)


@form(r"wgmma\.mma_async\.sync\.aligned\.m64n(?P<n>\d+)k16\.f32\.(?P<type>bf16|f16)"
      r"\.(?P=type)")
def wgmma(warp, instruction, match):
    """wgmma.mma_async: each of four warps has 16 rows of A, of registers as mma's or of
    shared memory, and of D."""
    warp.need_all(instruction)
    target, a, b, accumulate, *scales = instruction.operands
    dtype = match["type"]
    transposed = [bool(warp.uniform(operand)) for operand in scales[2:]]
    if hasattr(a, "items"):
        left = gather_blocks(warp, a.items, dtype, rows=2)
    else:
        rows = 16 * (int(warp.registers["%tid.x"][0]) // 32 % 4)
        tile = described_tile(warp, warp.uniform(a, np.uint64), 64, transposed[0])
        left = widen(tile, dtype)[rows:rows + 16]
    tile = described_tile(warp, warp.uniform(b, np.uint64), int(match["n"]), transposed[-1])
    sums = np.zeros((16, int(match["n"])), np.float32)
    if hasattr(accumulate, "value") and accumulate.value \
            or not hasattr(accumulate, "value") and warp.read(accumulate).all():
        sums = gather_sums(warp, target.items)
    if any(warp.uniform(scale) != 1 for scale in scales[:2]):
        raise EmulationError("wgmma with a negated operand")
    scatter_sums(warp, target.items, multiply(left, widen(tile, dtype).T, sums))
