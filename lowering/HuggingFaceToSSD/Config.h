//===- Config.h - config.json of a checkpoint -------------------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_LOWERING_HUGGINGFACETOSSD_CONFIG_H
#define SSD_LOWERING_HUGGINGFACETOSSD_CONFIG_H

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/JSON.h"
#include <limits>
#include <optional>
#include <string>

namespace ssd {

/// A parsed config.json. Readers leave their value alone where the field is
/// absent, so that a default is what the value was before; they emit an error
/// that points at the field where it is not what they expect.
class ConfigFile {
public:
  static mlir::FailureOr<ConfigFile> open(llvm::StringRef directory,
                                          mlir::MLIRContext *context);

  /// An error at `field`, or at the file where it has no such field.
  mlir::InFlightDiagnostic emitError(llvm::StringRef field) const;

  bool has(llvm::StringRef field) const { return fields.get(field) != nullptr; }
  const llvm::json::Value *get(llvm::StringRef field) const {
    return fields.get(field);
  }

  /// A size: an integer from 1 to 2^24, so that products of three fit.
  mlir::LogicalResult readSize(llvm::StringRef field, int64_t &value) const;
  mlir::LogicalResult readBool(llvm::StringRef field, bool &value) const;
  mlir::LogicalResult readString(llvm::StringRef field,
                                 std::string &value) const;
  /// A finite number that is not negative.
  mlir::LogicalResult readNumber(llvm::StringRef field, double &value) const;
  /// Two numbers, the first at most the second, either may be infinite.
  mlir::LogicalResult readRange(llvm::StringRef field, double &least,
                                double &most) const;
  /// Token ids: null, one or, if `many`, a list.
  mlir::LogicalResult readTokens(llvm::StringRef field, bool many,
                                 llvm::json::Value &value) const;

private:
  mlir::LogicalResult mismatch(llvm::StringRef field,
                               const llvm::Twine &expected) const;

  std::string path;
  std::string text;
  llvm::json::Object fields;
  mlir::MLIRContext *context = nullptr;
};

/// What decides a Mamba-2 model. The initialisers are the defaults of
/// transformers' Mamba2Config: configurations are written without them.
struct Mamba2Config {
  int64_t vocabSize = 32768;
  int64_t hiddenSize = 4096;
  int64_t numLayers = 64;
  int64_t expand = 2;
  int64_t numHeads = 128;
  int64_t headDim = 64;
  int64_t numGroups = 8;
  int64_t stateSize = 128;
  int64_t convKernel = 4;
  bool useBias = false;
  bool useConvBias = true;
  bool tieWordEmbeddings = false;
  bool residualInF32 = true;
  std::string hiddenAct = "silu";
  double normEpsilon = 1e-5;
  double timeStepMin = 0.0;
  double timeStepMax = std::numeric_limits<double>::infinity();
  llvm::json::Value bosToken = 0;
  llvm::json::Value eosToken = 2;
  llvm::json::Value padToken = 1;

  static mlir::FailureOr<Mamba2Config> read(const ConfigFile &file);

  int64_t innerSize() const { return expand * hiddenSize; }
  int64_t groupsSize() const { return numGroups * stateSize; }
  /// Channels of the convolution: x, b and c.
  int64_t convSize() const { return innerSize() + 2 * groupsSize(); }
  /// Rows of in_proj: z, the convolution's channels and a step size a head.
  int64_t projectionSize() const { return innerSize() + convSize() + numHeads; }

private:
  mlir::LogicalResult readFields(const ConfigFile &file);
  mlir::LogicalResult verify(const ConfigFile &file) const;
};

} // namespace ssd

#endif // SSD_LOWERING_HUGGINGFACETOSSD_CONFIG_H
