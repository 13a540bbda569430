//===- TilingInterfaceImpl.h - Tiling of mixers ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_DIALECT_SSD_TILINGINTERFACEIMPL_H
#define SSD_DIALECT_SSD_TILINGINTERFACEIMPL_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace ssd {

/// The loops of `ssd.mix` are batch, group, head in group and position. The
/// position is a reduction: its tiles run in order and hand the state on
/// through the destination, so tiling along it is what the recurrent and the
/// chunked form are. A mixer of packed sequences, slots, checkpoints, the
/// reverse direction or segment_ids without leading_segment is not tiled: see
/// passes/NormalizeMixers.cpp, which expresses each by loops and plain mixers.
void registerTilingInterfaceExternalModels(mlir::DialectRegistry &registry);

} // namespace ssd

#endif // SSD_DIALECT_SSD_TILINGINTERFACEIMPL_H
