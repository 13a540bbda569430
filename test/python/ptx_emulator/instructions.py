# Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The instructions other than matrices': a table from the forms of their names, as regular
expressions, to functions of a warp, an instruction and the form's match.

Sections cited are those of the PTX ISA's chapter "Instruction Set".
"""

from __future__ import annotations

import functools
import re

import numpy as np

from .memory import Barrier, EmulationError, narrow, widen
from .races import Kind

WAITS = object()  # what a handler returns that has to be tried again
_LANES = np.arange(32)
_TABLE: list = []
_LOW = np.uint32(0xffff)


def form(pattern: str):
    """Registers a function for the names that match."""
    def register(function):
        _TABLE.append((re.compile(pattern), function))
        return function
    return register


@functools.lru_cache(maxsize=None)
def resolve(name: str):
    """The function for an instruction's name, and the match."""
    for pattern, function in _TABLE:
        if match := pattern.fullmatch(name):
            return function, match
    raise EmulationError(f"the emulator does not know the instruction '{name}'")


def unsigned(bits: str):
    return np.uint64 if bits == "64" else np.uint32


def signed(bits: str):
    return np.int64 if bits == "64" else np.int32


# -- control flow and synchronization ----------------------------------------


@form(r"fence\.(?!proxy\.async).*|membar\..*|setmaxnreg\..*|bar\.warp\.sync"
      r"|griddepcontrol\..*|wgmma\.fence\.sync\.aligned|prefetch.*")
def nothing(warp, instruction, match):
    """What orders, or hints at, what here happens in order."""


@form(r"fence\.proxy\.async(\..*)?")
def fence_proxies(warp, instruction, match):
    """fence.proxy.async"""
    warp.observer.fence_proxies()


@form(r"cp\.async\.bulk\.commit_group")
def commit_stores(warp, instruction, match):
    """cp.async.bulk.commit_group"""
    warp.observer.commit(Kind.STORES)


@form(r"cp\.async\.bulk\.wait_group(\.read)?")
def await_stores(warp, instruction, match):
    """cp.async.bulk.wait_group"""
    warp.observer.await_groups(Kind.STORES, warp.uniform(instruction.operands[0]))


@form(r"wgmma\.commit_group\.sync\.aligned")
def commit_products(warp, instruction, match):
    """wgmma.commit_group"""
    warp.observer.commit(Kind.PRODUCTS)
    warp.block.events += 1


@form(r"wgmma\.wait_group\.sync\.aligned")
def await_products(warp, instruction, match):
    """wgmma.wait_group: its warpgroup's other warps have issued as much."""
    first = warp.block.warps.index(warp) // 4 * 4
    groups = [other.observer.groups[Kind.PRODUCTS]
              for other in warp.block.warps[first:first + 4]]
    if min(groups) < warp.observer.groups[Kind.PRODUCTS]:
        warp.pc[warp.active] -= 1
        return WAITS
    warp.observer.await_groups(Kind.PRODUCTS, warp.uniform(instruction.operands[0]))
    return None


@form(r"bra(\.uni)?")
def branch(warp, instruction, match):
    """bra"""
    label = instruction.operands[0].name
    warp.pc[warp.active] = warp.block.program.target(label, instruction.scope)


@form(r"brx\.idx(\.uni)?")
def branch_indexed(warp, instruction, match):
    """brx.idx: the label with that index in a .branchtargets list."""
    program = warp.block.program
    labels = program.tables[instruction.operands[1].name]
    targets = np.array([program.target(label, instruction.scope) for label in labels])
    index = warp.read(instruction.operands[0])[warp.active]
    if (index >= len(labels)).any():
        raise EmulationError("brx.idx beyond its list of labels")
    warp.pc[warp.active] = targets[index]


@form(r"ret|exit")
def finish(warp, instruction, match):
    """ret in a kernel: lanes end."""
    warp.done |= warp.active
    warp.block.cluster.meet()
    warp.block.events += 1


@form(r"bar(rier)?(\.cta)?\.sync(\.aligned)?")
def named_barrier(warp, instruction, match):
    """bar.sync a{, b}: waits for b threads, all of the block by default."""
    number = warp.uniform(instruction.operands[0])
    threads = warp.block.program.threads
    if len(instruction.operands) > 1:
        threads = warp.uniform(instruction.operands[1])
    warps = warp.block.named_barriers.setdefault(number, [])
    warps.append(warp)
    warp.barrier = f"named barrier {number}"
    warp.block.events += 1
    if 32 * len(warps) > threads:
        raise EmulationError(f"more threads at named barrier {number} than its {threads}")
    if 32 * len(warps) == -(-threads // 32) * 32:
        together = np.maximum.reduce([other.observer.release() for other in warps])
        for other in warps:
            other.barrier = None
            other.observer.acquire(together)
        warps.clear()


@form(r"barrier\.cluster\.arrive(\.release)?\.aligned")
def cluster_arrive(warp, instruction, match):
    """barrier.cluster.arrive"""
    warp.need_all(instruction)
    warp.block.cluster.arrive(warp)
    warp.block.events += 1


@form(r"barrier\.cluster\.wait(\.acquire)?\.aligned")
def cluster_wait(warp, instruction, match):
    """barrier.cluster.wait: for all threads of the cluster that have not ended."""
    warp.need_all(instruction)
    warp.block.cluster.wait(warp)
    warp.block.events += 1


@form(r"mapa\.shared::cluster\.u32")
def map_address(warp, instruction, match):
    """mapa: where the block of a rank has what this one has at an address."""
    target, source, rank = instruction.operands
    addresses, ranks = warp.read(source), warp.read(rank)
    mapped = np.zeros(32, np.uint32)
    for lane in _LANES[warp.active]:
        mapped[lane] = warp.block.cluster.address(int(addresses[lane]), int(ranks[lane]))
    warp.write(target, mapped)


@form(r"mbarrier\.init(\.shared(::cta)?)?\.b64")
def mbarrier_init(warp, instruction, match):
    """mbarrier.init"""
    count = warp.uniform(instruction.operands[1])
    for address in np.unique(warp.addresses(instruction.operands[0])[warp.active]):
        warp.block.shared.index([address], 8, warp.block.shared.writable, "mbarrier.init")
        warp.block.shared.barriers[int(address)] = Barrier(
            count, warp.block.cluster.stage.stamp())


def barriers(warp, operand):
    """The mbarrier of each active lane."""
    for address in warp.addresses(operand)[warp.active]:
        yield warp.block.shared.barrier(int(address))


@form(r"mbarrier\.arrive(\.release\.cta)?\.shared(::cta)?\.b64")
def mbarrier_arrive(warp, instruction, match):
    """mbarrier.arrive"""
    stamp = warp.observer.release()
    for barrier in barriers(warp, instruction.operands[1]):
        barrier.arrive(stamp)
    warp.block.events += 1


@form(r"mbarrier\.arrive\.release\.cluster\.shared::cluster\.b64")
def mbarrier_arrive_there(warp, instruction, match):
    """mbarrier.arrive at barriers of the cluster's blocks, which returns no state."""
    stamp = warp.observer.release()
    for address in warp.addresses(instruction.operands[1])[warp.active]:
        block, offset = warp.block.place(int(address))
        block.shared.barrier(offset).arrive(stamp)
        block.events += 1


@form(r"mbarrier\.arrive\.expect_tx(\.release\.cta)?\.shared(::cta)?\.b64")
def mbarrier_expect(warp, instruction, match):
    """mbarrier.arrive.expect_tx: expects bytes, then arrives."""
    counts = warp.read(instruction.operands[2])[warp.active]
    stamp = warp.observer.release()
    for barrier, count in zip(barriers(warp, instruction.operands[1]), counts):
        barrier.bytes += int(count)
        barrier.arrive(stamp)
    warp.block.events += 1


@form(r"mbarrier\.(test|try)_wait\.parity(\.acquire\.(cta|cluster))?\.shared(::cta)?\.b64")
def mbarrier_wait(warp, instruction, match):
    """mbarrier.test_wait.parity: whether the phase of that parity has ended."""
    parity = warp.read(instruction.operands[2])[warp.active] & np.uint32(1)
    ended = np.zeros(32, bool)
    for lane, barrier, want in zip(_LANES[warp.active],
                                   barriers(warp, instruction.operands[1]), parity):
        ended[lane] = barrier.phase != want
        if ended[lane]:
            warp.observer.acquire(barrier.ended)
    warp.write(instruction.operands[0], ended)
    if not ended[warp.active].all():
        return WAITS
    warp.block.events += 1
    return None


# -- asynchronous copies -----------------------------------------------------


@form(r"cp\.async\.c[ga]\.shared(::cta)?\.global(\.L2::\d+B)?")
def copy_async(warp, instruction, match):
    """cp.async: the last operand is how many bytes to read; zeros fill the rest."""
    target, source, size, *read = instruction.operands
    if warp.uniform(size) != 16:
        raise EmulationError("cp.async of other than 16 bytes")
    counts = warp.read(read[0]) if read else warp.read(size)
    number = warp.observer.copy(warp.addresses(target)[warp.active], 16)
    warp.copies.append((warp.addresses(target), warp.addresses(source), counts,
                        warp.active.copy(), warp.copy_groups.copy(), number))


def land(warp, pending=None, waits=True):
    """Does the active lanes' copies; all but those of so many of their last groups, and of
    none yet, where that is given. Whether the warp waits for them."""
    left = []
    for target, source, counts, lanes, groups, number in warp.copies:
        landing = lanes & warp.active
        if pending is not None:
            landing = landing & (groups < warp.copy_groups - pending)
        values = np.zeros((32, 16), np.uint8)
        for count in np.unique(counts[landing]):
            group = landing & (counts == count)
            if count:
                warp.block.memory.index(source[group], 16, np.ones_like(
                    warp.block.memory.readable), "cp.async")
                values[group, :count] = read_bytes(warp.block.memory, source[group], count)
        if landing.any():
            warp.block.shared.write(target[landing], values[landing])
        if (lanes & ~landing).any():
            left.append((target, source, counts, lanes & ~landing, groups, number))
        elif waits:
            warp.observer.see(Kind.COPIES, number)
    warp.copies = left
    warp.block.events += 1


def read_bytes(memory, addresses, count):
    """The first bytes of 16: any number of them, wherever the 16 bytes end."""
    columns = [memory.read(addresses + offset, 1) for offset in range(int(count))] \
        if count & (count - 1) else [memory.read(addresses, int(count))]
    return np.concatenate(columns, 1)


@form(r"cp\.async\.mbarrier\.arrive\.shared(::cta)?\.b64")
def copy_async_arrive(warp, instruction, match):
    """cp.async.mbarrier.arrive: one more arrival is expected, which is made when the
    lane's copies have landed."""
    for barrier in barriers(warp, instruction.operands[0]):
        barrier.pending += 1
    land(warp, waits=False)
    for barrier in barriers(warp, instruction.operands[0]):
        barrier.arrive(warp.observer.completion(Kind.COPIES))


@form(r"cp\.async\.wait_all")
def copy_async_wait(warp, instruction, match):
    """cp.async.wait_all"""
    land(warp)


@form(r"cp\.async\.commit_group")
def copy_async_commit(warp, instruction, match):
    """cp.async.commit_group: what a lane has copied since its last one is a group."""
    warp.copy_groups[warp.active] += 1


@form(r"cp\.async\.wait_group")
def copy_async_wait_group(warp, instruction, match):
    """cp.async.wait_group: for all but so many of a lane's last groups."""
    land(warp, int(warp.uniform(instruction.operands[0])))


def coordinates(warp, address, lane):
    """A box's place, of signed numbers."""
    return [int(warp.read(item).view(np.int32)[lane]) for item in address.coordinates.items]


@form(r"prefetch\.tensormap")
def prefetch_map(warp, instruction, match):
    """prefetch.tensormap, of what is one."""
    for lane in _LANES[warp.active]:
        warp.block.tensor_map(int(warp.addresses(instruction.operands[0])[lane]))


@form(r"cp\.async\.bulk\.tensor\.[1-5]d\.shared::(cluster|cta)\.global(\.tile)?"
      r"\.mbarrier::complete_tx::bytes(?P<multicast>\.multicast::cluster)?(\.L2::cache_hint)?")
def copy_box_in(warp, instruction, match):
    """cp.async.bulk.tensor, global to shared: completes its bytes at an mbarrier. Multicast
    does so in each block of a mask, at the same offsets."""
    target, source, barrier = instruction.operands[:3]
    for lane in _LANES[warp.active]:
        tensor = warp.block.tensor_map(int(warp.addresses(source)[lane]))
        place = int(warp.addresses(target)[lane])
        at = int(warp.addresses(barrier)[lane])
        for block in receivers(warp, instruction, lane) if match["multicast"] else [warp.block]:
            stamp = warp.observer.copy_box(block.shadow, tensor.locations(place))
            size = tensor.load(block.shared, place, coordinates(warp, source, lane))
            block.shared.barrier(at).complete(size, stamp)
            block.events += 1


def receivers(warp, instruction, lane):
    """The blocks of a multicast's mask: bit r is the one of rank r."""
    mask = int(warp.read(instruction.operands[3])[lane]) & 0xffff
    if mask == 0:
        raise EmulationError("a multicast to no block")
    return [warp.block.cluster.block(rank) for rank in range(16) if mask >> rank & 1]


@form(r"cp\.async\.bulk\.tensor\.[1-5]d\.global\.shared::cta(\.tile)?\.bulk_group"
      r"(\.L2::cache_hint)?")
def copy_box_out(warp, instruction, match):
    """cp.async.bulk.tensor, shared to global."""
    target, source = instruction.operands[:2]
    block = warp.block
    for lane in _LANES[warp.active]:
        tensor = block.tensor_map(int(warp.addresses(target)[lane]))
        place = int(warp.addresses(source)[lane])
        warp.observer.store_box(tensor.locations(place))
        tensor.store(block.shared, place, coordinates(warp, target, lane))
    block.events += 1


# -- loads and stores --------------------------------------------------------

_QUALIFIERS = (r"(?:\.relaxed|\.acquire|\.release|\.volatile|\.weak)?(?:\.cta|\.gpu|\.sys)?"
               r"\.(?P<space>global|shared)(?:::cta)?(?:\.nc|\.cg|\.ca|\.cs|\.cv|\.wb|\.wt)?"
               r"(?:\.L[12]::[\w:]+)*(?:\.v(?P<count>[24]))?\.[bufs](?P<bits>16|32|64)")
_STORED = {"16": np.uint16, "32": np.uint32, "64": np.uint64}


@form(r"ld\.param\.[bus](?P<bits>32|64)")
def load_parameter(warp, instruction, match):
    """ld.param"""
    target, source = instruction.operands
    name = source.base.name
    if name not in warp.block.arguments:
        raise EmulationError(f"there is no parameter '{name}'")
    value = int(warp.block.arguments[name]) & (1 << int(match["bits"])) - 1
    warp.write(target, np.full(32, value, unsigned(match["bits"])))


def items(operand):
    """A vector's operands, or the one."""
    return getattr(operand, "items", (operand,))


def memory_of(warp, match):
    return warp.block.memory if match["space"] == "global" else warp.block.shared


@form("ld" + _QUALIFIERS)
def load(warp, instruction, match):
    """ld, of 1, 2 or 4 elements."""
    target, source = instruction.operands
    dtype = _STORED[match["bits"]]
    raw = np.zeros((32, int(match["count"] or 1) * np.dtype(dtype).itemsize), np.uint8)
    addresses = warp.addresses(source)[warp.active]
    raw[warp.active] = memory_of(warp, match).read(addresses, raw.shape[1])
    values = raw.view(dtype).astype(unsigned(match["bits"]))
    for index, item in enumerate(items(target)):
        warp.write(item, values[:, index].copy())
    if match["space"] == "shared":
        warp.observer.load(addresses, raw.shape[1], items(target))


@form("st" + _QUALIFIERS)
def store(warp, instruction, match):
    """st, of 1, 2 or 4 elements."""
    target, source = instruction.operands
    values = [warp.read(item, unsigned(match["bits"])).astype(_STORED[match["bits"]])
              for item in items(source)]
    raw = np.stack(values, 1).view(np.uint8)
    addresses = warp.addresses(target)[warp.active]
    memory_of(warp, match).write(addresses, raw[warp.active])
    if match["space"] == "shared":
        warp.observer.store(addresses, raw.shape[1])
    warp.block.events += 1


# -- moves, conversions and comparisons --------------------------------------


@form(r"cvta(\.to)?\.(param|global|shared)\.u64|mov\.[bufs](?P<bits>16|32|64)")
def move(warp, instruction, match):
    """mov, of values, or of two halves to or from one register; cvta changes no address."""
    target, source = instruction.operands
    if hasattr(target, "items"):
        whole = warp.read(source)
        for part, value in zip(target.items, (whole & _LOW, whole >> np.uint32(16))):
            warp.write(part, value)
    elif hasattr(source, "items"):
        low, high = (warp.read(part) for part in source.items)
        warp.write(target, low & _LOW | high << np.uint32(16))
    else:
        warp.write(target, warp.read(source, unsigned(match["bits"] or "64")))


@form(r"mov\.pred")
def move_predicate(warp, instruction, match):
    """mov.pred, of a predicate or of a number, which is true if it is not 0"""
    target, source = instruction.operands
    warp.write(target, np.full(32, bool(source.value)) if hasattr(source, "value")
               else warp.read(source))


def convert_pair(dtype):
    def convert(warp, high, low):
        return narrow(warp.floats(low), dtype) | narrow(warp.floats(high), dtype) \
            << np.uint32(16)
    return convert


_CONVERSIONS = {
    "rn.bf16x2.f32": convert_pair("bf16"),
    "rn.f16x2.f32": convert_pair("f16"),
    "rn.bf16.f32": lambda warp, x: narrow(warp.floats(x), "bf16"),
    "rn.f16.f32": lambda warp, x: narrow(warp.floats(x), "f16"),
    "f32.bf16": lambda warp, x: widen(warp.read(x), "bf16").view(np.uint32),
    "f32.f16": lambda warp, x: widen(warp.read(x), "f16").view(np.uint32),
    "rn.f32.s32": lambda warp, x: warp.read(x).view(np.int32).astype(np.float32)
    .view(np.uint32),
    "rn.f32.u32": lambda warp, x: warp.read(x).astype(np.float32).view(np.uint32),
    "s64.s32": lambda warp, x: warp.read(x).view(np.int32).astype(np.int64).view(np.uint64),
    "u64.u32": lambda warp, x: warp.read(x).astype(np.uint64),
    "u64.u16": lambda warp, x: (warp.read(x) & _LOW).astype(np.uint64),
    "u32.u64": lambda warp, x: warp.read(x, np.uint64).astype(np.uint32),
    "u32.u16": lambda warp, x: warp.read(x) & _LOW,
    "u16.u32": lambda warp, x: warp.read(x) & _LOW,
    "u16.u64": lambda warp, x: warp.read(x, np.uint64).astype(np.uint32) & _LOW,
}


@form("cvt\\.(?P<conversion>" + "|".join(map(re.escape, _CONVERSIONS)) + ")")
def convert(warp, instruction, match):
    """cvt. The first source of a pair is its upper half."""
    target, *sources = instruction.operands
    warp.write(target, _CONVERSIONS[match["conversion"]](warp, *sources))


_COMPARISONS = {"eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal,
                "gt": np.greater, "ge": np.greater_equal,
                "lo": np.less, "ls": np.less_equal, "hi": np.greater, "hs": np.greater_equal}


def typed(warp, operand, kind, bits):
    """A 32- or 64-bit operand as a number: signed, unsigned or a float."""
    value = warp.read(operand, unsigned(bits))
    if kind == "f":
        return value.view(np.float32)
    return value.view(signed(bits)) if kind == "s" else value


@form(r"setp\.(?P<how>eq|ne|lt|le|gt|ge|lo|ls|hi|hs)\."
      r"((?P<kind>[sub])(?P<bits>32|64)|(?P<float>f)32)")
def compare(warp, instruction, match):
    """setp; false where a float is NaN."""
    target, *sources = instruction.operands
    kind = match["kind"] or match["float"] or "u"
    x, y = (typed(warp, source, kind, match["bits"] or "32") for source in sources)
    found = _COMPARISONS[match["how"]](x, y)
    if kind == "f":
        found = found & ~np.isnan(x) & ~np.isnan(y)
    warp.write(target, found)


@form(r"setp\.(?P<how>eq|ne|lt|le|gt|ge)u\.f32|setp\.(?P<test>nan|num)\.f32")
def compare_unordered(warp, instruction, match):
    """setp: true where a float is NaN; .nan and .num test for that."""
    target, *sources = instruction.operands
    x, y = (warp.floats(source) for source in sources)
    unordered = np.isnan(x) | np.isnan(y)
    if match["test"]:
        warp.write(target, unordered if match["test"] == "nan" else ~unordered)
    else:
        warp.write(target, _COMPARISONS[match["how"]](x, y) | unordered)


@form(r"selp\.[bufs](?P<bits>16|32|64)")
def select(warp, instruction, match):
    """selp"""
    target, x, y, predicate = instruction.operands
    dtype = unsigned(match["bits"])
    warp.write(target, np.where(warp.read(predicate), warp.read(x, dtype),
                                warp.read(y, dtype)))


_LOGIC = {"and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor,
          "not": np.invert}


@form(r"(?P<what>and|or|xor|not)\.pred")
def logic_of_predicates(warp, instruction, match):
    """and, or, xor, not of predicates"""
    target, *sources = instruction.operands
    values = (warp.read(source) if not hasattr(source, "value")
              else np.full(32, bool(source.value)) for source in sources)
    warp.write(target, _LOGIC[match["what"]](*values))


@form(r"shfl\.sync\.(?P<how>up|down|idx|bfly)\.b32")
def shuffle(warp, instruction, match):
    """shfl.sync, among all 32 lanes: beyond them, a lane's own value."""
    warp.need_all(instruction)
    target, source, offset, clamp = instruction.operands[:4]
    if warp.uniform(clamp) != (0 if match["how"] == "up" else 31):
        raise EmulationError("shfl.sync within parts of a warp")
    shift = warp.read(offset).astype(np.int64) & 31
    lane = {"up": _LANES - shift, "down": _LANES + shift, "idx": shift,
            "bfly": _LANES ^ shift}[match["how"]]
    warp.write(target, warp.read(source)[np.where((lane < 0) | (lane > 31), _LANES, lane)])


# -- arithmetic --------------------------------------------------------------


def fused(x, y, z):
    return x.astype(np.float64) * y + z


_FLOATS = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide,
           "fma": fused, "neg": np.negative, "abs": np.abs, "max": np.fmax,
           "min": np.fmin, "ex2": np.exp2, "lg2": np.log2, "rcp": np.reciprocal,
           "sqrt": np.sqrt, "rsqrt": lambda x: 1 / np.sqrt(x)}


@form(r"(?P<what>add|sub|mul|div|fma|neg|abs|max|min|ex2|lg2|rcp|sqrt|rsqrt)"
      r"(\.rn|\.approx|\.full)?(\.ftz)?\.f32")
def float_arithmetic(warp, instruction, match):
    """Floating Point Instructions, rounded to nearest."""
    target, *sources = instruction.operands
    warp.write_floats(target, _FLOATS[match["what"]](*map(warp.floats, sources)))


@form(r"(?P<what>add|sub|mul|fma|neg|abs|max|min)(\.rn)?\.(?P<type>bf16|f16)(?P<pair>x2)?")
def half_arithmetic(warp, instruction, match):
    """Half Precision Floating Point Instructions, of one number or two."""
    target, *sources = instruction.operands
    values = [warp.read(source) for source in sources]
    low, high = (narrow(np.asarray(_FLOATS[match["what"]](
        *(widen(value >> np.uint32(shift) & _LOW, match["type"]) for value in values)),
        np.float32), match["type"]) for shift in (0, 16))
    warp.write(target, low | high << np.uint32(16) if match["pair"] else low)


_INTEGERS = {"add": np.add, "sub": np.subtract, "mul.lo": np.multiply,
             "mad.lo": lambda x, y, z: x * y + z, "min": np.minimum, "max": np.maximum,
             "neg": np.negative, "abs": np.abs, **_LOGIC}


@form(r"(?P<what>add|sub|mul\.lo|mad\.lo|min|max|neg|abs|and|or|xor|not)"
      r"\.(?P<kind>[sub])(?P<bits>32|64)")
def integer_arithmetic(warp, instruction, match):
    """Integer Arithmetic and Logic and Shift Instructions"""
    target, *sources = instruction.operands
    bits = match["bits"]
    values = (typed(warp, source, match["kind"], bits) for source in sources)
    warp.write(target, _INTEGERS[match["what"]](*values).view(unsigned(bits)))


@form(r"(?P<what>add|sub|mul\.lo|mad\.lo|and|or|xor|not|shl)\.[sub]16")
def short_arithmetic(warp, instruction, match):
    """Of 16 bits: of the lower half of 32, where no sign matters."""
    target, *sources = instruction.operands
    function = {**_INTEGERS, "shl": np.left_shift}[match["what"]]
    warp.write(target, function(*(warp.read(source) for source in sources)) & _LOW)


@form(r"(?P<what>div|rem)\.u(?P<bits>16|32|64)")
def divide(warp, instruction, match):
    """div, rem; all bits are set in a quotient by zero, as on GPUs."""
    target, *sources = instruction.operands
    dtype = unsigned(match["bits"])
    x, y = (warp.read(source, dtype) for source in sources)
    if match["what"] == "rem":
        warp.write(target, np.where(y == 0, x, x % np.maximum(y, dtype(1))))
    else:
        warp.write(target, np.where(y == 0, ~dtype(0), x // np.maximum(y, dtype(1))))


@form(r"(?P<what>mul|mad)\.wide\.(?P<kind>[su])32")
def multiply_wide(warp, instruction, match):
    """mul.wide, mad.wide"""
    target, x, y, *added = instruction.operands
    wide = np.int64 if match["kind"] == "s" else np.uint64
    value = typed(warp, x, match["kind"], "32").astype(wide) \
        * typed(warp, y, match["kind"], "32").astype(wide)
    value = value.view(np.uint64)
    warp.write(target, value + warp.read(added[0], np.uint64) if added else value)


@form(r"mul\.hi\.(?P<kind>[su])32")
def multiply_high(warp, instruction, match):
    """mul.hi"""
    target, *sources = instruction.operands
    x, y = (typed(warp, source, match["kind"], "32").astype(np.int64) for source in sources)
    if match["kind"] == "s":
        warp.write(target, (x * y >> 32).astype(np.int32).view(np.uint32))
    else:
        product = x.astype(np.uint64) * y.astype(np.uint64)
        warp.write(target, (product >> np.uint64(32)).astype(np.uint32))


@form(r"(?P<what>shl|shr)\.(?P<kind>[bsu])(?P<bits>32|64)|shr\.[bu]16")
def shift(warp, instruction, match):
    """shl, shr: amounts are clamped to the width, so that all bits leave."""
    target, source, amount = instruction.operands
    bits = match["bits"] or "32"
    value = typed(warp, source, match["kind"] or "u", bits)
    count = warp.read(amount)
    inside = np.minimum(count, np.uint32(int(bits) - 1)).astype(value.dtype)
    moved = value << inside if match["what"] == "shl" else value >> inside
    if match["kind"] != "s" or match["what"] == "shl":
        moved = np.where(count >= int(bits), 0, moved).astype(value.dtype)
    warp.write(target, moved.view(unsigned(bits)))


@form(r"bfe\.u(?P<bits>32|64)")
def extract_bits(warp, instruction, match):
    """bfe, of fewer bits than all"""
    target, source, first, count = instruction.operands
    dtype = unsigned(match["bits"])
    shift_by, kept = (warp.uniform(operand) & 0xff for operand in (first, count))
    value = warp.read(source, dtype) >> dtype(shift_by)
    warp.write(target, value & dtype((1 << kept) - 1))
