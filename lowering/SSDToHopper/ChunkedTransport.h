//===- ChunkedTransport.h - Chunked kernel: how tiles go --------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_LOWERING_SSDTOHOPPER_CHUNKEDTRANSPORT_H
#define SSD_LOWERING_SSDTOHOPPER_CHUNKEDTRANSPORT_H

#include "lowering/SSDToHopper/KernelOperands.h"

namespace ssd {

/// How tiles of 64 tokens get from and to global memory: as boxes of a tensor
/// map, by one thread, or row by row, by a warp: on every chip, and from the
/// last token to the first. Or as boxes but for the end of a packed sequence,
/// behind which are another one's tokens: rows leave zeros there, and whatever
/// those tokens are, they are not in a product.
enum class Transport { boxes, rows, boxesAndRows };

/// A sequence operand that travels in tiles.
struct TileTensor {
  TileTensor() = default;
  TileTensor(KernelArguments &arguments, const UnitBuffer &buffer,
             Transport transport) {
    if (transport != Transport::rows)
      map = arguments.tensorMap(buffer.memref, {1, 64, 1, 64});
    if (transport != Transport::boxes)
      rows = SequenceTensor(arguments, buffer);
  }

  unsigned map = 0; // of boxes
  SequenceTensor rows;
};

} // namespace ssd

#endif // SSD_LOWERING_SSDTOHOPPER_CHUNKEDTRANSPORT_H
