//===- Decompose.h - Shared by the decompositions of the forms --*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_PASSES_DECOMPOSE_H
#define SSD_PASSES_DECOMPOSE_H

#include "dialect/SSD/SSDOps.h"

namespace mlir {
class DialectRegistry;
class RewriterBase;
} // namespace mlir

namespace ssd {

struct DecompositionOptions {
  /// Queries of a block inside the quadratic form; a block has 4 times as many
  /// keys.
  int64_t block = 32;
  /// Parallel tasks that even a single sequence should be.
  int64_t tasks = 4;
};

/// Attach DecompositionInterface to the form of that name.
void registerRecurrentDecomposition(mlir::DialectRegistry &registry);
void registerChunkedDecomposition(mlir::DialectRegistry &registry);
void registerQuadraticDecomposition(mlir::DialectRegistry &registry);

/// Puts the body of a fused unit in its place.
void inlineFused(mlir::RewriterBase &rewriter, FusedOp op);

/// Heads of one task: as many as share a group's scores, but few enough that
/// there are `tasks` tasks, not counting a batch of unknown size.
int64_t headsPerTask(MixOp op, int64_t tasks);

/// Tiles a mixer into parallel tasks over batch, group and blocks of heads,
/// replaces it, and returns the mixer of one task: [1, L, heads, P].
mlir::FailureOr<MixOp> tileIntoTasks(mlir::RewriterBase &rewriter, MixOp op,
                                     const DecompositionOptions &options);

/// Tiles a mixer along L, replaces it, and returns the mixer of one tile.
mlir::FailureOr<MixOp> tileSequence(mlir::RewriterBase &rewriter, MixOp op,
                                    int64_t tile);

/// Replaces a mixer by parallel tasks that go through their sequence in chunks,
/// the quadratic form on each; kDynamic makes the whole sequence one chunk.
llvm::LogicalResult decomposeIntoChunks(mlir::RewriterBase &rewriter, MixOp op,
                                        int64_t chunk,
                                        const DecompositionOptions &options);

/// The same with the sequence cut into parts, which are parallel, too. `tasks`
/// are those to aim for in all parts of a sequence together.
void splitSequence(mlir::RewriterBase &rewriter, MixOp op, int64_t chunk,
                   mlir::OpFoldResult parts, int64_t tasks,
                   const DecompositionOptions &options);

/// The operands of a task's mixer without its batch and group dimensions.
/// x, y: [Q, R, P]; b, c: [Q, N]; decay, scale: [Q, R]; runs: [1+Q];
/// state: [R, P, N].
struct TaskOperands {
  mlir::Value x, b, c, decay, rate, scale, runs, y, state;
  /// Whether the state before the first token is zero, i1; null: it may not be.
  mlir::Value stateIsZero;
};
TaskOperands dropUnitDims(mlir::OpBuilder &builder, MixOp op);

/// Puts a task's y and state back under their unit dimensions and replaces
/// `op`.
void replaceTask(mlir::RewriterBase &rewriter, MixOp op, mlir::Value y,
                 mlir::Value state);

/// Goes through a task's tokens in chunks from `state`, [R, N, P], and returns
/// the outputs and the state after them. Without a y only the state is
/// computed.
std::pair<mlir::Value, mlir::Value>
buildChunks(mlir::OpBuilder &builder, mlir::Location loc,
            const TaskOperands &task, mlir::Value state, int64_t chunk,
            const DecompositionOptions &options);

/// The same for one chunk, of at most `bound` tokens, kDynamic if unknown: the
/// quadratic form in blocks.
std::pair<mlir::Value, mlir::Value>
buildQuadraticChunk(mlir::OpBuilder &builder, mlir::Location loc,
                    const TaskOperands &operands, mlir::Value state,
                    int64_t bound, const DecompositionOptions &options);

/// A mixer's state [R, P, N] as the [R, N, P] f32 of a chunk, and back.
mlir::Value loadState(mlir::OpBuilder &builder, mlir::Location loc,
                      mlir::Value state);
mlir::Value storeState(mlir::OpBuilder &builder, mlir::Location loc,
                       mlir::Value state, mlir::Value into);
/// A zero state of a chunk, for a mixer's state [R, P, N].
mlir::Value zeroState(mlir::OpBuilder &builder, mlir::Location loc,
                      mlir::Value like);

} // namespace ssd

#endif // SSD_PASSES_DECOMPOSE_H
