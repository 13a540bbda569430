// RUN: rm -rf %t && mkdir -p %t && split-file %s %t

// Nothing is left behind by a failure, and what was there stays.
// RUN: echo old > %t/out.so
// RUN: not ssd-compile %t/syntax.mlir -o %t/out.so 2>&1 | FileCheck %s --check-prefix=SYNTAX
// RUN: not ssd-compile %t/conflict.mlir -o %t/out.so 2>&1 | FileCheck %s --check-prefix=CONFLICT
// RUN: not ssd-compile %t/library.mlir -o %t/out.so 2>&1 | FileCheck %s --check-prefix=LIBRARY
// RUN: FileCheck %s --check-prefix=OLD --input-file=%t/out.so
// RUN: ls -a %t | FileCheck %s --check-prefix=LEFT
// OLD: old
// LEFT-NOT: tmp
// LEFT-NOT: .o

// SYNTAX: syntax.mlir:1:1: error:
// SYNTAX: is not a module that this compiler reads
// CONFLICT: conflict.mlir:{{.*}}: error: copies a new buffer over the whole state 's'
// CONFLICT: compilation failed in stage 'bufferize'
// LIBRARY: the compiled code calls not_a_function, which no artifact may depend on

// RUN: not ssd-compile %t/library.mlir -o %t/absent/out.so 2>&1 | FileCheck %s --check-prefix=UNWRITABLE
// UNWRITABLE: can't write '{{.*}}absent/out.so': No such file or directory
// RUN: not ssd-compile %t/library.mlir -o %t 2>&1 | FileCheck %s --check-prefix=FOLDER
// FOLDER: it exists and is not a regular file
// RUN: not ssd-compile %t/library.mlir -o %t/out.so --target=sparc 2>&1 | FileCheck %s --check-prefix=TARGET
// TARGET: unknown target 'sparc'; targets are cpu (this machine), x86-64-v3, x86-64-v4, sm_90a (Hopper), sm_80 (portable GPU code), or a CPU and GPUs with commas in between
// RUN: not ssd-compile %t/absent.mlir -o %t/out.so 2>&1 | FileCheck %s --check-prefix=ABSENT
// ABSENT: absent.mlir
// RUN: not ssd-compile %t/library.mlir 2>&1 | FileCheck %s --check-prefix=NO-OUTPUT
// NO-OUTPUT: no output; give a file with -o
// RUN: not ssd-compile -o %t/out.so 2>&1 | FileCheck %s --check-prefix=NO-INPUT
// NO-INPUT: no input

//--- syntax.mlir
nonsense
//--- conflict.mlir
func.func @f(%x: tensor<4xf32>, %s: tensor<4xf32> {ssd.state = "s"})
    -> (tensor<4xf32>, tensor<4xf32> {ssd.state = "s"}) {
  %new = linalg.add ins(%x, %s : tensor<4xf32>, tensor<4xf32>) outs(%s : tensor<4xf32>) -> tensor<4xf32>
  %y = linalg.mul ins(%new, %s : tensor<4xf32>, tensor<4xf32>) outs(%x : tensor<4xf32>) -> tensor<4xf32>
  return %y, %new : tensor<4xf32>, tensor<4xf32>
}
//--- library.mlir
func.func private @not_a_function()
func.func @f(%x: tensor<4xf32>) {
  call @not_a_function() : () -> ()
  return
}
