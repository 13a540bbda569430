//===- MixerRecords.h - What an artifact says of its mixers ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_DIALECT_SSD_MIXERRECORDS_H
#define SSD_DIALECT_SSD_MIXERRECORDS_H

#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/Support/JSON.h"

#include <map>

namespace ssd {

/// On an entry: JSON of what was decided about the mixers that it reaches.
inline constexpr llvm::StringLiteral kMixersAttr = "ssd.mixers";

/// Collects what is decided about each mixer of a module, as JSON.
class MixerRecords {
public:
  /// Adds a mixer's record, with where it stands in its source.
  void add(mlir::Operation *mixer, llvm::json::Object record);

  /// For each entry of the module, a public function with a body, the array of
  /// the mixers that it reaches, each with the entry's name and how often.
  void forEachEntry(
      mlir::Operation *module,
      llvm::function_ref<void(mlir::FunctionOpInterface, std::string)> take);

private:
  struct CompareNames {
    bool operator()(mlir::FunctionOpInterface a,
                    mlir::FunctionOpInterface b) const {
      return a.getName() < b.getName();
    }
  };
  template <typename T>
  using ByFunction = std::map<mlir::FunctionOpInterface, T, CompareNames>;

  static void countCalls(mlir::SymbolTableCollection &symbols,
                         mlir::FunctionOpInterface function,
                         ByFunction<int64_t> &calls);

  ByFunction<llvm::json::Array> records;
};

} // namespace ssd

#endif // SSD_DIALECT_SSD_MIXERRECORDS_H
