//===- MixerRecords.cpp - What an artifact says of its mixers ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/SSD/MixerRecords.h"
#include "mlir/Interfaces/CallInterfaces.h"

using namespace mlir;
using namespace ssd;

/// Where a mixer stands in its source: "backbone.layers.3.mixer" or
/// "file.mlir:12:8".
static std::string describe(Location loc) {
  if (auto name = dyn_cast<NameLoc>(loc))
    return name.getName().str();
  if (auto fused = dyn_cast<FusedLoc>(loc))
    return describe(fused.getLocations().front());
  if (auto file = dyn_cast<FileLineColLoc>(loc))
    return (file.getFilename().getValue() + ":" + Twine(file.getLine()) + ":" +
            Twine(file.getColumn()))
        .str();
  return "unknown";
}

void MixerRecords::add(Operation *mixer, llvm::json::Object record) {
  record["location"] = describe(mixer->getLoc());
  if (auto function = mixer->getParentOfType<FunctionOpInterface>())
    records[function].push_back(std::move(record));
}

void MixerRecords::countCalls(SymbolTableCollection &symbols,
                              FunctionOpInterface function,
                              ByFunction<int64_t> &calls) {
  ++calls[function];
  function.walk([&](CallOpInterface call) {
    auto symbol = dyn_cast<SymbolRefAttr>(call.getCallableForCallee());
    if (!symbol)
      return;
    if (auto callee =
            symbols.lookupNearestSymbolFrom<FunctionOpInterface>(call, symbol))
      countCalls(symbols, callee, calls);
  });
}

void MixerRecords::forEachEntry(
    Operation *module,
    function_ref<void(FunctionOpInterface, std::string)> take) {
  SymbolTableCollection symbols;
  for (auto entry : module->getRegion(0).getOps<FunctionOpInterface>()) {
    if (!entry.isPublic() || entry.isExternal())
      continue;
    llvm::json::Array list;
    ByFunction<int64_t> calls;
    countCalls(symbols, entry, calls);
    for (auto &[function, count] : calls) {
      auto found = records.find(function);
      if (found == records.end())
        continue;
      for (const llvm::json::Value &record : found->second) {
        llvm::json::Object copy = *record.getAsObject();
        copy["entry"] = entry.getName();
        copy["count"] = count;
        list.push_back(std::move(copy));
      }
    }
    std::string text;
    llvm::raw_string_ostream(text) << llvm::json::Value(std::move(list));
    take(entry, std::move(text));
  }
}
