//===- analysis/TargetModel.cpp - Target numbers from the module ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/analysis/TargetModel.h"

#include "mlir/Dialect/DLTI/DLTI.h"
#include "mlir/IR/BuiltinAttributes.h"

using namespace mlir;

static Attribute find(Operation *op, StringRef key) {
  FailureOr<Attribute> value =
      dlti::query(op, SmallVector<StringRef>{"CPU", key});
  return succeeded(value) ? *value : Attribute();
}

static void read(Operation *op, StringRef key, double &number) {
  if (auto value = dyn_cast_or_null<FloatAttr>(find(op, key)))
    number = value.getValueAsDouble();
}

static void read(Operation *op, StringRef key, int64_t &number) {
  if (auto value = dyn_cast_or_null<IntegerAttr>(find(op, key)))
    number = value.getInt();
}

ssd::CPUNumbers ssd::getCPUNumbers(Operation *op) {
  CPUNumbers numbers;
  read(op, "ssd.workers", numbers.workers);
  read(op, "ssd.matmul_rate", numbers.matmulRate);
  read(op, "ssd.update_rate", numbers.updateRate);
  read(op, "ssd.score_rate", numbers.scoreRate);
  read(op, "ssd.transpose_rate", numbers.transposeRate);
  read(op, "ssd.bandwidth", numbers.bandwidth);
  read(op, "ssd.cache_bytes", numbers.cacheBytes);
  read(op, "ssd.loop_time", numbers.loopTime);
  read(op, "ssd.token_time", numbers.tokenTime);
  read(op, "ssd.row_time", numbers.rowTime);
  read(op, "ssd.chunk_time", numbers.chunkTime);
  read(op, "ssd.state_row_time", numbers.stateRowTime);
  read(op, "ssd.streamed_row_time", numbers.streamedRowTime);
  read(op, "ssd.least_state_rows", numbers.leastStateRows);
  return numbers;
}
