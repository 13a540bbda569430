// RUN: ssd-opt %s --ssd-emit-entry-points | FileCheck %s

module {
  // Everything but the table is internal; buffers of arguments are disjoint.
  // CHECK-LABEL: llvm.func internal @f(
  // CHECK-SAME:    %{{.*}}: !llvm.ptr {llvm.noalias, llvm.noundef}
  llvm.func @f(%a0: !llvm.ptr, %a1: !llvm.ptr, %a2: i64, %a3: i64, %a4: i64, %a5: i64, %a6: i64,
               %w0: !llvm.ptr, %w1: !llvm.ptr, %w2: i64, %w3: i64, %w4: i64, %context: !llvm.ptr)
      attributes {ssd.planned, ssd.entry = {mixers = "[]", arguments = [
        {name = "x", role = "input", shape = array<i64: -1, 4>, type = memref<?x4xf32>}]}} {
    llvm.return
  }
  // CHECK:       llvm.func internal @f.entry(%[[CONTEXT:.*]]: !llvm.ptr, %[[TENSORS:.*]]: !llvm.ptr, %{{.*}}: i32, %[[WORKSPACE:.*]]: !llvm.ptr, %{{.*}}: !llvm.ptr) -> i32
  // CHECK:         %[[TENSOR:.*]] = llvm.load %{{.*}} : !llvm.ptr -> !llvm.ptr
  // CHECK:         llvm.getelementptr %[[TENSOR]][0, 0]
  // CHECK:         %[[DATA:.*]] = llvm.load
  // CHECK:         llvm.getelementptr %[[TENSOR]][0, 6]
  // CHECK:         %[[OFFSET:.*]] = llvm.load
  // CHECK:         %[[START:.*]] = llvm.getelementptr %[[DATA]][%[[OFFSET]]]
  // CHECK:         llvm.getelementptr %[[TENSOR]][0, 4]
  // CHECK:         llvm.call @f(%[[START]], %[[START]], {{.*}}, %[[WORKSPACE]], %[[WORKSPACE]], {{.*}}, %[[CONTEXT]])
  // CHECK:         %[[OK:.*]] = llvm.mlir.constant(0 : i32)
  // CHECK:         llvm.return %[[OK]]

  // CHECK:       llvm.func internal @f.workspace_size(%[[TENSORS:.*]]: !llvm.ptr, %{{.*}}: i32) -> i64
  // CHECK:         %[[SIZE:.*]] = llvm.load %{{.*}} : !llvm.ptr -> i64
  // CHECK:         %[[BYTES:.*]] = llvm.call @f.workspace(%[[SIZE]])
  // CHECK:         llvm.return %[[BYTES]]
  llvm.func @f.workspace(%n: i64) -> i64 {
    llvm.return %n : i64
  }
}
