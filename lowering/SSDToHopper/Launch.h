//===- Launch.h - The host's side of a kernel ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_LOWERING_SSDTOHOPPER_LAUNCH_H
#define SSD_LOWERING_SSDTOHOPPER_LAUNCH_H

#include "lowering/SSDToHopper/MixerUnit.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace ssd {

/// Builds host code around a launch: index arithmetic on sizes and strides.
class HostBuilder {
public:
  HostBuilder(mlir::OpBuilder &builder, mlir::Location loc)
      : builder(builder), loc(loc) {}

  using Value = mlir::Value;
  Value constant(int64_t value); // index
  Value size(Value memref, int64_t dim);
  Value stride(Value memref, int64_t dim); // in elements
  Value add(Value a, Value b);
  Value add(Value a, int64_t b) { return add(a, constant(b)); }
  Value mul(Value a, Value b);
  Value mul(Value a, int64_t b) { return mul(a, constant(b)); }
  Value ceilDiv(Value a, Value b);
  Value ceilDiv(Value a, int64_t b) { return ceilDiv(a, constant(b)); }
  Value min(Value a, Value b);
  Value max(Value a, Value b);
  Value less(Value a, Value b); // i1, signed
  Value land(Value a, Value b); // i1; a null b holds
  Value select(Value condition, Value a, Value b);
  /// Multiprocessors of the device that the call runs on.
  Value multiprocessors();
  /// Whether a tensor map can describe the memref: base and strides (but the
  /// innermost, which is 1) are multiples of 16 bytes. i1.
  Value isMappable(Value memref);
  /// Workspace of so many bytes, whose values are anything.
  /// The size is known without a device: an expression in constants and the
  /// sizes of the unit's operands (of multiprocessors(), say, only an upper
  /// bound).
  Value workspace(Value bytes);

  mlir::OpBuilder &builder;
  mlir::Location loc;
};

/// The parameters of a kernel, each with what the host passes for it. Kernels
/// look their arguments up by the index that adding a parameter returned.
class KernelArguments {
public:
  KernelArguments(HostBuilder &host) : host(host) {}

  using Value = mlir::Value;
  /// `!llvm.ptr<1>`: the memref's first element, offset included.
  unsigned pointer(Value memref);
  /// i64, in elements; i32 size; any index as i32.
  unsigned stride(Value memref, int64_t dim);
  unsigned size(Value memref, int64_t dim);
  unsigned integer(Value index);
  /// A tensor map over all dimensions of the memref with this box.
  unsigned tensorMap(Value memref, llvm::ArrayRef<int64_t> box);

  mlir::TypeRange getTypes() const { return types; }
  mlir::ValueRange getValues() const { return values; }

private:
  unsigned add(Value value);

  HostBuilder &host;
  llvm::SmallVector<mlir::Type> types;
  llvm::SmallVector<Value> values;
};

/// A way to compute a unit on a GPU. Kernels are tried in the order of
/// getKernels(); the last is the plain one, which computes every unit.
class KernelKind {
public:
  virtual ~KernelKind() = default;

  virtual llvm::StringRef getName() const = 0;
  /// "sm_90a", or "sm_80" for code that runs on every later chip too.
  virtual llvm::StringRef getTarget() const = 0;
  /// Why this kind does not compute the unit, as a clause ("the head dimension
  /// is 24, not a multiple of 16"); empty if it does.
  virtual std::string whyNot(const MixerUnit &unit) const = 0;
  /// Whether it has rings whose stages `hopper.stages` sets.
  virtual bool hasStages() const { return false; }
  /// Microseconds that it is estimated to take on an H200 for a batch of
  /// sequences of some length; nothing where there is no estimate.
  virtual std::optional<double> estimate(const MixerUnit &unit, int64_t batch,
                                         int64_t length) const {
    return {};
  }
  /// What must hold when a call is made, as i1; null if nothing.
  virtual mlir::Value buildCondition(HostBuilder &host,
                                     const MixerUnit &unit) const {
    return {};
  }
  /// Adds the kernel to its module and launches it from the host.
  virtual void build(HostBuilder &host, mlir::gpu::GPUModuleOp module,
                     const MixerUnit &unit) const = 0;
};

llvm::ArrayRef<const KernelKind *> getKernels();

/// Launches a kernel that createKernel made; `blocks` is an index and may be 0
/// (then nothing runs).
void createLaunch(HostBuilder &host, mlir::gpu::GPUFuncOp kernel,
                  mlir::Value blocks, const KernelArguments &arguments);

} // namespace ssd

#endif // SSD_LOWERING_SSDTOHOPPER_LAUNCH_H
