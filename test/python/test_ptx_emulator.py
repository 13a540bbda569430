# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The emulator's instructions, one at a time, against what the PTX ISA says of them."""

from __future__ import annotations

import numpy as np
import pytest

from ptx_emulator import EmulationError, GlobalMemory, TensorMap, parse, run_kernel
from ptx_emulator.memory import narrow, widen

LANES = np.arange(32)
ROW, COLUMN = LANES // 4, 2 * (LANES % 4)
LANE_ADDRESS = """
  mov.u32 %r0, %tid.x;
  ld.param.b64 %rd0, [in];
  ld.param.b64 %rd1, [out];
"""


def run(body, given, result, threads=32, shared=4096, maps=(), cluster=1, races=False):
    """What a kernel of one block, or of one cluster, leaves in its result. %r0 is the thread's
    index, %rd0 and %rd1 are the addresses of the operand and the result."""
    memory = GlobalMemory({"in": np.asarray(given), "out": result.copy()}, ("out",))
    parameters = ["in", "out", *(f"map{index}" for index in range(len(maps)))]
    text = (f".visible .entry kernel({', '.join(f'.param .u64 {p}' for p in parameters)})\n"
            f".reqntid {threads}, 1, 1\n.reqnctapercluster {cluster}, 1, 1\n{{\n{LANE_ADDRESS}{body}\n  ret;\n}}\n")
    arguments = [memory.address["in"], memory.address["out"],
                 *(TensorMap(memory.get(name), box) for name, box in maps)]
    run_kernel(parse(text), arguments, memory, cluster, shared, races)
    assert not memory.changed_outside(("out",))
    return memory.get("out")


def load_words(count, first=1):
    """Loads words of each lane, [lane, count] in the operand, to %r<first> and on."""
    lines = [f"  mad.wide.u32 %rd2, %r0, {4 * count}, %rd0;"]
    lines += [f"  ld.global.b32 %r{first + i}, [%rd2+{4 * i}];" for i in range(count)]
    return "\n".join(lines) + "\n"


def store_words(*registers):
    """Stores words of each lane to the result, [lane, count]."""
    lines = [f"  mad.wide.u32 %rd3, %r0, {4 * len(registers)}, %rd1;"]
    lines += [f"  st.global.b32 [%rd3+{4 * i}], {name};" for i, name in enumerate(registers)]
    return "\n".join(lines) + "\n"


def words(*sizes):
    return np.zeros(sizes, np.uint32)


def pairs(matrix):
    """16-bit numbers, [..., 2], as words with the first in the lower half."""
    matrix = np.asarray(matrix, np.uint32)
    return matrix[..., 0] | matrix[..., 1] << np.uint32(16)


def small(generator, *sizes):
    """Integers that sums of products of are exact."""
    return generator.integers(-8, 9, sizes).astype(np.float32)


# -- matrices ----------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["bf16", "f16"])
def test_mma(dtype):
    generator = np.random.default_rng(0)
    a, b, c = small(generator, 16, 16), small(generator, 16, 8), small(generator, 16, 8)
    # "Matrix Fragments for mma.m16n8k16": element i of A has row g or g + 8 and column
    # 2 t + (i & 1), + 8 from a4 on; of B row 2 t + (i & 1) + 8 (i / 2) and column g.
    a_words = np.stack([pairs(np.stack([
        narrow(a[ROW + 8 * (i // 2 % 2), COLUMN + 8 * (i // 4) + half], dtype)
        for half in (0, 1)], -1)) for i in (0, 2, 4, 6)], 1)
    b_words = np.stack([pairs(np.stack([narrow(b[COLUMN + 4 * i + half, ROW], dtype)
                                        for half in (0, 1)], -1)) for i in (0, 2)], 1)
    places = [(ROW + 8 * (i // 2), COLUMN + i % 2) for i in range(4)]
    c_words = np.stack([c[place] for place in places], 1).view(np.uint32)
    body = load_words(10) + f"""
  mma.sync.aligned.m16n8k16.row.col.f32.{dtype}.{dtype}.f32
      {{%f0, %f1, %f2, %f3}}, {{%r1, %r2, %r3, %r4}}, {{%r5, %r6}}, {{%r7, %r8, %r9, %r10}};
""" + store_words("%f0", "%f1", "%f2", "%f3")
    found = run(body, np.concatenate([a_words, b_words, c_words], 1), words(32, 4))
    expected = a @ b + c
    for index, place in enumerate(places):
        np.testing.assert_array_equal(found[:, index].view(np.float32), expected[place])


def matrices():
    """Four matrices of 8 x 8, each element another number; as words of 16-byte rows."""
    numbers = np.arange(256, dtype=np.uint16).reshape(4, 8, 8)
    return numbers, numbers.reshape(32, 8).view(np.uint32)


@pytest.mark.parametrize("transposed", ["", ".trans"])
def test_ldmatrix(transposed):
    numbers, rows = matrices()
    body = load_words(4) + f"""
  shl.b32 %r9, %r0, 4;
  st.shared.v4.b32 [%r9], {{%r1, %r2, %r3, %r4}};
  bar.warp.sync -1;
  ldmatrix.sync.aligned.m8n8.x4{transposed}.shared.b16 {{%r5, %r6, %r7, %r8}}, [%r9];
""" + store_words("%r5", "%r6", "%r7", "%r8")
    found = run(body, rows, words(32, 4))
    for index, matrix in enumerate(numbers):
        matrix = matrix.T if transposed else matrix
        expected = pairs(np.stack([matrix[ROW, COLUMN], matrix[ROW, COLUMN + 1]], -1))
        np.testing.assert_array_equal(found[:, index], expected)


@pytest.mark.parametrize("transposed", ["", ".trans"])
def test_stmatrix(transposed):
    numbers, rows = matrices()
    fragments = np.stack([pairs(np.stack([m[ROW, COLUMN], m[ROW, COLUMN + 1]], -1))
                          for m in numbers], 1)
    body = load_words(4) + f"""
  shl.b32 %r9, %r0, 4;
  stmatrix.sync.aligned.m8n8.x4{transposed}.shared.b16 [%r9], {{%r1, %r2, %r3, %r4}};
  ld.shared.v4.b32 {{%r5, %r6, %r7, %r8}}, [%r9];
""" + store_words("%r5", "%r6", "%r7", "%r8")
    found = run(body, fragments, words(32, 4)).view(np.uint16).reshape(4, 8, 8)
    expected = numbers.transpose(0, 2, 1) if transposed else numbers
    np.testing.assert_array_equal(found, expected)


def test_movmatrix():
    matrix = matrices()[0][1]
    fragment = pairs(np.stack([matrix[ROW, COLUMN], matrix[ROW, COLUMN + 1]], -1))
    body = load_words(1) + "movmatrix.sync.aligned.m8n8.trans.b16 %r2, %r1;" \
        + store_words("%r2")
    expected = pairs(np.stack([matrix[COLUMN, ROW], matrix[COLUMN + 1, ROW]], -1))
    np.testing.assert_array_equal(run(body, fragment, words(32)), expected)


def descriptor(start, leading, stride):
    return start >> 4 | leading >> 4 << 16 | stride >> 4 << 32 | 1 << 62


@pytest.mark.parametrize("transposed", [False, True], ids=["K-major", "MN-major"])
def test_wgmma(transposed):
    """64 x 64 x 16: boxes of a tensor bring A and B, [64, 64] each, to shared memory."""
    generator = np.random.default_rng(0)
    a, b = small(generator, 64, 64), small(generator, 64, 64)
    tensor = narrow(np.stack([a, b]), "bf16").astype(np.uint16)[:, :, None]
    sums = [f"%f{index}" for index in range(32)]
    body = f"""
  setp.ne.b32 %p0, %r0, 0;
  @%p0 bra $L__loaded;
  mbarrier.init.shared::cta.b64 [16384], 1;
  mbarrier.arrive.expect_tx.shared::cta.b64 _, [16384], 16384;
  mov.b64 %rd4, map0;
  mov.b32 %r1, 0;
  mov.b32 %r2, 1;
  cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes
      [0], [%rd4, {{%r1, %r1, %r1, %r1}}], [16384];
  cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes
      [8192], [%rd4, {{%r1, %r1, %r1, %r2}}], [16384];
$L__loaded:
  bar.sync 0;
  mbarrier.try_wait.parity.shared::cta.b64 %p1, [16384], 0;
  @!%p1 bra $L__loaded;
  setp.ne.b32 %p2, 0, 0;
  wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {{{', '.join(sums)}}},
      {descriptor(32, 0, 1024)}, {descriptor(8192 + (2048 if transposed else 32), 0, 1024)},
      %p2, 1, 1, 0, {int(transposed)};
""" + store_words(*sums)
    tensor = tensor.reshape(2, 64, 1, 64)
    found = run(body.replace("[0], [%rd4", "[%r1], [%rd4"), tensor, words(128, 32),
                threads=128, shared=16400, maps=[("in", (1, 64, 1, 64))])
    # From k = 16 on; K-major B is [n, k], MN-major [k, n].
    part = slice(16, 32)
    expected = a[:, part] @ (b[part] if transposed else b[:, part].T)
    values = found.view(np.float32).reshape(4, 32, 32)
    for warp in range(4):
        for index in range(32):
            place = 16 * warp + ROW + 8 * (index // 2 % 2), \
                8 * (index // 4) + COLUMN + index % 2
            np.testing.assert_array_equal(values[warp, :, index], expected[place])


def test_moved_predicates():
    """A loop of two rounds, as compilers write one: what is true at first and then false."""
    body = """
  mov.b32 %r1, 0;
  mov.pred %p1, -1;
$again:
  mov.pred %p0, %p1;
  add.s32 %r1, %r1, 1;
  mov.pred %p1, 0;
  @%p0 bra $again;
""" + store_words("%r1")
    assert (run(body, words(32), words(32)) == 2).all()


# -- copies and barriers -----------------------------------------------------


@pytest.mark.parametrize("size", [0, 4, 16])
def test_cp_async_fills_with_zeros(size):
    given = np.arange(1, 129, dtype=np.uint32).reshape(32, 4)
    body = f"""
  shl.b32 %r1, %r0, 4;
  mad.wide.u32 %rd2, %r0, 16, %rd0;
  cp.async.cg.shared::cta.global [%r1], [%rd2], 16, {size};
  cp.async.wait_all;
  ld.shared.v4.b32 {{%r2, %r3, %r4, %r5}}, [%r1];
""" + store_words("%r2", "%r3", "%r4", "%r5")
    expected = np.where(np.arange(4) < size // 4, given, 0)
    np.testing.assert_array_equal(run(body, given, words(32, 4)), expected)


@pytest.mark.parametrize("pending", [0, 1, 2])
def test_cp_async_groups(pending):
    """Two groups, and what is in none: only those before the last `pending` are waited for."""
    copy = """
  cp.async.cg.shared::cta.global [%r1], [%rd2], 16, 16;
  add.s32 %r1, %r1, 512;"""
    body = f"""
  shl.b32 %r1, %r0, 4;
  mad.wide.u32 %rd2, %r0, 16, %rd0;{copy}
  cp.async.commit_group;{copy}
  cp.async.commit_group;{copy}
  cp.async.wait_group {pending};
  shl.b32 %r1, %r0, 4;
  ld.shared.b32 %r2, [%r1];
  ld.shared.b32 %r3, [%r1+512];
  ld.shared.b32 %r4, [%r1+1024];
""" + store_words("%r2", "%r3", "%r4")
    given = np.arange(128, dtype=np.uint32).reshape(32, 4)
    found = run(body, given, words(32, 3), races=True)
    landed = np.arange(3) < 2 - pending
    np.testing.assert_array_equal(found, np.where(landed, given[:, :1], 0xFFFFFFFF))


def test_cp_async_has_not_landed_before_a_wait():
    body = """
  shl.b32 %r1, %r0, 4;
  mad.wide.u32 %rd2, %r0, 16, %rd0;
  cp.async.cg.shared::cta.global [%r1], [%rd2], 16, 16;
  ld.shared.b32 %r2, [%r1];
""" + store_words("%r2")
    assert (run(body, words(32, 4), words(32), races=True) == 0xFFFFFFFF).all()


def test_box_of_a_tensor():
    """What lies beyond the tensor is zero in shared memory, and is not stored."""
    given = np.arange(1, 3 * 64 + 1, dtype=np.uint16).reshape(1, 3, 1, 64)
    body = """
  setp.ne.b32 %p0, %r0, 0;
  @%p0 ret;
  mov.b32 %r1, 0;
  mov.b32 %r2, -1;
  mov.b64 %rd4, map0;
  mov.b64 %rd5, map1;
  mbarrier.init.shared::cta.b64 [2048], 1;
  mbarrier.arrive.expect_tx.shared::cta.b64 _, [2048], 512;
  cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes
      [%r1], [%rd4, {%r1, %r1, %r2, %r1}], [2048];
  mbarrier.try_wait.parity.shared::cta.b64 %p1, [2048], 0;
  cp.async.bulk.tensor.4d.global.shared::cta.bulk_group [%rd5, {%r1, %r1, %r1, %r1}], [%r1];
"""
    found = run(body, given, np.full((1, 3, 1, 64), 7, np.uint16),
                maps=[("in", (1, 4, 1, 64)), ("out", (1, 4, 1, 64))])
    # Loaded from one row before the tensor.
    np.testing.assert_array_equal(found[0, 0], 0)
    np.testing.assert_array_equal(found[0, 1:], given[0, :2])


def test_box_is_swizzled():
    """16-byte piece i of row r, of 128 bytes, lies at piece i xor (r mod 8)."""
    given = np.arange(16 * 64, dtype=np.uint16).reshape(1, 16, 1, 64)
    body = """
  setp.ne.b32 %p0, %r0, 0;
  mov.b32 %r1, 0;
  mov.b64 %rd4, map0;
  @!%p0 mbarrier.init.shared::cta.b64 [2048], 1;
  @!%p0 mbarrier.arrive.expect_tx.shared::cta.b64 _, [2048], 2048;
  @!%p0 cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes
      [%r1], [%rd4, {%r1, %r1, %r1, %r1}], [2048];
  mbarrier.try_wait.parity.shared::cta.b64 %p1, [2048], 0;
  shl.b32 %r1, %r0, 6;
  ld.shared.v4.b32 {%r2, %r3, %r4, %r5}, [%r1];
""" + store_words("%r2", "%r3", "%r4", "%r5")
    found = run(body, given, words(32, 4), maps=[("in", (1, 16, 1, 64))]).view(np.uint16)
    # Lane l has what lies in row l / 2, at piece 0 or 4.
    row, piece = LANES // 2, LANES % 2 * 4
    expected = given.reshape(16, 8, 8)[row, piece ^ row % 8]
    np.testing.assert_array_equal(found, expected)


def test_mbarrier_phases():
    """A phase ends with its second arrival, as does the next; a wait is for the phase of its
    parity."""
    body = """
  setp.ne.b32 %p0, %r0, 0;
  @%p0 ret;
  mbarrier.init.shared::cta.b64 [8], 2;
  mbarrier.test_wait.parity.shared::cta.b64 %p1, [8], 1;
  selp.b32 %r1, 1, 0, %p1;
  mbarrier.arrive.shared::cta.b64 _, [8];
  mbarrier.test_wait.parity.shared::cta.b64 %p1, [8], 0;
  selp.b32 %r2, 1, 0, %p1;
  mbarrier.arrive.shared::cta.b64 _, [8];
  mbarrier.test_wait.parity.shared::cta.b64 %p1, [8], 0;
  selp.b32 %r3, 1, 0, %p1;
  mbarrier.test_wait.parity.shared::cta.b64 %p1, [8], 1;
  selp.b32 %r4, 1, 0, %p1;
  mbarrier.arrive.shared::cta.b64 _, [8];
  mbarrier.arrive.shared::cta.b64 _, [8];
  mbarrier.test_wait.parity.shared::cta.b64 %p1, [8], 1;
  selp.b32 %r5, 1, 0, %p1;
""" + store_words("%r1", "%r2", "%r3", "%r4", "%r5")
    np.testing.assert_array_equal(run(body, words(1), words(1, 5)), [[1, 0, 1, 0, 1]])


def test_mbarrier_between_warps():
    """The first warp waits for what the second stores before it arrives."""
    body = """
  setp.ge.u32 %p0, %r0, 32;
  setp.ne.b32 %p3, %r0, 0;
  @!%p3 mbarrier.init.shared::cta.b64 [8], 32;
  bar.sync 0;
  @%p0 bra $L__store;
$L__wait:
  mbarrier.test_wait.parity.shared::cta.b64 %p1, [8], 0;
  @!%p1 bra $L__wait;
  shl.b32 %r1, %r0, 2;
  ld.shared.b32 %r2, [%r1+128];
""" + store_words("%r2") + """
  ret;
$L__store:
  shl.b32 %r1, %r0, 2;
  st.shared.b32 [%r1], %r0;
  mbarrier.arrive.shared::cta.b64 _, [8];
"""
    np.testing.assert_array_equal(run(body, words(1), words(32), threads=64), LANES + 32)


# -- clusters ----------------------------------------------------------------

CLUSTER_BARRIER = """
  barrier.cluster.arrive.release.aligned;
  barrier.cluster.wait.acquire.aligned;
"""
# A barrier at 2048 for one arrival, %r8 is the block's rank, %rd1 its own part of the result.
CLUSTER_START = """
  mov.u32 %r8, %cluster_ctarank;
  setp.ne.b32 %p0, %r0, 0;
  @!%p0 mbarrier.init.shared::cta.b64 [2048], 1;
  mad.wide.u32 %rd1, %r8, 128, %rd1;
""" + CLUSTER_BARRIER
WAIT_FOR_IT = """
$L__wait:
  mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 %p1, [2048], 0;
  @!%p1 bra $L__wait;
"""


def test_arrivals_at_another_block():
    """Rank 0 waits for rank 2, that for rank 1, and the last for none."""
    body = CLUSTER_START + """
  setp.eq.u32 %p2, %r8, 1;
  @%p2 bra $L__go;
""" + WAIT_FOR_IT + """
$L__go:
  setp.eq.u32 %p3, %r8, 0;
  @%p3 bra $L__end;
  xor.b32 %r1, %r8, 3;
  setp.eq.u32 %p3, %r8, 2;
  selp.b32 %r1, 0, 2, %p3;
  mov.b32 %r2, 2048;
  mapa.shared::cluster.u32 %r3, %r2, %r1;
  @!%p0 mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%r3];
$L__end:
""" + CLUSTER_BARRIER + store_words("%r8")
    found = run(body, words(1), words(3, 32), cluster=3)
    np.testing.assert_array_equal(found, np.repeat(np.arange(3)[:, None], 32, 1))


def test_multicast():
    """The last of three blocks fetches for the first and itself; bytes are expected later."""
    given = np.arange(1, 65, dtype=np.uint16).reshape(1, 1, 1, 64)
    body = CLUSTER_START + """
  mov.b32 %r1, 0;
  mov.b64 %rd4, map0;
  mov.b16 %rs1, 5;
  setp.ne.b32 %p4, %r8, 2;
  or.pred %p5, %p4, %p0;
  @!%p5 cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster
      [%r1], [%rd4, {%r1, %r1, %r1, %r1}], [2048], %rs1;
""" + CLUSTER_BARRIER + """
  setp.eq.u32 %p6, %r8, 1;
  @%p6 bra $L__end;
  @!%p0 mbarrier.arrive.expect_tx.shared::cta.b64 _, [2048], 128;
""" + WAIT_FOR_IT + """
$L__end:
  shl.b32 %r1, %r0, 2;
  ld.shared.b32 %r2, [%r1];
""" + store_words("%r2")
    found = run(body, given, words(3, 32), maps=[("in", (1, 1, 1, 64))], cluster=3)
    expected = given.view(np.uint32).reshape(-1)
    np.testing.assert_array_equal(found, [expected, np.full(32, 0xFFFFFFFF), expected])


def test_cluster_barrier_is_for_those_that_have_not_ended():
    """And a warp may do other things between its arrival and its wait."""
    body = """
  setp.lt.u32 %p0, %r0, 32;
  @%p0 ret;
  barrier.cluster.arrive.release.aligned;
  bar.sync 1, 32;
  barrier.cluster.wait.acquire.aligned;
  sub.s32 %r0, %r0, 32;
""" + store_words("%r0")
    found = run(body, words(1), words(32), threads=64, cluster=2)
    np.testing.assert_array_equal(found, LANES)


@pytest.mark.parametrize("body, message", [
    ("mapa.shared::cluster.u32 %r1, %r0, 2;", "a cluster of 2 blocks has none of rank 2"),
    ("mov.b16 %rs1, 6; mov.b64 %rd4, map0; @!%p0 cp.async.bulk.tensor.4d.shared::cluster.global."
     "mbarrier::complete_tx::bytes.multicast::cluster [%r0], [%rd4, {%r0, %r0, %r0, %r0}], "
     "[2048], %rs1;", "a cluster of 2 blocks has none of rank 2"),
    ("mov.b16 %rs1, 0; mov.b64 %rd4, map0; @!%p0 cp.async.bulk.tensor.4d.shared::cluster.global."
     "mbarrier::complete_tx::bytes.multicast::cluster [%r0], [%rd4, {%r0, %r0, %r0, %r0}], "
     "[2048], %rs1;", "a multicast to no block"),
    ("mov.b32 %r1, 2048; mapa.shared::cluster.u32 %r2, %r1, %r8; "
     "@!%p0 mbarrier.arrive.shared::cta.b64 _, [%r2];", "there is no mbarrier at"),
    ("setp.eq.u32 %p2, %r8, 1; @%p2 ret; mov.b32 %r1, 2048; "
     "mapa.shared::cluster.u32 %r2, %r1, 1; "
     "mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%r2];",
     "the block of rank 1 has ended"),
    ("setp.eq.u32 %p2, %r8, 0; @%p2 bar.sync 1, 64; barrier.cluster.arrive.release.aligned; "
     "barrier.cluster.wait.acquire.aligned;",
     "deadlock in kernel: warp 0 of block 0 at named barrier 1; "
     "warp 0 of block 1 at the cluster's barrier"),
    ("barrier.cluster.wait.acquire.aligned;", "without an arrival"),
    ("barrier.cluster.arrive.release.aligned; barrier.cluster.arrive.release.aligned;",
     "arrives twice"),
    ("@%p0 ret; barrier.cluster.arrive.release.aligned;", "by a part of a warp"),
], ids=["rank", "mask", "no mask", "own address space", "ended", "deadlock", "no arrival", "twice",
        "part of a warp"])
def test_errors_in_clusters(body, message):
    with pytest.raises(EmulationError, match=message):
        run(CLUSTER_START + body, np.zeros((1, 1, 1, 64), np.uint16), words(2, 32),
            maps=[("in", (1, 1, 1, 64))], cluster=2)


def test_blocks_are_whole_clusters():
    program = parse(".entry kernel()\n.reqnctapercluster 2, 1, 1\n{ ret; }")
    with pytest.raises(EmulationError, match="3 blocks are no clusters of 2"):
        run_kernel(program, [], GlobalMemory({}, ()), 3)


# -- lanes -------------------------------------------------------------------


@pytest.mark.parametrize("how, offset, clamp, expected", [
    ("up", 3, 0, np.where(LANES < 3, LANES, LANES - 3)),
    ("down", 3, 31, np.where(LANES > 28, LANES, LANES + 3)),
    ("bfly", 5, 31, LANES ^ 5),
    ("idx", 9, 31, np.full(32, 9))])
def test_shuffle(how, offset, clamp, expected):
    body = f"shfl.sync.{how}.b32 %r1, %r0, {offset}, {clamp}, -1;" + store_words("%r1")
    np.testing.assert_array_equal(run(body, words(1), words(32)), expected)


def test_predicated_instructions_leave_other_lanes():
    body = """
  setp.lt.u32 %p0, %r0, 8;
  mov.b32 %r1, 1;
  @%p0 mov.b32 %r1, 2;
  @!%p0 add.s32 %r1, %r1, 4;
""" + store_words("%r1")
    np.testing.assert_array_equal(run(body, words(1), words(32)), np.where(LANES < 8, 2, 5))


def test_lanes_that_part_meet_at_a_sync():
    """Lanes loop as often as their index says, then shuffle together."""
    body = """
  mov.b32 %r1, 0;
$L__loop:
  setp.ge.u32 %p0, %r1, %r0;
  @%p0 bra $L__end;
  add.s32 %r1, %r1, 1;
  bra.uni $L__loop;
$L__end:
  shfl.sync.bfly.b32 %r2, %r1, 1, 31, -1;
""" + store_words("%r2")
    np.testing.assert_array_equal(run(body, words(1), words(32)), LANES ^ 1)


def test_lanes_wait_at_a_sync_for_those_that_come_from_further_on():
    body = """
  setp.lt.u32 %p0, %r0, 8;
  mov.b32 %r1, 1;
  @%p0 bra $L__later;
$L__meet:
  shfl.sync.bfly.b32 %r2, %r1, 31, 31, -1;
""" + store_words("%r2") + """
  ret;
$L__later:
  mov.b32 %r1, 2;
  bra.uni $L__meet;
"""
    found = run(body, words(1), words(32))
    np.testing.assert_array_equal(found, np.where(LANES >= 24, 2, 1))


def test_scopes_hide_registers_and_labels():
    body = """
  { .reg .b32 v<2>; mov.b32 v1, 3; bra same; same: add.s32 %r1, v1, 1; }
  { .reg .b32 v<2>; mov.b32 v1, 5; bra same; same: add.s32 %r2, v1, %r1; }
""" + store_words("%r2")
    assert (run(body, words(1), words(32)) == 9).all()


def test_brx_takes_each_lane_to_its_label():
    body = """
  and.b32 %r1, %r0, 1;
$L_table: .branchtargets $L__even, $L__odd;
  brx.idx %r1, $L_table;
$L__even:
  mov.b32 %r2, 10;
  bra.uni $L__end;
$L__odd:
  mov.b32 %r2, 11;
$L__end:
""" + store_words("%r2")
    np.testing.assert_array_equal(run(body, words(1), words(32)), 10 + LANES % 2)


# -- arithmetic --------------------------------------------------------------


@pytest.mark.parametrize("instruction, x, y, expected", [
    ("shl.b32", 1, 32, 0), ("shr.u32", 0x80000000, 31, 1), ("shr.s32", -8, 40, 0xFFFFFFFF),
    ("min.s32", -1, 1, 0xFFFFFFFF), ("min.u32", -1, 1, 1), ("mul.hi.u32", -1, -1, 0xFFFFFFFE),
    ("div.u32", -1, 2, 0x7FFFFFFF), ("rem.u32", 7, 4, 3), ("sub.s16", 1, 2, 0xFFFF)])
def test_integers(instruction, x, y, expected):
    body = f"mov.b32 %r1, {x}; {instruction} %r2, %r1, {y};" + store_words("%r2")
    assert (run(body, words(1), words(32)) == expected).all()


def test_conversion_of_a_pair_rounds_to_even_and_has_the_first_above():
    given = np.tile(np.array([1 + 2**-8, 1 + 3 * 2**-8], np.float32), (32, 1))
    body = load_words(2) + "cvt.rn.bf16x2.f32 %r3, %r1, %r2;" + store_words("%r3")
    found = run(body, given.view(np.uint32), words(32))
    assert (widen(found >> np.uint32(16), "bf16") == 1).all()
    assert (widen(found & np.uint32(0xFFFF), "bf16") == 1 + 2**-6).all()


# -- races -------------------------------------------------------------------

# Two warps; %p0 is the first one's, %p1 that of its lane 0, and %r1 a word of each lane's.
TWO_WARPS = """
  setp.lt.u32 %p0, %r0, 32;
  setp.eq.u32 %p1, %r0, 0;
  and.b32 %r1, %r0, 31;
  shl.b32 %r1, %r1, 2;
  mov.b32 %r9, 0;
  mov.b64 %rd4, map0;
  @%p1 mbarrier.init.shared::cta.b64 [2048], 32;
  @%p1 mbarrier.init.shared::cta.b64 [2056], 1;
  bar.sync 0;
"""
ARRIVE = "@!%p0 mbarrier.arrive.shared::cta.b64 _, [2048];\n"
AWAIT = """
LOOP:
  @%p0 mbarrier.try_wait.parity.shared::cta.b64 %p2, [2048], 0;
  @!%p0 bra DONE;
  @!%p2 bra LOOP;
DONE:
"""
FILL = """
  @%p1 mbarrier.arrive.expect_tx.shared::cta.b64 _, [2056], 128;
  @%p1 cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes
      [%r9], [%rd4, {%r9, %r9, %r9, %r9}], [2056];
"""
FILLED = """
FULL:
  mbarrier.try_wait.parity.shared::cta.b64 %p3, [2056], 0;
  @!%p3 bra FULL;
"""
STORE_FIRST = "@%p0 st.shared.b32 [%r1], %r0;\n"
STORE_SECOND = "@!%p0 st.shared.b32 [%r1], %r0;\n"
LOAD_FIRST = "@%p0 ld.shared.b32 %r2, [%r1];\n"
LOAD_SECOND = "@!%p0 ld.shared.b32 %r2, [%r1];\n"
USE = "@!%p0 add.u32 %r3, %r2, 1;\n"
COPY = "@%p1 cp.async.cg.shared::cta.global [%r9], [%rd0], 16, 16;\n"
SEND = """
  @%p1 cp.async.bulk.tensor.4d.global.shared::cta.bulk_group [%rd4, {%r9, %r9, %r9, %r9}], [%r9];
  @%p1 cp.async.bulk.commit_group;
"""
FENCE, MEET = "fence.proxy.async.shared::cta;\n", "bar.sync 0;\n"

# What makes each of them right: without it, it is a race.
ORDERED = {
    "stored_then_loaded": (STORE_FIRST, MEET, LOAD_SECOND),
    "loaded_then_stored": (LOAD_SECOND, MEET, STORE_FIRST),
    "stored_twice": (STORE_SECOND, MEET, STORE_FIRST),
    "stored_then_awaited": (STORE_SECOND + ARRIVE, AWAIT, LOAD_FIRST),
    "loaded_then_awaited": (LOAD_SECOND + USE + ARRIVE, AWAIT, STORE_FIRST),
    "box_loaded": (FILL, FILLED, LOAD_SECOND),
    "loaded_then_box": (LOAD_SECOND + USE + ARRIVE, AWAIT, FILL),
    "load_ended_then_box": (LOAD_SECOND, USE, ARRIVE + AWAIT + FILL + USE),
    "box_sent": (STORE_SECOND + MEET, FENCE, SEND),
    "fenced_by_who_stored": (STORE_SECOND, FENCE, MEET + SEND),
    "sent_then_stored": (FENCE + SEND, "@%p1 cp.async.bulk.wait_group.read 0;\n",
                         MEET + STORE_SECOND),
    "copied_then_loaded": (COPY, "cp.async.wait_all;\n", MEET + LOAD_SECOND),
    "copied_after_loads": (LOAD_SECOND + USE, MEET, COPY),
    "copied_for_the_async_proxy": (COPY + "cp.async.wait_all;\n", FENCE, SEND),
}


@pytest.mark.parametrize("name", ORDERED)
def test_races(name):
    before, order, after = ORDERED[name]

    def go(body):
        run(TWO_WARPS + body, np.zeros((1, 64, 1, 64), np.uint16),
            np.zeros((1, 64, 1, 64), np.uint16), threads=64,
            maps=[("out", (1, 1, 1, 64))])

    go(before + order + after)
    with pytest.raises(EmulationError, match="a race at"):
        go(before + after)


# -- errors ------------------------------------------------------------------


@pytest.mark.parametrize("body, message", [
    ("frobnicate.b32 %r1, %r0;", "does not know the instruction 'frobnicate.b32'"),
    ("add.sat.s32 %r1, %r0, %r0;", "does not know the instruction 'add.sat.s32'"),
    ("ld.global.b32 %r1, [%rd0+4];", "a read of 4 bytes out of bounds of global memory"),
    ("ld.global.b32 %r1, [%rd0-4];", "out of bounds"),
    ("st.global.b32 [%rd0], %r0;", "a write of 4 bytes out of bounds of global memory"),
    ("ld.shared.b32 %r1, [4096];", "out of bounds of shared memory"),
    ("ld.shared.b32 %r1, [2];", "a misaligned read of 4 bytes of shared memory"),
    ("add.s32 %r1, %r9, 1;", "%r9 is read, but was never written"),
    ("mbarrier.arrive.shared::cta.b64 _, [8];", "there is no mbarrier at 8"),
    ("bar.sync 1, 64;", "deadlock in kernel: warp 0 at named barrier 1"),
    ("mbarrier.init.shared::cta.b64 [8], 1; $L__w: mbarrier.test_wait.parity.shared::cta.b64 "
     "%p1, [8], 0; @!%p1 bra $L__w;", "deadlock in kernel: warp 0 at mbarrier.test_wait"),
    ("$L__w: ld.acquire.gpu.global.b32 %r1, [%rd0]; setp.eq.b32 %p1, %r1, 0; "
     "@%p1 bra $L__w;", "deadlock in kernel"),
    ("setp.ne.b32 %p0, %r0, 0; @%p0 ret; movmatrix.sync.aligned.m8n8.trans.b16 %r1, %r0;",
     "by a part of a warp"),
    ("bra $L__nowhere;", "there is no label"),
], ids=["unknown", "unknown form", "read beyond", "read before", "write of an operand",
        "beyond shared memory", "misaligned", "not written", "no mbarrier",
        "named barrier", "mbarrier", "polling", "part of a warp", "no label"])
def test_errors(body, message):
    with pytest.raises(EmulationError, match=message.replace("(", r"\(")):
        run(body, words(1), words(32))
