// RUN: ssd-opt %s --split-input-file --convert-ssd-to-hopper | FileCheck %s
// RUN: ssd-opt %s --split-input-file --convert-ssd-to-hopper --emit-ptx=chip=sm_80 | FileCheck %s --check-prefix=PTX

// Rows of state are read 16 bytes at a time where all is aligned; 80 heads of
// four blocks of 16 rows.
// CHECK-LABEL: func.func @step_f32_state
// CHECK:         memref.extract_aligned_pointer_as_index
// CHECK:         arith.andi
// CHECK:         scf.if %{{.*}} {
// CHECK:           arith.constant 320 : index
// CHECK:           gpu.launch_func @ssd_step_0::@ssd_step_0
// CHECK:         } else {
// CHECK:           gpu.launch_func @ssd_recurrent_1::@ssd_recurrent_1
// CHECK:         gpu.module @ssd_step_0 [#nvvm.target<O = 3, chip = "sm_80"

// All loads of the state before the first use of any.
// PTX-LABEL:   .entry ssd_step_0
// PTX-COUNT-4: ld.global.v4
// PTX:         ex2.approx.ftz.f32
// PTX-COUNT-4: st.global.v4
// PTX-NOT:     .local
// PTX-LABEL:   .entry ssd_recurrent_1
func.func @step_f32_state(%x: memref<?x80x64xbf16>, %b: memref<?x1x128xbf16>, %dt: memref<?x80xf32>,
    %a: memref<80xf32>, %d: memref<80xf32>, %y: memref<?x80x64xbf16>, %s: memref<?x80x64x128xf32>) {
  ssd.fused ins(%xi = %x : memref<?x80x64xbf16>, %bi = %b : memref<?x1x128xbf16>,
                %ti = %dt : memref<?x80xf32>, %ai = %a : memref<80xf32>, %di = %d : memref<80xf32>)
      outs(%yi = %y : memref<?x80x64xbf16>, %si = %s : memref<?x80x64x128xf32>) {
    %r, %t = ssd.step ins(%xi, %bi, %bi : tensor<?x80x64xbf16>, tensor<?x1x128xbf16>, tensor<?x1x128xbf16>)
        decay(%ti : tensor<?x80xf32>) rate(%ai : tensor<80xf32>) scale(%ti : tensor<?x80xf32>)
        outs(%yi, %si : tensor<?x80x64xbf16>, tensor<?x80x64x128xf32>)
    %o = linalg.generic {indexing_maps = [affine_map<(b, h, p) -> (b, h, p)>, affine_map<(b, h, p) -> (b, h, p)>,
                                          affine_map<(b, h, p) -> (h)>, affine_map<(b, h, p) -> (b, h, p)>],
                         iterator_types = ["parallel", "parallel", "parallel"]}
        ins(%r, %xi, %di : tensor<?x80x64xbf16>, tensor<?x80x64xbf16>, tensor<80xf32>)
        outs(%yi : tensor<?x80x64xbf16>) {
    ^bb0(%ye: bf16, %xe: bf16, %de: f32, %oe: bf16):
      %yw = arith.extf %ye : bf16 to f32
      %xw = arith.extf %xe : bf16 to f32
      %m = arith.mulf %xw, %de : f32
      %v = arith.addf %yw, %m : f32
      %n = arith.truncf %v : f32 to bf16
      linalg.yield %n : bf16
    } -> tensor<?x80x64xbf16>
    ssd.yield %o, %t : tensor<?x80x64xbf16>, tensor<?x80x64x128xf32>
  }
  return
}

// -----

// 24 of 32 lanes have columns of a row; the others read the first ones, add
// nothing to y and store nothing.
// CHECK-LABEL: func.func @step_idle_lanes
// CHECK:         arith.constant 64 : index
// CHECK:         gpu.launch_func @ssd_step_0::@ssd_step_0
// CHECK:         gpu.module @ssd_step_0
// CHECK:           known_block_size = array<i32: 128, 1, 1>
// CHECK:           %[[HAS:.*]] = arith.cmpi slt, %[[COLUMN:.*]], %c96_i32
// CHECK:           arith.select %[[HAS]], %[[COLUMN]], %c0_i32
// CHECK-COUNT-4:   arith.select %[[HAS]], %{{.*}}, %{{.*}} : f32
// CHECK-COUNT-4:   scf.if %[[HAS]] {
// PTX-LABEL:   .entry ssd_step_0
// PTX-COUNT-4: ld.global.v4
// PTX:         ex2.approx.ftz.f32
// PTX-NOT:     .local
// PTX-LABEL:   .entry ssd_recurrent_1
func.func @step_idle_lanes(%x: memref<?x16x64xbf16>, %b: memref<?x2x96xbf16>, %dt: memref<?x16xf32>,
    %a: memref<16xf32>, %y: memref<?x16x64xbf16>, %s: memref<?x16x64x96xf32>) {
  ssd.fused ins(%xi = %x : memref<?x16x64xbf16>, %bi = %b : memref<?x2x96xbf16>,
                %ti = %dt : memref<?x16xf32>, %ai = %a : memref<16xf32>)
      outs(%yi = %y : memref<?x16x64xbf16>, %si = %s : memref<?x16x64x96xf32>) {
    %r, %t = ssd.step ins(%xi, %bi, %bi : tensor<?x16x64xbf16>, tensor<?x2x96xbf16>, tensor<?x2x96xbf16>)
        decay(%ti : tensor<?x16xf32>) rate(%ai : tensor<16xf32>) scale(%ti : tensor<?x16xf32>)
        outs(%yi, %si : tensor<?x16x64xbf16>, tensor<?x16x64x96xf32>)
    ssd.yield %r, %t : tensor<?x16x64xbf16>, tensor<?x16x64x96xf32>
  }
  return
}

// -----

// Mamba-1, whose heads are channels of one row: a warp has 32 rows of as many
// heads, and the last block fewer than it could.
// CHECK-LABEL: func.func @step_channels
// CHECK:         arith.constant 2 : index
// CHECK:         gpu.launch_func @ssd_step_0::@ssd_step_0
// CHECK:         gpu.module @ssd_step_0
// CHECK:           %[[EXISTS:.*]] = arith.cmpi slt, %[[ROW:.*]], %c200_i32
// CHECK:           arith.minsi %[[ROW]], %c199_i32
// CHECK:           scf.if %{{.*}} {
// CHECK:           scf.if %[[EXISTS]] {
// PTX-LABEL:   .entry ssd_step_0
// PTX-COUNT-4: ld.global.v4
// PTX:         ex2.approx.ftz.f32
// PTX-NOT:     .local
// PTX-LABEL:   .entry ssd_recurrent_1
func.func @step_channels(%slots: memref<?xi32>, %x: memref<?x200x1xbf16>, %b: memref<?x1x16xbf16>, %dt: memref<?x200xf32>,
    %a: memref<200x16xf32>, %y: memref<?x200x1xbf16>, %s: memref<?x200x1x16xf32>) {
  ssd.fused ins(%li = %slots : memref<?xi32>, %xi = %x : memref<?x200x1xbf16>, %bi = %b : memref<?x1x16xbf16>,
                %ti = %dt : memref<?x200xf32>, %ai = %a : memref<200x16xf32>)
      outs(%yi = %y : memref<?x200x1xbf16>, %si = %s : memref<?x200x1x16xf32>) {
    %r, %t = ssd.step ins(%xi, %bi, %bi : tensor<?x200x1xbf16>, tensor<?x1x16xbf16>, tensor<?x1x16xbf16>)
        decay(%ti : tensor<?x200xf32>) rate(%ai : tensor<200x16xf32>) scale(%ti : tensor<?x200xf32>)
        slots(%li : tensor<?xi32>) outs(%yi, %si : tensor<?x200x1xbf16>, tensor<?x200x1x16xf32>)
    ssd.yield %r, %t : tensor<?x200x1xbf16>, tensor<?x200x1x16xf32>
  }
  return
}
