//===- Patterns.h - The patterns of convert-ssd-to-linalg ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_LOWERING_SSDTOLINALG_PATTERNS_H
#define SSD_LOWERING_SSDTOLINALG_PATTERNS_H

namespace mlir {
class RewritePatternSet;
} // namespace mlir

namespace ssd {

/// cumulative_decay, chunk_scores, chunk_output, chunk_scan, chunk_state.
void populateStageOpPatterns(mlir::RewritePatternSet &patterns);
/// step, state_pass.
void populateStatePatterns(mlir::RewritePatternSet &patterns);
/// discretize, causal_conv1d, rms_norm.
void populateLayerOpPatterns(mlir::RewritePatternSet &patterns);

} // namespace ssd

#endif // SSD_LOWERING_SSDTOLINALG_PATTERNS_H
