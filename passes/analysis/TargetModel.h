//===- analysis/TargetModel.h - Target numbers from the module ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_PASSES_ANALYSIS_TARGETMODEL_H
#define SSD_PASSES_ANALYSIS_TARGETMODEL_H

#include "mlir/IR/Operation.h"
#include "passes/analysis/CostModel.h"

namespace ssd {

/// The numbers of the module's CPU device, defaults where it says nothing:
///
///   module attributes {dlti.target_system_spec = #dlti.target_system_spec<
///     "CPU" = #dlti.target_device_spec<"ssd.workers" = 2 : i64,
///                                      "ssd.matmul_rate" = 1.0e11 : f64>>}
///
/// Keys are "ssd." and the snake case of the fields of CPUNumbers.
CPUNumbers getCPUNumbers(mlir::Operation *op);

} // namespace ssd

#endif // SSD_PASSES_ANALYSIS_TARGETMODEL_H
