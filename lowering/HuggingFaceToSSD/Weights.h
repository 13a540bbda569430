//===- Weights.h - Tensors that a checkpoint stores -------------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_LOWERING_HUGGINGFACETOSSD_WEIGHTS_H
#define SSD_LOWERING_HUGGINGFACETOSSD_WEIGHTS_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace ssd {

/// A tensor as a safetensors header describes it.
struct StoredTensor {
  std::string dtype; // as safetensors names it: "F32", "BF16", ...
  llvm::SmallVector<int64_t> shape;
};

using StoredTensors = llvm::StringMap<StoredTensor>;

/// Reads the header of one .safetensors file and checks it against the file's
/// size. The error says what is wrong, not where.
llvm::Expected<StoredTensors> readSafetensorsHeader(llvm::StringRef path);

/// The tensors of a checkpoint folder: those of model.safetensors or, where
/// there is none, those that model.safetensors.index.json finds in shards.
class Weights {
public:
  static mlir::FailureOr<Weights> open(llvm::StringRef directory,
                                       mlir::MLIRContext *context);

  bool contains(llvm::StringRef name) const { return tensors.contains(name); }

  /// The type of `name`, which must be stored, of `shape`, and of floats.
  mlir::FailureOr<mlir::RankedTensorType>
  getType(llvm::StringRef name, llvm::ArrayRef<int64_t> shape) const;

  /// Emits an error if a tensor whose name starts with `prefix` is not among
  /// `expected`: it would belong to another architecture.
  mlir::LogicalResult refuseOthers(llvm::StringRef prefix,
                                   const llvm::StringSet<> &expected) const;

private:
  mlir::InFlightDiagnostic emitError() const;
  mlir::LogicalResult openFile(llvm::StringRef path);
  mlir::LogicalResult openIndex(llvm::StringRef directory,
                                llvm::StringRef path);

  std::string path; // the file that stands for all, in messages
  StoredTensors tensors;
  mlir::MLIRContext *context = nullptr;
};

} // namespace ssd

#endif // SSD_LOWERING_HUGGINGFACETOSSD_WEIGHTS_H
