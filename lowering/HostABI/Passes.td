//===- Passes.td - from tensor functions to callable entries -*- tablegen -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
#ifndef SSD_LOWERING_HOSTABI_PASSES
#define SSD_LOWERING_HOSTABI_PASSES

include "mlir/Pass/PassBase.td"

def HostABIPass : Pass<"ssd-host-abi", "mlir::ModuleOp"> {
  let summary = "Give entries the argument list of the artifact's table";
  let description = [{
    Every public function with a body is an entry. Its tensor arguments become
    memrefs that the caller owns; a result that is a new state is written into
    the state's own argument, every other result becomes an output argument
    after the existing ones. What the artifact's table must say about each
    argument is recorded in the function's `ssd.entry` attribute.

    ```mlir
    func.func @step(%x: tensor<?x4xf32> {ssd.name = "x", ssd.dims = ["B", ""]},
                    %s: tensor<?x4xf32> {ssd.state = "s"})
        -> (tensor<?x4xf32>, tensor<?x4xf32> {ssd.state = "s"}) {
      %new = linalg.add ins(%x, %s : tensor<?x4xf32>, tensor<?x4xf32>) outs(%s : tensor<?x4xf32>) -> tensor<?x4xf32>
      return %new, %new : tensor<?x4xf32>, tensor<?x4xf32>
    }
    ```

    becomes

    ```
    func.func @step(%x: memref<?x4xf32>, %s: memref<?x4xf32>,
                    %result0: memref<?x4xf32>) {
      %0 = bufferization.to_tensor %x restrict : ...
      %1 = bufferization.to_tensor %s restrict writable : ...
      %new = linalg.add ins(%0, %1) outs(%1) ...
      bufferization.materialize_in_destination %new in restrict writable %result0
      bufferization.materialize_in_destination %new in restrict writable %s
      return
    }
    ```

    Private functions keep their tensors.
  }];
  let options = [
    Option<"device", "device", "std::string", "\"cpu\"",
           "where the tensors of entries are: cpu or cuda">
  ];
  let dependentDialects = ["mlir::bufferization::BufferizationDialect",
                           "mlir::memref::MemRefDialect"];
}

def BufferizeEntriesPass : Pass<"ssd-bufferize-entries", "mlir::ModuleOp"> {
  let summary = "One-shot bufferization that leaves bodies of units alone";
  let description = [{
    One-shot bufferization across functions, whose tensors become memrefs of the
    identity layout. The body of an `ssd.fused` says what a unit computes and
    stays on tensors.

    ```mlir
    func.func @unit(%x: tensor<?x4x64xbf16>, %b: tensor<?x1x128xbf16>, %y: tensor<?x4x64xbf16>, %s: tensor<?x4x64x128xf32>)
        -> (tensor<?x4x64xbf16>, tensor<?x4x64x128xf32>) {
      %0:2 = ssd.fused ins(%xi = %x : tensor<?x4x64xbf16>, %bi = %b : tensor<?x1x128xbf16>)
          outs(%yi = %y : tensor<?x4x64xbf16>, %si = %s : tensor<?x4x64x128xf32>) {
        %r, %t = ssd.step ins(%xi, %bi, %bi : tensor<?x4x64xbf16>, tensor<?x1x128xbf16>, tensor<?x1x128xbf16>)
            outs(%yi, %si : tensor<?x4x64xbf16>, tensor<?x4x64x128xf32>)
        ssd.yield %r, %t : tensor<?x4x64xbf16>, tensor<?x4x64x128xf32>
      }
      return %0#0, %0#1 : tensor<?x4x64xbf16>, tensor<?x4x64x128xf32>
    }
    ```

    becomes

    ```
      ssd.fused ins(%xi = %x : memref<?x4x64xbf16>, ...) outs(...) {
        %r, %t = ssd.step ins(%xi, %bi, %bi : tensor<?x4x64xbf16>, ...) ...
      }
    ```
  }];
  let dependentDialects = ["mlir::bufferization::BufferizationDialect",
                           "mlir::memref::MemRefDialect"];
}

def CheckStateCopiesPass : Pass<"ssd-check-state-copies", "mlir::ModuleOp"> {
  let summary = "Reject modules whose states are not updated in place";
  let description = [{
    Bufferization copies silently where it finds a conflict. A copy of a whole
    state costs more than the step that updates it, so this pass, which runs
    after bufferization, reports every copy of a whole state to a buffer of its
    size and every buffer that is copied over a whole state. Copies of tiles,
    and of a state into a part of something larger, are legal, and so is what a
    lowering copies on purpose, by linalg.copy. States are followed into
    private functions.

    ```mlir
    func.func @step(%s: memref<4xf32> {ssd.state = "s"}, %y: memref<4xf32>) {
      memref.copy %s, %y : memref<4xf32> to memref<4xf32>
      return
    }
    ```

    is refused: `copies the whole state 's'`.
  }];
  let statistics = [
    Statistic<"numStates", "num-states", "Number of state arguments followed">
  ];
}

def ExpandTaskBuffersPass : Pass<"ssd-expand-task-buffers", "mlir::func::FuncOp"> {
  let summary = "Take large buffers of parallel tasks out of their loops";
  let description = [{
    A buffer inside of a parallel loop is stack memory of the task. One without
    a constant bound, or larger than the frame limit, is allocated once before
    the outermost parallel loop instead, with a part for each task, so that
    `ssd-plan-workspace` can place it.

    ```mlir
    func.func @tasks(%x: memref<?x?xf32>, %n: index, %length: index) {
      %zero = arith.constant 0.0 : f32
      scf.forall (%i) in (%n) {
        %buffer = memref.alloc(%length) : memref<?xf32>
        linalg.fill ins(%zero : f32) outs(%buffer : memref<?xf32>)
        %row = memref.subview %x[%i, 0] [1, %length] [1, 1] : memref<?x?xf32> to memref<?xf32, strided<[1], offset: ?>>
        memref.copy %buffer, %row : memref<?xf32> to memref<?xf32, strided<[1], offset: ?>>
      }
      return
    }
    ```

    becomes

    ```
    %all = memref.alloc(%bytes_of_all) : memref<?xi8>
    scf.forall (%i) in (%n) {
      %buffer = memref.view %all[%start][%length] : memref<?xi8> to memref<?xf32>
      ...
    ```
  }];
  let options = [
    Option<"frameLimit", "frame-limit", "int64_t", "1 << 20",
           "Most bytes of a buffer that stays on the task's stack">
  ];
  let dependentDialects = ["mlir::memref::MemRefDialect",
                           "mlir::arith::ArithDialect"];
}

def PlanWorkspacePass : Pass<"ssd-plan-workspace", "mlir::ModuleOp"> {
  let summary = "Place every allocation in a workspace that the caller owns";
  let description = [{
    Every function gets two more arguments: the workspace, `memref<?xi8>`, and
    the context, `!llvm.ptr`. Each `memref.alloc` becomes a view into the
    workspace; buffers whose lifetimes do not overlap share a slot, and so do
    calls, which run one after another. Sizes are expressions in the sizes of
    the function's arguments; where a size varies inside of a loop, its upper
    bound is reserved. Buffers inside of a parallel loop become stack memory of
    the task, whose size must have a constant bound.

    For each entry `f` a function `@f.workspace(sizes...) -> i64` is made, one
    argument per dynamic size of each argument of `f` in order, which computes
    the bytes that a call needs.

    ```mlir
    func.func @scratch(%x: memref<?x4xf32>, %y: memref<?x4xf32>) attributes {ssd.entry = {mixers = "[]", arguments = [
        {name = "x", role = "input", shape = array<i64: -1, 4>, type = memref<?x4xf32>},
        {name = "y", role = "output", shape = array<i64: -1, 4>, type = memref<?x4xf32>} ]}} {
      %c0 = arith.constant 0 : index
      %n = memref.dim %x, %c0 : memref<?x4xf32>
      %buffer = memref.alloc(%n) : memref<?x4xf32>
      linalg.add ins(%x, %x : memref<?x4xf32>, memref<?x4xf32>) outs(%buffer : memref<?x4xf32>)
      linalg.mul ins(%buffer, %buffer : memref<?x4xf32>, memref<?x4xf32>) outs(%y : memref<?x4xf32>)
      return
    }
    ```

    becomes

    ```
    func.func @scratch(%x: memref<?x4xf32>, %y: memref<?x4xf32>, %workspace: memref<?xi8>, %context: !llvm.ptr) {
      %buffer = memref.view %workspace[%c0][%n] : memref<?xi8> to memref<?x4xf32>
      ...
    func.func private @scratch.workspace(%n: index, %n_of_y: index) -> i64
    ```
  }];
  let options = [
    Option<"frameLimit", "frame-limit", "int64_t", "1 << 20",
           "Most bytes of stack that a parallel task may take">
  ];
  let statistics = [
    Statistic<"numBuffers", "num-buffers", "Number of allocations placed">,
    Statistic<"numSlots", "num-slots", "Number of workspace slots they share">
  ];
  let dependentDialects = ["mlir::memref::MemRefDialect",
                           "mlir::arith::ArithDialect",
                           "mlir::affine::AffineDialect",
                           "mlir::func::FuncDialect",
                           "mlir::LLVM::LLVMDialect"];
}

def OutlineParallelPass : Pass<"ssd-outline-parallel", "mlir::ModuleOp"> {
  let summary = "Turn parallel loops into tasks that the runtime runs";
  let description = [{
    The body of each outermost `scf.forall` or `scf.parallel` becomes a
    private function `(closure, index, worker)`, and the loop becomes a call of
    `context->api->parallel_for`. The closure is a struct on the stack that
    holds the values the body uses. Loops of one iteration run directly; loops
    inside of a task become sequential. Runs after ssd-plan-workspace, which
    provides the context.

    ```mlir
    func.func @clear(%x: memref<?xf32>, %workspace: memref<?xi8>, %context: !llvm.ptr) attributes {ssd.planned} {
      %c0 = arith.constant 0 : index
      %zero = arith.constant 0.0 : f32
      %n = memref.dim %x, %c0 : memref<?xf32>
      scf.forall (%i) in (%n) {
        memref.store %zero, %x[%i] : memref<?xf32>
      }
      return
    }
    ```

    becomes

    ```
      llvm.call %parallel_for(%context, %clear_task, %n, %closure)
      ...
    func.func private @clear.task(%closure: !llvm.ptr, %index: i64, %worker: i32)
    ```
  }];
  let statistics = [
    Statistic<"numTasks", "num-tasks", "Number of loops outlined">
  ];
  let dependentDialects = ["mlir::arith::ArithDialect",
                           "mlir::func::FuncDialect",
                           "mlir::scf::SCFDialect",
                           "mlir::LLVM::LLVMDialect"];
}

def LowerLaunchesPass : Pass<"ssd-lower-launches", "mlir::ModuleOp"> {
  let summary = "Turn host code of GPU programs into calls of the runtime";
  let description = [{
    Runs after `ssd-plan-workspace`, which provides the context. Launches, tensor
    maps, copies between and clearing of buffers in device memory, and questions
    about the device become calls through `context->api` (ssd_runtime.h). A
    kernel's number is the position of its `gpu.binary` among all of the module.

    ```mlir
    module attributes {gpu.container_module} {
      gpu.binary @scan [#gpu.object<#nvvm.target<chip = "sm_90a">, bin = "">]
      func.func @launch(%length: i32, %w: memref<?xi8>, %context: !llvm.ptr) attributes {ssd.planned} {
        %one = arith.constant 1 : index
        %threads = arith.constant 128 : index
        gpu.launch_func @scan::@scan blocks in (%one, %one, %one) threads in (%threads, %one, %one)
            args(%length : i32)
        return
      }
    }
    ```

    becomes

    ```
        llvm.store %length, %slot : i32, !llvm.ptr
        llvm.call %launch(%context, %number, %blocks, %shared, %arguments) : ...
    ```
  }];
  let dependentDialects = ["mlir::arith::ArithDialect",
                           "mlir::memref::MemRefDialect",
                           "mlir::LLVM::LLVMDialect"];
}

def EmitEntryPointsPass : Pass<"ssd-emit-entry-points", "mlir::ModuleOp"> {
  let summary = "Emit the functions that the artifact's table points to";
  let description = [{
    Runs on the LLVM dialect. For each entry `f` it emits `@f.entry`, which
    unpacks DLTensors and calls `@f`, and `@f.workspace_size`, which does the
    same for `@f.workspace`. Entries of a module with kernels also keep the stream
    in the context and return the context's status. Everything else becomes internal, and pointer
    arguments of planned functions become `noalias`: buffers of different
    arguments are disjoint by the contract of the ABI and by bufferization.

    ```mlir
    module {
      llvm.func @f(%data: !llvm.ptr, %aligned: !llvm.ptr, %offset: i64, %size: i64, %stride: i64,
                   %w: !llvm.ptr, %w1: !llvm.ptr, %w2: i64, %w3: i64, %w4: i64, %context: !llvm.ptr)
          attributes {ssd.planned, ssd.entry = {mixers = "[]", arguments = [
            {name = "x", role = "input", shape = array<i64: 4>, type = memref<4xf32>} ]}} {
        llvm.return
      }
      llvm.func @f.workspace() -> i64 {
        %none = llvm.mlir.constant(0 : i64) : i64
        llvm.return %none : i64
      }
    }
    ```

    gets

    ```
      llvm.func internal @f.entry(%context: !llvm.ptr, %tensors: !llvm.ptr, %count: i32, %workspace: !llvm.ptr, %stream: !llvm.ptr) -> i32
      llvm.func internal @f.workspace_size(%tensors: !llvm.ptr, %count: i32) -> i64
    ```
  }];
  let dependentDialects = ["mlir::LLVM::LLVMDialect"];
}

#endif // SSD_LOWERING_HOSTABI_PASSES
