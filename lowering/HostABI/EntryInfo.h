//===- EntryInfo.h - what the artifact's table says -------------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
// ssd-host-abi records each entry's argument list in one function attribute,
// `ssd.entry`, which survives the lowering to the LLVM dialect. This is its
// typed form.
//===----------------------------------------------------------------------===//
#ifndef SSD_LOWERING_HOSTABI_ENTRYINFO_H
#define SSD_LOWERING_HOSTABI_ENTRYINFO_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"

#include <optional>
#include <string>
#include <vector>

namespace ssd {

/// Attributes of the incoming module.
inline constexpr llvm::StringLiteral kParamAttr = "ssd.param";
inline constexpr llvm::StringLiteral kStateAttr = "ssd.state";
inline constexpr llvm::StringLiteral kNameAttr = "ssd.name";
inline constexpr llvm::StringLiteral kDimsAttr = "ssd.dims";
inline constexpr llvm::StringLiteral kRangeAttr = "ssd.range";
inline constexpr llvm::StringLiteral kStridedAttr = "ssd.strided";
inline constexpr llvm::StringLiteral kMetadataAttr = "ssd.metadata";
/// Attributes that these passes add.
inline constexpr llvm::StringLiteral kEntryAttr = "ssd.entry";
inline constexpr llvm::StringLiteral kPlannedAttr = "ssd.planned";

/// Suffixes of the functions that are made for an entry.
inline constexpr llvm::StringLiteral kWorkspaceSuffix = ".workspace";
inline constexpr llvm::StringLiteral kRunSuffix = ".entry";
inline constexpr llvm::StringLiteral kWorkspaceSizeSuffix = ".workspace_size";

/// Values are those of ssd_role.
enum class Role : int32_t { Input = 0, Output = 1, State = 2, Parameter = 3 };

struct ArgumentInfo {
  std::string name;
  Role role = Role::Input;
  mlir::MemRefType type;
  /// One per dimension: d >= 0 is a static size, d < 0 is the dynamic size
  /// number -1-d of the entry.
  llvm::SmallVector<int64_t> shape;
  bool strided = false;
  bool onDevice = false; // in CUDA memory
  /// Legal values of integer inputs; unchecked where min > max.
  int64_t minValue = 1, maxValue = 0;
};

struct EntryInfo {
  /// What callers know it by: the function's name, unless that was changed.
  std::string name;
  std::vector<ArgumentInfo> arguments;
  std::string mixers = "[]";

  /// Writes to, and reads from, the function's `ssd.entry` attribute.
  void setOn(mlir::Operation *function) const;
  static std::optional<EntryInfo> getFrom(mlir::Operation *function);
};

} // namespace ssd

#endif // SSD_LOWERING_HOSTABI_ENTRYINFO_H
