//===- LowerMemory.cpp - Shared tiles, tables, TMA, global fragments ---*- C++
//-*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lowering/HopperToNVVM/Emitter.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace ssd::hopper;

namespace {

//===----------------------------------------------------------------------===//
// Naming shared memory
//===----------------------------------------------------------------------===//

/// Tiles, tables and rings are pointers into the dynamic array.
template <typename Op>
Value lowerOffset(Emitter &emit, Op op, typename Op::Adaptor) {
  auto type = LLVM::LLVMPointerType::get(emit.builder.getContext(), 3);
  Value base =
      LLVM::AddressOfOp::create(emit.builder, emit.loc, type, kSharedMemory);
  return emit.offset(base, op.getOffset());
}

Value lowerSlice(Emitter &emit, SliceOp op, SliceOp::Adaptor adaptor) {
  Value index = adaptor.getIndex();
  if (auto cursor = dyn_cast<CursorType>(op.getIndex().getType()))
    index = stageOf(emit, index, cursor.getStages());
  int64_t bytes;
  if (auto shared = dyn_cast<SharedType>(op.getResult().getType()))
    bytes = shared.getBytes();
  else
    bytes = cast<RingType>(op.getResult().getType()).getRingBytes();
  return emit.offset(adaptor.getSource(), emit.mul(index, bytes));
}

Value lowerReshape(Emitter &emit, ReshapeOp op, ReshapeOp::Adaptor adaptor) {
  return adaptor.getSource();
}

//===----------------------------------------------------------------------===//
// TMA
//===----------------------------------------------------------------------===//

/// CUTLASS's createpolicy results for whole accesses.
std::optional<int64_t> cachePolicy(CacheHint hint) {
  switch (hint) {
  case CacheHint::normal:
    return std::nullopt;
  case CacheHint::evict_first:
    return 0x12F0000000000000;
  case CacheHint::evict_last:
    return 0x14F0000000000000;
  }
  llvm_unreachable("unknown hint");
}

/// Copies a tile by one instruction a panel. `format` is its text with {0} for
/// the rank, {1} for the cache hint's suffix, {2} for the coordinates and {3}
/// for the hint, which follow the fixed operands that `operandsOf` gives for a
/// panel's address.
template <typename Op, typename Adaptor>
void copyPanels(Emitter &emit, Op op, Adaptor adaptor, const char *format,
                StringRef fixedConstraints,
                function_ref<SmallVector<Value>(Value)> operandsOf) {
  SharedType tile = op.getTile().getType();
  // Innermost first, as the instruction wants them.
  SmallVector<Value> coordinates(llvm::reverse(adaptor.getCoordinates()));
  unsigned rank = coordinates.size(), fixed = (fixedConstraints.size() + 1) / 2;
  auto policy = cachePolicy(op.getCache());
  std::string text = llvm::formatv(
      false, format, rank, policy ? ".L2::cache_hint" : "",
      operandList(fixed, rank),
      policy ? ", $" + std::to_string(fixed + rank) : std::string());
  std::string constraints = fixedConstraints.str();
  for (unsigned i = 0; i < rank; ++i)
    constraints += ",r";
  constraints += policy ? ",l,~{memory}" : ",~{memory}";
  for (int64_t panel = 0; panel < tile.getPanels(); ++panel) {
    SmallVector<Value> operands = operandsOf(emit.address(
        emit.offset(adaptor.getTile(), int32_t(panel * tile.getPanelBytes()))));
    llvm::append_range(operands, coordinates);
    if (policy)
      operands.push_back(emit.constant64(*policy));
    emit.assembly(text, constraints, operands);
    coordinates.front() = emit.add(coordinates.front(), 64);
  }
}

Value lowerTMAPrefetch(Emitter &emit, TMAPrefetchOp,
                       TMAPrefetchOp::Adaptor adaptor) {
  emit.assembly("prefetch.tensormap [$0];", "l,~{memory}", {adaptor.getMap()});
  return {};
}

Value lowerTMALoad(Emitter &emit, TMALoadOp op, TMALoadOp::Adaptor adaptor) {
  Value barrier = fullBarrier(emit, adaptor.getRing(), adaptor.getCursor(),
                              op.getRing().getType().getStages());
  Value mask = adaptor.getMask();
  copyPanels(emit, op, adaptor,
             mask ? "cp.async.bulk.tensor.{0}d.shared::cluster.global"
                    ".mbarrier::complete_tx::bytes.multicast::cluster{1} "
                    "[$0], [$1, {2}], [$2], $3{3};"
                  : "cp.async.bulk.tensor.{0}d.shared::cluster.global"
                    ".mbarrier::complete_tx::bytes{1} "
                    "[$0], [$1, {2}], [$2]{3};",
             mask ? "r,l,r,h" : "r,l,r", [&](Value target) {
               SmallVector<Value> operands = {target, adaptor.getMap(),
                                              barrier};
               if (mask)
                 operands.push_back(mask);
               return operands;
             });
  return {};
}

Value lowerTMAStore(Emitter &emit, TMAStoreOp op, TMAStoreOp::Adaptor adaptor) {
  copyPanels(emit, op, adaptor,
             "cp.async.bulk.tensor.{0}d.global.shared::cta.bulk_group{1} "
             "[$0, {2}], [$1]{3};",
             "l,r", [&](Value source) -> SmallVector<Value> {
               return {adaptor.getMap(), source};
             });
  emit.assembly("cp.async.bulk.commit_group;", "~{memory}");
  return {};
}

Value lowerTMAStoreWait(Emitter &emit, TMAStoreWaitOp op,
                        TMAStoreWaitOp::Adaptor) {
  Emitter(emit.builder, emit.loc)
      .assembly("cp.async.bulk.wait_group.read " +
                    std::to_string(op.getPending()) + ";",
                "~{memory}");
  return {};
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

// Eight threads a row, a piece of 16 bytes each.

Value multiply(Emitter &emit, Value a, Value b) {
  return LLVM::MulOp::create(emit.builder, emit.loc, a, b);
}

/// Bytes from a row of global memory to the next.
Value strideBytes(Emitter &emit, Value stride, SharedType tile) {
  int64_t bytes = tile.getElementType().getIntOrFloatBitWidth() / 8;
  return multiply(emit, stride, emit.constant64(bytes));
}

/// How many rows a thread's piece, from `column` on, has: none where its
/// columns are not there.
Value rowsOfPiece(Emitter &emit, Value rows, Value columns, Value column) {
  if (!columns)
    return rows;
  Value inside = arith::CmpIOp::create(
      emit.builder, emit.loc, arith::CmpIPredicate::slt, column, columns);
  return arith::SelectOp::create(emit.builder, emit.loc, inside, rows,
                                 emit.constant(0));
}

/// A thread's piece of its first row in global memory.
Value firstPiece(Emitter &emit, Value pointer, Value stride, Value row,
                 Value piece) {
  Value wide = arith::ExtUIOp::create(emit.builder, emit.loc, emit.i64(), row);
  return emit.offset(emit.offset(pointer, multiply(emit, wide, stride)),
                     emit.shl(piece, 4));
}

/// Columns of a piece.
int32_t pieceColumns(SharedType tile) {
  return 128 / tile.getElementType().getIntOrFloatBitWidth();
}

/// Goes down rows of a tile, so many in a step, with the pointer to their like
/// in global memory, which `body` moves on. A loop that stays one: who copies
/// rows has few registers, or few to spare.
void forRows(Emitter &emit, int32_t rows, int32_t rowsInStep, Value pointer,
             function_ref<Value(Emitter &, Value row, Value pointer)> body) {
  auto loop = scf::ForOp::create(
      emit.builder, emit.loc, emit.constant(0), emit.constant(rows),
      emit.constant(rowsInStep), pointer,
      [&](OpBuilder &builder, Location loc, Value row, ValueRange carried) {
        Emitter inside(builder, loc);
        scf::YieldOp::create(builder, loc, body(inside, row, carried.front()));
      });
  MLIRContext *context = emit.builder.getContext();
  auto unroll = LLVM::LoopUnrollAttr::get(
      context, /*disable=*/BoolAttr::get(context, true), {}, {}, {}, {}, {},
      {});
  loop->setAttr("loop_annotation", LLVM::LoopAnnotationAttr::get(
                                       context, {}, {}, {}, unroll, {}, {}, {},
                                       {}, {}, {}, {}, {}, {}, {}, {}));
}

Value lowerStoreRows(Emitter &emit, StoreRowsOp op,
                     StoreRowsOp::Adaptor adaptor) {
  constexpr int32_t kRowsAtOnce = 16;
  SharedType tile = op.getTile().getType();
  Value thread = emit.thread(), piece = emit.band(thread, 7);
  Value stride = strideBytes(emit, adaptor.getStride(), tile);
  Value rows = rowsOfPiece(emit, adaptor.getRows(), adaptor.getColumns(),
                           emit.mul(piece, pieceColumns(tile)));
  Value first = emit.shr(thread, 3);
  Value swizzled = emit.bxor(piece, emit.band(first, 7));
  Value source = emit.offset(
      adaptor.getTile(), emit.add(emit.shl(first, 7), emit.shl(swizzled, 4)));
  Value target = firstPiece(emit, adaptor.getTarget(), stride, first, piece);
  Value step = multiply(emit, stride, emit.constant64(kRowsAtOnce));
  forRows(emit, tile.getRows(), kRowsAtOnce, target,
          [&](Emitter &inside, Value row, Value target) {
            inside.assembly(
                "{ .reg .pred p; .reg .b32 v<4>; setp.lt.s32 p, $2, $3;\n"
                "@p ld.shared.v4.b32 {v0, v1, v2, v3}, [$0];\n"
                "@p st.global.v4.b32 [$1], {v0, v1, v2, v3}; }",
                "r,l,r,r,~{memory}",
                {inside.address(inside.offset(source, inside.shl(row, 7))),
                 target, inside.add(first, row), rows});
            return inside.offset(target, step);
          });
  return {};
}

/// A warp's copy of 16 bytes to shared memory, zeros where `row` is not among
/// `rows`: of a copy of no bytes the source is not read.
void copyPiece(Emitter &emit, Value target, Value source, Value row,
               Value rows) {
  Value exists = arith::CmpIOp::create(emit.builder, emit.loc,
                                       arith::CmpIPredicate::slt, row, rows);
  Value bytes = arith::SelectOp::create(emit.builder, emit.loc, exists,
                                        emit.constant(16), emit.constant(0));
  emit.assembly("cp.async.cg.shared::cta.global [$0], [$1], 16, $2;",
                "r,l,r,~{memory}", {target, source, bytes});
}

/// A warp has four rows at once, and eight, the swizzle's period, in a step.
Value lowerLoadRows(Emitter &emit, LoadRowsOp op, LoadRowsOp::Adaptor adaptor) {
  constexpr int32_t kRowsAtOnce = 4;
  SharedType tile = op.getTile().getType();
  Value piece = emit.band(emit.lane(), 7), first = emit.shr(emit.lane(), 3);
  Value stride = strideBytes(emit, adaptor.getStride(), tile);
  Value step = multiply(emit, stride, emit.constant64(kRowsAtOnce));
  Value source = firstPiece(emit, adaptor.getSource(), stride, first, piece);
  // Rows 4 further on are in the other half of the swizzle's period of 8.
  Value inTile =
      emit.add(emit.shl(first, 7), emit.shl(emit.bxor(piece, first), 4));
  Value targets[] = {inTile, emit.bxor(inTile, emit.constant(4 << 4))};
  for (Value &target : targets)
    target = emit.address(emit.offset(adaptor.getTile(), target));
  for (int64_t panel = 0; panel < tile.getPanels(); ++panel) {
    Value column = emit.add(emit.mul(piece, pieceColumns(tile)),
                            int32_t(panel * 8 * pieceColumns(tile)));
    Value rows =
        rowsOfPiece(emit, adaptor.getRows(), adaptor.getColumns(), column);
    Value from = emit.offset(source, int32_t(panel * 128));
    auto copy = [&](Emitter &inside, Value row, Value from) {
      for (int32_t half = 0; half < 2; ++half) {
        Value at = inside.add(row, half * kRowsAtOnce);
        Value target = inside.add(inside.add(targets[half], inside.shl(at, 7)),
                                  int32_t(panel * tile.getPanelBytes()));
        copyPiece(inside, target, from, inside.add(first, at), rows);
        from = inside.offset(from, step);
      }
      return from;
    };
    forRows(emit, tile.getRows(), 2 * kRowsAtOnce, from, copy);
  }
  return {};
}

/// Copies f32 as they are, quads of even index into the first of two tiles and
/// those of odd index into the other, and splits them in place: the two quads
/// that are eight columns make their pieces of both tiles.
class SplitCopy {
public:
  SplitCopy(Emitter &emit, LoadRowsHiLoOp op, LoadRowsHiLoOp::Adaptor adaptor)
      : adaptor(adaptor), tile(op.getTiles().getType().getSlice()),
        rowsOfPart(int32_t(tile.getRows() / op.getParts())),
        firstRow(adaptor.getPart() ? emit.mul(adaptor.getPart(), rowsOfPart)
                                   : emit.constant(0)) {}

  void copy(Emitter &emit, int64_t panel);
  void split(Emitter &emit, int64_t panel);

private:
  LoadRowsHiLoOp::Adaptor adaptor;
  SharedType tile;
  int32_t rowsOfPart;
  Value firstRow;
};

/// Two rows at once, 16 quads each, and eight, the swizzle's period, in a step.
void SplitCopy::copy(Emitter &emit, int64_t panel) {
  constexpr int32_t kRowsAtOnce = 2, kRowsInStep = 8;
  Value quad = emit.band(emit.lane(), 15), mine = emit.shr(emit.lane(), 4);
  Value first = emit.add(firstRow, mine);
  Value stride =
      multiply(emit, adaptor.getStride(), emit.constant64(sizeof(float)));
  Value step = multiply(emit, stride, emit.constant64(kRowsAtOnce));
  Value source =
      emit.offset(firstPiece(emit, adaptor.getSource(), stride, first, quad),
                  int32_t(panel * 64 * sizeof(float)));
  Value piece = emit.bxor(emit.shr(quad, 1), mine);
  Value inTile =
      emit.add(emit.add(emit.shl(first, 7), emit.shl(piece, 4)),
               emit.mul(emit.band(quad, 1), int32_t(tile.getBytes())));
  Value rows = rowsOfPiece(emit, adaptor.getRows(), adaptor.getColumns(),
                           emit.add(emit.shl(quad, 2), int32_t(64 * panel)));
  SmallVector<Value> targets;
  for (int32_t i = 0; i < kRowsInStep; i += kRowsAtOnce) {
    Value target = emit.offset(adaptor.getTiles(),
                               emit.bxor(inTile, emit.constant(i << 4)));
    targets.push_back(emit.address(
        emit.offset(target, int32_t(i * 128 + panel * tile.getPanelBytes()))));
  }
  forRows(emit, rowsOfPart, kRowsInStep, source,
          [&](Emitter &inside, Value row, Value from) {
            for (auto [i, target] : llvm::enumerate(targets)) {
              Value at = inside.add(row, int32_t(i) * kRowsAtOnce);
              copyPiece(inside, inside.add(target, inside.shl(row, 7)), from,
                        inside.add(first, at), rows);
              from = inside.offset(from, step);
            }
            return from;
          });
}

/// Four rows at once, a piece of both tiles a lane, and sixteen in a step.
void SplitCopy::split(Emitter &emit, int64_t panel) {
  constexpr int32_t kRowsAtOnce = 4, kRowsInStep = 16;
  Type element = tile.getElementType();
  auto quad = VectorType::get({4}, emit.f32());
  Value mine = emit.shr(emit.lane(), 3);
  Value piece = emit.bxor(emit.band(emit.lane(), 7), mine);
  Value inTile =
      emit.add(emit.shl(emit.add(firstRow, mine), 7), emit.shl(piece, 4));
  Value start =
      emit.offset(adaptor.getTiles(), int32_t(panel * tile.getPanelBytes()));
  Value halves[] = {
      emit.offset(start, inTile),
      emit.offset(start, emit.bxor(inTile, emit.constant(4 << 4)))};
  int32_t toOther = tile.getBytes();
  auto splitRows = [&](Emitter &inside, Value row, Value pointer) {
    SmallVector<Value> places;
    SmallVector<SmallVector<Value>> loaded;
    for (int32_t i = 0; i < kRowsInStep / kRowsAtOnce; ++i) {
      Value place = inside.offset(
          halves[i % 2], inside.shl(inside.add(row, i * kRowsAtOnce), 7));
      auto load = [&](Value from) {
        return inside.elements(inside.load(quad, from, 16));
      };
      places.push_back(place);
      loaded.push_back(load(place));
      llvm::append_range(loaded.back(), load(inside.offset(place, toOther)));
    }
    for (auto [place, values] : llvm::zip(places, loaded)) {
      SmallVector<Value> rounded, rest;
      for (int32_t i = 0; i < 8; i += 2) {
        auto [packed, left] =
            inside.packHiLo(element, values[i], values[i + 1]);
        rounded.push_back(packed);
        rest.push_back(left);
      }
      inside.store(inside.vector(rounded), place, 16);
      inside.store(inside.vector(rest), inside.offset(place, toOther), 16);
    }
    return pointer;
  };
  forRows(emit, rowsOfPart, kRowsInStep, adaptor.getSource(), splitRows);
}

/// A panel is split while others are on their way.
Value lowerLoadRowsHiLo(Emitter &emit, LoadRowsHiLoOp op,
                        LoadRowsHiLoOp::Adaptor adaptor) {
  SplitCopy rows(emit, op, adaptor);
  int64_t panels = op.getTiles().getType().getSlice().getPanels();
  for (int64_t panel = 0; panel < panels; ++panel) {
    rows.copy(emit, panel);
    emit.assembly("cp.async.commit_group;", "~{memory}");
  }
  for (int64_t panel = 0; panel < panels; ++panel) {
    emit.assembly("cp.async.wait_group " + std::to_string(panels - 1 - panel) +
                      ";\nbar.warp.sync -1;",
                  "~{memory}");
    rows.split(emit, panel);
  }
  return {};
}

Value lowerWaitCopies(Emitter &emit, WaitCopiesOp, WaitCopiesOp::Adaptor) {
  emit.assembly("cp.async.wait_all;", "~{memory}");
  return {};
}

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

Value lowerLoad(Emitter &emit, LoadOp op, LoadOp::Adaptor adaptor) {
  Value pointer =
      emit.offset(adaptor.getTable(), emit.shl(adaptor.getIndex(), 2));
  return emit.load(op.getResult().getType(), pointer, 4);
}

Value lowerStore(Emitter &emit, StoreOp op, StoreOp::Adaptor adaptor) {
  SmallVector<Value> values(adaptor.getValues());
  Value value = values.size() == 1 ? values.front() : emit.vector(values);
  emit.store(value,
             emit.offset(adaptor.getTable(), emit.shl(adaptor.getIndex(), 2)),
             4 * values.size());
  return {};
}

Value lowerLoadVector(Emitter &emit, LoadVectorOp op,
                      LoadVectorOp::Adaptor adaptor) {
  FragmentType type = op.getResult().getType();
  bool rows = type.getLayout() == FragmentLayout::rows;
  Value position = rows ? emit.fragmentRow() : emit.fragmentColumn();
  Value mine =
      emit.offset(emit.offset(adaptor.getTable(), emit.shl(position, 2)),
                  int32_t(4 * op.getFirst()));
  SmallVector<Value> values;
  if (rows) {
    values = {emit.load(emit.f32(), mine, 4),
              emit.load(emit.f32(), emit.offset(mine, 32), 4)};
  } else {
    auto pair = VectorType::get({2}, emit.f32());
    for (int64_t j = 0; j < type.getColumns() / 8; ++j)
      llvm::append_range(
          values, emit.elements(
                      emit.load(pair, emit.offset(mine, int32_t(32 * j)), 8)));
  }
  return emit.vector(values);
}

//===----------------------------------------------------------------------===//
// Global memory
//===----------------------------------------------------------------------===//

/// A run of a thread's values that is contiguous in memory.
struct Run {
  int64_t first, count;
  int64_t half;  // 0: in the first of the thread's two rows in 16
  int32_t bytes; // from the thread's first value
};

/// A thread's values of a fragment in global memory.
class GlobalValues {
public:
  template <typename Op>
  GlobalValues(Emitter &emit, Op op, FragmentType type, Value base)
      : order(op.getOrder()), stored(op.getStored()) {
    if (order == Order::fragment) {
      pointer = emit.offset(base, emit.shl(emit.thread(), 4));
      for (int64_t i = 0; i < type.getValuesPerThread(); i += 4)
        runs.push_back({i, 4, 0, int32_t(512 * i)});
      return;
    }
    bool isMatrix = type.isMatrix();
    int64_t blocks = op.getColumns().value_or(type.getColumns()) / 8;
    int64_t pitch = op.getPitch().value_or(type.getColumns());
    if (!isMatrix)
      blocks = pitch = 1;
    Value element = emit.mul(emit.fragmentRow(), pitch);
    if (isMatrix)
      element = emit.add(element, emit.fragmentColumn());
    pointer = emit.offset(base, emit.mul(element, bytes()));
    int64_t count = isMatrix ? 2 : 1;
    for (int64_t i = 0; i < 2 * blocks; ++i)
      runs.push_back({i * count, count, i % 2,
                      int32_t(bytes() * (8 * (i % 2) * pitch + i / 2 * 8))});
  }

  /// The runs in one of the thread's rows.
  SmallVector<Run> runsOf(int64_t half) const {
    return llvm::filter_to_vector(
        runs, [&](const Run &run) { return run.half == half; });
  }
  /// The values of runs one after the other, as f32.
  SmallVector<Value> load(Emitter &emit, ArrayRef<Run> some) const;
  /// Stores the runs' values among all `values` of the thread.
  void store(Emitter &emit, ArrayRef<Value> values, ArrayRef<Run> some) const;

  SmallVector<Run> runs;

private:
  int64_t bytes() const { return stored.getIntOrFloatBitWidth() / 8; }

  Value pointer;
  Order order;
  Type stored;
};

SmallVector<Value> GlobalValues::load(Emitter &emit, ArrayRef<Run> some) const {
  SmallVector<Value> values;
  for (const Run &run : some) {
    Value from = emit.offset(pointer, run.bytes);
    if (order == Order::fragment) {
      llvm::append_range(
          values, emit.assembly(SmallVector<Type>(4, emit.f32()),
                                "ld.global.cg.v4.f32 {$0, $1, $2, $3}, [$4];",
                                "=f,=f,=f,=f,l,~{memory}", {from}));
      continue;
    }
    auto type = VectorType::get({run.count}, stored);
    for (Value value :
         emit.elements(emit.load(type, from, run.count * bytes())))
      values.push_back(stored.isF32()
                           ? value
                           : arith::ExtFOp::create(emit.builder, emit.loc,
                                                   emit.f32(), value));
  }
  return values;
}

void GlobalValues::store(Emitter &emit, ArrayRef<Value> values,
                         ArrayRef<Run> some) const {
  for (const Run &run : some)
    emit.store(emit.vector(values.slice(run.first, run.count)),
               emit.offset(pointer, run.bytes), run.count * bytes());
}

/// Whether the first or second of the thread's rows in 16 is among the first
/// `rows`.
Value isRowWithin(Emitter &emit, int64_t half, Value rows) {
  return arith::CmpIOp::create(emit.builder, emit.loc,
                               arith::CmpIPredicate::slt,
                               emit.add(emit.fragmentRow(), 8 * half), rows);
}

/// The values of runs where `within` holds, else zeros.
SmallVector<Value> loadWithin(Emitter &emit, const GlobalValues &from,
                              ArrayRef<Run> some, Value within, Value zero) {
  auto branch = scf::IfOp::create(
      emit.builder, emit.loc, within,
      [&](OpBuilder &builder, Location loc) {
        Emitter inside(builder, loc);
        scf::YieldOp::create(builder, loc, from.load(inside, some));
      },
      [&](OpBuilder &builder, Location loc) {
        SmallVector<Value> zeros(some.size() * some.front().count, zero);
        scf::YieldOp::create(builder, loc, zeros);
      });
  return SmallVector<Value>(branch.getResults());
}

Value lowerGlobalLoad(Emitter &emit, GlobalLoadOp op,
                      GlobalLoadOp::Adaptor adaptor) {
  FragmentType type = op.getResult().getType();
  GlobalValues from(emit, op, type, adaptor.getSource());
  Value zero = arith::ConstantOp::create(emit.builder, emit.loc,
                                         emit.builder.getF32FloatAttr(0));
  SmallVector<Value> values(type.getValuesPerThread(), zero);
  auto place = [&](ArrayRef<Run> some, ArrayRef<Value> loaded) {
    for (const Run &run : some) {
      llvm::copy(loaded.take_front(run.count), values.begin() + run.first);
      loaded = loaded.drop_front(run.count);
    }
  };
  if (!op.getRows()) {
    place(from.runs, from.load(emit, from.runs));
    return emit.vector(values);
  }
  for (int64_t half = 0; half < 2; ++half) {
    SmallVector<Run> some = from.runsOf(half);
    Value within = isRowWithin(emit, half, adaptor.getRows());
    place(some, loadWithin(emit, from, some, within, zero));
  }
  return emit.vector(values);
}

Value lowerGlobalStore(Emitter &emit, GlobalStoreOp op,
                       GlobalStoreOp::Adaptor adaptor) {
  Type stored = op.getStored();
  SmallVector<Value> values = emit.elements(adaptor.getValue());
  if (!stored.isF32())
    for (Value &value : values)
      value = arith::TruncFOp::create(emit.builder, emit.loc, stored, value);
  GlobalValues to(emit, op, op.getValue().getType(), adaptor.getTarget());
  if (!op.getRows()) {
    to.store(emit, values, to.runs);
    return {};
  }
  for (int64_t half = 0; half < 2; ++half) {
    Value within = isRowWithin(emit, half, adaptor.getRows());
    scf::IfOp::create(emit.builder, emit.loc, within,
                      [&](OpBuilder &builder, Location loc) {
                        Emitter inside(builder, loc);
                        to.store(inside, values, to.runsOf(half));
                        scf::YieldOp::create(builder, loc);
                      });
  }
  return {};
}

/// Eight lanes have rows that follow each other: whole sectors of f32.
Value lowerStoreColumns(Emitter &emit, StoreColumnsOp op,
                        StoreColumnsOp::Adaptor adaptor) {
  Type stored = op.getStored();
  int32_t bytes = stored.getIntOrFloatBitWidth() / 8;
  Value row = emit.fragmentRow(), column = emit.fragmentColumn();
  Value stride = multiply(emit, adaptor.getStride(), emit.constant64(bytes));
  Value wide =
      arith::ExtUIOp::create(emit.builder, emit.loc, emit.i64(), column);
  Value target = emit.offset(
      emit.offset(adaptor.getTarget(), multiply(emit, wide, stride)),
      emit.mul(row, bytes));
  Value blockStep = multiply(emit, stride, emit.constant64(7));
  SmallVector<Value> values = emit.elements(adaptor.getValue());
  auto isBelow = [&](Value index, Value count) -> Value {
    return arith::CmpIOp::create(emit.builder, emit.loc,
                                 arith::CmpIPredicate::slt, index, count);
  };
  // As in a matrix fragment: i is 4 · block + 2 · row half + column parity.
  for (size_t i = 0; i < values.size(); i += 4) {
    for (int32_t parity = 0; parity < 2; ++parity) {
      Value within = isBelow(emit.add(column, int32_t(i / 4 * 8) + parity),
                             adaptor.getColumns());
      for (int32_t half = 0; half < 2; ++half) {
        Value exists = within;
        if (adaptor.getRows())
          exists = arith::AndIOp::create(
              emit.builder, emit.loc, within,
              isBelow(emit.add(row, 8 * half), adaptor.getRows()));
        scf::IfOp::create(
            emit.builder, emit.loc, exists,
            [&](OpBuilder &builder, Location loc) {
              Emitter inside(builder, loc);
              Value value = values[i + 2 * half + parity];
              if (!stored.isF32())
                value = arith::TruncFOp::create(builder, loc, stored, value);
              inside.store(value, inside.offset(target, 8 * half * bytes),
                           bytes);
              scf::YieldOp::create(builder, loc);
            });
      }
      target = emit.offset(target, parity ? blockStep : stride);
    }
  }
  return {};
}

} // namespace

void ssd::hopper::populateTMAPatterns(const TypeConverter &converter,
                                      RewritePatternSet &patterns) {
  patterns
      .add<LowerOp<TMAPrefetchOp, lowerTMAPrefetch>,
           LowerOp<TMALoadOp, lowerTMALoad>, LowerOp<TMAStoreOp, lowerTMAStore>,
           LowerOp<TMAStoreWaitOp, lowerTMAStoreWait>>(converter,
                                                       patterns.getContext());
}

void ssd::hopper::populateMemoryPatterns(const TypeConverter &converter,
                                         RewritePatternSet &patterns) {
  patterns
      .add<LowerOp<AllocOp, lowerOffset<AllocOp>>,
           LowerOp<RingOp, lowerOffset<RingOp>>, LowerOp<SliceOp, lowerSlice>,
           LowerOp<ReshapeOp, lowerReshape>, LowerOp<LoadRowsOp, lowerLoadRows>,
           LowerOp<LoadRowsHiLoOp, lowerLoadRowsHiLo>,
           LowerOp<WaitCopiesOp, lowerWaitCopies>,
           LowerOp<StoreRowsOp, lowerStoreRows>, LowerOp<LoadOp, lowerLoad>,
           LowerOp<StoreOp, lowerStore>, LowerOp<LoadVectorOp, lowerLoadVector>,
           LowerOp<GlobalLoadOp, lowerGlobalLoad>,
           LowerOp<GlobalStoreOp, lowerGlobalStore>,
           LowerOp<StoreColumnsOp, lowerStoreColumns>>(converter,
                                                       patterns.getContext());
}
