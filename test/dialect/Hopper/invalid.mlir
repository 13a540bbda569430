// RUN: ssd-opt %s -split-input-file -verify-diagnostics

// Every diagnostic of the dialect. Labels are those of the documentation;
// labels.test checks that none is missing here.

// expected-error @+1 {{(FRAG1) }}
func.func private @type_frag1(!hopper.fragment<32x64xf32>)

// -----

// expected-error @+1 {{(FRAG2) }}
func.func private @type_frag2(!hopper.fragment<64xbf16, rows>)

// -----

// expected-error @+1 {{(FRAG3) }}
func.func private @type_frag3(!hopper.fragment<12xf32, columns>)

// -----

// expected-error @+1 {{(INFL1) }}
func.func private @type_infl1(!hopper.inflight<64x512xf32>)

// -----

// expected-error @+1 {{(SHAR1) }}
func.func private @type_shar1(!hopper.shared<64x32xbf16>)

// -----

// expected-error @+1 {{(SHAR2) }}
func.func private @type_shar2(!hopper.shared<64xf64, linear>)

// -----

// expected-error @+1 {{(RING1) }}
func.func private @type_ring1(!hopper.ring<0>)

// -----

// expected-error @+1 {{(TMAP1) }}
func.func private @type_tmap1(!hopper.tensor_map<64x32xbf16>)

// -----

func.func @spec1() {
  // expected-error @+1 {{(SPEC1) takes one region, warpgroup count and budget a role}}
  hopper.specialize warpgroups [1, 1] registers [40, 40]
  role {
  ^bb0(%i: i32):
    hopper.yield
  }
  return
}

// -----

func.func @spec2() {
  // expected-error @+1 {{(SPEC2) the budgets of 3 warpgroups sum to 512, more than 504}}
  hopper.specialize warpgroups [1, 2] registers [32, 240]
  role {
  ^bb0(%i: i32):
    hopper.yield
  }
  role {
  ^bb0(%i: i32):
    hopper.yield
  }
  return
}

// -----

func.func @spec3() {
  // expected-error @+1 {{(SPEC3) a role takes one i32}}
  hopper.specialize warpgroups [1] registers [40]
  role {
    hopper.yield
  }
  return
}

// -----

func.func @barr1(%id: i32) {
  // expected-error @+1 {{(BARR1) threads are a positive multiple of 32 up to 1024}}
  hopper.barrier id %id of 100
  return
}

// -----

func.func @ringop1() {
  // expected-error @+1 {{(RINGOP1) the offset is a multiple of 8}}
  %r = hopper.ring 4 producers 1 consumers 1 : !hopper.ring<2>
  return
}

// -----

func.func @init1(%r: !hopper.ring<2>) {
  // expected-error @+1 {{(INIT1) operands are results of hopper.ring}}
  hopper.init_rings %r : !hopper.ring<2>
  return
}

// -----

func.func @use1(%r: !hopper.ring<2, 2>, %c: !hopper.cursor<2>) {
  // expected-error @+1 {{(USE1) takes one ring, not an array of them}}
  hopper.acquire %r[%c] : !hopper.ring<2, 2>
  return
}

// -----

func.func @use2(%r: !hopper.ring<2>, %c: !hopper.cursor<3>) {
  // expected-error @+1 {{(USE2) cursor and ring have as many stages}}
  "hopper.acquire"(%r, %c) : (!hopper.ring<2>, !hopper.cursor<3>) -> ()
  return
}

// -----

gpu.module @clus1_rank {
  gpu.func @clus1_rank() kernel {
    // expected-error @+1 {{(CLUS1) it is in a kernel with a known_cluster_size}}
    %r = hopper.cluster_rank
    gpu.return
  }
}

// -----

gpu.module @clus1_barrier {
  gpu.func @clus1_barrier() kernel {
    // expected-error @+1 {{(CLUS1) it is in a kernel with a known_cluster_size}}
    hopper.cluster_barrier
    gpu.return
  }
}

// -----

gpu.module @clus1_release {
  gpu.func @clus1_release(%i: i32) kernel {
    %r = hopper.ring 0 producers 1 consumers 1 : !hopper.ring<2>
    %c = hopper.cursor : !hopper.cursor<2>
    hopper.release %r[%c] by thread : !hopper.ring<2>
    // expected-error @+1 {{(CLUS1) it is in a kernel with a known_cluster_size}}
    hopper.release %r[%c] by thread to %i : !hopper.ring<2>
    gpu.return
  }
}

// -----

gpu.module @clus1_multicast {
  gpu.func @clus1_multicast(%m: !hopper.tensor_map<1x64x1x64xbf16>, %i: i32, %mask: i16) kernel {
    %r = hopper.ring 8192 producers 1 consumers 1 : !hopper.ring<2>
    %c = hopper.cursor : !hopper.cursor<2>
    %t = hopper.alloc 0 : !hopper.shared<64x64xbf16>
    // expected-error @+1 {{(CLUS1) it is in a kernel with a known_cluster_size}}
    hopper.tma_load %m[%i, %i, %i, %i] to %t, %r[%c] cache normal multicast %mask
        : !hopper.tensor_map<1x64x1x64xbf16>, !hopper.shared<64x64xbf16>, !hopper.ring<2>
    gpu.return
  }
}

// -----

func.func @alloc1() {
  // expected-error @+1 {{(ALLOC1) tiles are aligned to 1024 bytes, tables to 16}}
  %t = hopper.alloc 512 : !hopper.shared<64x64xbf16>
  return
}

// -----

func.func @slice1(%t: !hopper.shared<2x64x64xbf16>, %i: i32) {
  // expected-error @+1 {{(SLICE1) the result is the source without its first dimension}}
  %s = hopper.slice %t[%i] : !hopper.shared<2x64x64xbf16>, i32 to !hopper.shared<64x128xbf16>
  return
}

// -----

func.func @slice2(%t: !hopper.shared<2x64x64xbf16>, %i: !hopper.cursor<3>) {
  // expected-error @+1 {{(SLICE2) a cursor of 3 stages indexes 2}}
  %s = hopper.slice %t[%i] : !hopper.shared<2x64x64xbf16>, !hopper.cursor<3> to !hopper.shared<64x64xbf16>
  return
}

// -----

func.func @slice3(%t: !hopper.shared<64x64xbf16>, %i: i32) {
  // expected-error @+1 {{(SLICE3) the source is not an array of tiles}}
  %s = hopper.slice %t[%i] : !hopper.shared<64x64xbf16>, i32 to !hopper.shared<64x64xbf16>
  return
}

// -----

func.func @resh1(%t: !hopper.shared<64xf32, linear>) {
  // expected-error @+1 {{(RESH1) source and result are linear}}
  %s = hopper.reshape %t : !hopper.shared<64xf32, linear> to !hopper.shared<4x8xf32, linear>
  return
}

// -----

func.func @tma1(%m: !hopper.tensor_map<1x64x1x64xbf16>, %r: !hopper.ring<2>, %c: !hopper.cursor<2>, %i: i32, %t: !hopper.shared<64x64xbf16>) {
  // expected-error @+1 {{(TMA1) takes one coordinate a dimension}}
  hopper.tma_load %m[%i, %i] to %t, %r[%c] cache normal : !hopper.tensor_map<1x64x1x64xbf16>, !hopper.shared<64x64xbf16>, !hopper.ring<2>
  return
}

// -----

func.func @tma2(%m: !hopper.tensor_map<1x64x1x64xbf16>, %r: !hopper.ring<2>, %c: !hopper.cursor<2>, %i: i32, %t: !hopper.shared<32x64xbf16>) {
  // expected-error @+1 {{(TMA2) the box is not one panel of the tile: 8192 bytes against 4096}}
  hopper.tma_load %m[%i, %i, %i, %i] to %t, %r[%c] cache normal : !hopper.tensor_map<1x64x1x64xbf16>, !hopper.shared<32x64xbf16>, !hopper.ring<2>
  return
}

// -----

func.func @tma3(%m: !hopper.tensor_map<1x64x1x64xbf16>, %r: !hopper.ring<2>, %c: !hopper.cursor<2>, %i: i32, %t: !hopper.shared<2x64x64xbf16>) {
  // expected-error @+1 {{(TMA3) the tile is swizzled and single}}
  hopper.tma_load %m[%i, %i, %i, %i] to %t, %r[%c] cache normal : !hopper.tensor_map<1x64x1x64xbf16>, !hopper.shared<2x64x64xbf16>, !hopper.ring<2>
  return
}

// -----

func.func @rows1(%t: !hopper.shared<64x128xbf16>, %p: !llvm.ptr<1>, %s: i64, %n: i32) {
  // expected-error @+1 {{(ROWS1) takes a swizzled tile of one panel}}
  hopper.store_rows %t to %p stride %s rows %n : !hopper.shared<64x128xbf16> to !llvm.ptr<1>
  return
}

// -----

func.func @rows2(%t: !hopper.shared<2x64x64xbf16>, %p: !llvm.ptr<1>, %s: i64, %n: i32) {
  // expected-error @+1 {{(ROWS2) takes a swizzled tile, not '!hopper.shared<2x64x64xbf16>'}}
  hopper.load_rows %p stride %s rows %n to %t : !llvm.ptr<1> to !hopper.shared<2x64x64xbf16>
  return
}

// -----

func.func @rows3(%t: !hopper.shared<3x64x64xbf16>, %p: !llvm.ptr<1>, %s: i64, %n: i32) {
  // expected-error @+1 {{(ROWS3) takes two swizzled tiles with a multiple of 16 rows, not '!hopper.shared<3x64x64xbf16>'}}
  hopper.load_rows_hilo %p stride %s rows %n to %t : !llvm.ptr<1> to !hopper.shared<3x64x64xbf16>
  return
}

// -----

func.func @rows3_rows(%t: !hopper.shared<2x24x64xbf16>, %p: !llvm.ptr<1>, %s: i64, %n: i32) {
  // expected-error @+1 {{(ROWS3) takes two swizzled tiles with a multiple of 16 rows}}
  hopper.load_rows_hilo %p stride %s rows %n to %t : !llvm.ptr<1> to !hopper.shared<2x24x64xbf16>
  return
}

// -----

func.func @cols1(%f: !hopper.fragment<64x64xbf16>, %p: !llvm.ptr<1>, %s: i64, %n: i32) {
  // expected-error @+1 {{(COLS1) stores an f32 matrix}}
  hopper.store_columns %f to %p of f32 stride %s columns %n : !hopper.fragment<64x64xbf16> to !llvm.ptr<1>
  return
}

// -----

func.func @cols2(%f: !hopper.fragment<64x64xf32>, %p: !llvm.ptr<1>, %s: i64, %n: i32) {
  // expected-error @+1 {{(COLS2) stored elements are floats}}
  hopper.store_columns %f to %p of i32 stride %s columns %n : !hopper.fragment<64x64xf32> to !llvm.ptr<1>
  return
}

// -----

func.func @use1_copies(%r: !hopper.ring<2, 2>, %c: !hopper.cursor<2>) {
  // expected-error @+1 {{(USE1) takes one ring, not an array of them}}
  hopper.commit_copies %r[%c] : !hopper.ring<2, 2>
  return
}

// -----

func.func @tab1(%t: !hopper.shared<64xf32, linear>, %i: i32) {
  // expected-error @+1 {{(TAB1) the table is linear of rank 1 and of 'i32'}}
  %v = hopper.load %t[%i] : !hopper.shared<64xf32, linear> to i32
  return
}

// -----

func.func @vec1(%t: !hopper.shared<64xf32, linear>) {
  // expected-error @+1 {{(VEC1) the vector starts at an even entry and lies within the table}}
  %v = hopper.load_vector %t from 16 : !hopper.shared<64xf32, linear> to !hopper.fragment<64xf32, columns>
  return
}

// -----

func.func @vec2(%t: !hopper.shared<64xf32, linear>) {
  // expected-error @+1 {{(VEC2) the result is a rows or columns fragment}}
  %v = hopper.load_vector %t from 0 : !hopper.shared<64xf32, linear> to !hopper.fragment<64x64xf32>
  return
}

// -----

func.func @wgmma1(%a: !hopper.fragment<64x64xf32>, %b: !hopper.shared<64x64xbf16>) {
  // expected-error @+1 {{(WGMMA1) a is a 16-bit matrix}}
  %v = hopper.wgmma %a, %b : !hopper.fragment<64x64xf32>, !hopper.shared<64x64xbf16> -> !hopper.inflight<64x64xf32>
  return
}

// -----

func.func @wgmma2(%a: !hopper.fragment<64x64xbf16>, %b: !hopper.shared<64x128xbf16>) {
  // expected-error @+1 {{(WGMMA2) depth of b is 128, depth of a 64}}
  %v = hopper.wgmma %a, %b : !hopper.fragment<64x64xbf16>, !hopper.shared<64x128xbf16> -> !hopper.inflight<64x64xf32>
  return
}

// -----

func.func @wgmma3(%a: !hopper.fragment<64x64xbf16>, %b: !hopper.shared<64x128xbf16>) {
  // expected-error @+1 {{(WGMMA3) the result has 64 columns, b gives 128}}
  %v = hopper.wgmma %a, %b {mn_major} : !hopper.fragment<64x64xbf16>, !hopper.shared<64x128xbf16> -> !hopper.inflight<64x64xf32>
  return
}

// -----

func.func @wgmma4(%a: !hopper.fragment<64x64xbf16>, %b: !hopper.shared<64x64xbf16>, %s: !hopper.fragment<64x128xf32>) {
  // expected-error @+1 {{(WGMMA4) acc has another shape than the result}}
  %v = hopper.wgmma %a, %b into %s : !hopper.fragment<64x64xbf16>, !hopper.shared<64x64xbf16>, !hopper.fragment<64x128xf32> -> !hopper.inflight<64x64xf32>
  return
}

// -----

func.func @wait1(%s: !hopper.inflight<64x128xf32>) {
  // expected-error @+1 {{(WAIT1) each result is the f32 fragment of its operand's shape}}
  %v = hopper.wgmma_wait 0 tied(%s) : (!hopper.inflight<64x128xf32>) -> !hopper.fragment<64x64xf32>
  return
}

// -----

func.func @ldst1(%t: !hopper.shared<64x64xbf16>) {
  // expected-error @+1 {{(LDST1) fragment and tile differ in shape}}
  %v = hopper.load_fragment %t : !hopper.shared<64x64xbf16> to !hopper.fragment<64x128xbf16>
  return
}

// -----

func.func @ldst2(%t: !hopper.shared<64x128xbf16>) {
  // expected-error @+1 {{(LDST2) a transposed access is of a 64-column tile}}
  %v = hopper.load_fragment %t {transpose} : !hopper.shared<64x128xbf16> to !hopper.fragment<64x64xbf16>
  return
}

// -----

func.func @ldst3(%t: !hopper.shared<64x64xbf16>, %f: !hopper.fragment<64x16xbf16>) {
  // expected-error @+1 {{(LDST3) the column is a multiple of 16}}
  hopper.store_fragment %f to %t column 64 : !hopper.fragment<64x16xbf16> to !hopper.shared<64x64xbf16>
  return
}

// -----

func.func @ldst4(%t: !hopper.shared<64xf32, linear>) {
  // expected-error @+1 {{(LDST4) an f32 matrix lies in a linear f32 table of as many values}}
  %v = hopper.load_fragment %t : !hopper.shared<64xf32, linear> to !hopper.fragment<64x64xf32>
  return
}

// -----

func.func @map1(%f: !hopper.fragment<64x16xbf16>) {
  // expected-error @+1 {{(MAP1) computes f32 fragments}}
  %v = hopper.map %f : (!hopper.fragment<64x16xbf16>) -> !hopper.fragment<64x16xbf16> {
  ^bb0(%e: f32):
    hopper.yield %e : f32
  }
  return
}

// -----

func.func @map2(%f: !hopper.fragment<32xf32, columns>) {
  // expected-error @+1 {{(MAP2) '!hopper.fragment<32xf32, columns>' does not lie along '!hopper.fragment<64x16xf32>'}}
  %v = hopper.map %f : (!hopper.fragment<32xf32, columns>) -> !hopper.fragment<64x16xf32> {
  ^bb0(%e: f32):
    hopper.yield %e : f32
  }
  return
}

// -----

func.func @map3(%f: !hopper.fragment<64x16xf32>) {
  // expected-error @+1 {{(MAP3) the region takes one f32 an operand}}
  %v = hopper.map %f : (!hopper.fragment<64x16xf32>) -> !hopper.fragment<64x16xf32> {
  ^bb0(%e: f32, %g: f32):
    hopper.yield %e : f32
  }
  return
}

// -----

func.func @map4(%f: !hopper.fragment<64x16xf32>) {
  %v = hopper.map %f : (!hopper.fragment<64x16xf32>) -> !hopper.fragment<64x16xf32> {
  ^bb0(%e: f32):
    // expected-error @+1 {{(MAP4) is not pure and flat}}
    hopper.fence_async
    hopper.yield %e : f32
  }
  return
}

// -----

func.func @blk1(%f: !hopper.fragment<64x16xf32>) {
  // expected-error @+1 {{(BLK1) the block is columns of the source}}
  %v = hopper.block_of %f column 16 : !hopper.fragment<64x16xf32> to !hopper.fragment<64x16xf32>
  return
}

// -----

func.func @conv1(%f: !hopper.fragment<64x16xf32>) {
  // expected-error @+1 {{(CONV1) converts between f32 and 16-bit matrices of one shape}}
  %v = hopper.truncate %f : !hopper.fragment<64x16xf32> to !hopper.fragment<64x32xbf16>
  return
}

// -----

func.func @hilo1(%t: !hopper.shared<128xi32, linear>) {
  // expected-error @+1 {{(HILO1) the table is linear, 64 i32}}
  %v = hopper.load_hilo %t : !hopper.shared<128xi32, linear>
  return
}

// -----

func.func @hilo2(%f: !hopper.fragment<64x16xbf16>, %w: vector<16xi32>) {
  // expected-error @+1 {{(HILO2) scales a packed 64x64 matrix}}
  %v = hopper.scale_hilo %f by %w : !hopper.fragment<64x16xbf16> to !hopper.fragment<64x16xbf16>
  return
}

// -----

func.func @hilo3(%t: !hopper.shared<64xi32, linear>, %v: f32) {
  // expected-error @+1 {{(HILO3) the element is bf16 or f16}}
  hopper.store_hilo %v, %v to %t as f32 : !hopper.shared<64xi32, linear>
  return
}

// -----

func.func @wgmma2_elements(%a: !hopper.fragment<64x64xbf16>, %b: !hopper.shared<64x64xf16>) {
  // expected-error @+1 {{(WGMMA2) b is one swizzled tile of 'bf16'}}
  %v = hopper.wgmma %a, %b : !hopper.fragment<64x64xbf16>, !hopper.shared<64x64xf16> -> !hopper.inflight<64x64xf32>
  return
}

// -----

func.func @glob1(%p: !llvm.ptr<1>) {
  // expected-error @+1 {{(GLOB1) moves f32 matrices, or in row_major order rows vectors}}
  %v = hopper.global_load %p fragment of f32 : !llvm.ptr<1> to !hopper.fragment<64xf32, rows>
  return
}

// -----

func.func @glob2(%p: !llvm.ptr<1>) {
  // expected-error @+1 {{(GLOB2) stored elements are floats, f32 in fragment order}}
  %v = hopper.global_load %p fragment of bf16 : !llvm.ptr<1> to !hopper.fragment<64x64xf32>
  return
}

// -----

func.func @glob3_order(%p: !llvm.ptr<1>, %rows: i32) {
  // expected-error @+1 {{(GLOB3) bounds and pitch are of row_major order}}
  %v = hopper.global_load %p fragment of f32 rows %rows : !llvm.ptr<1> to !hopper.fragment<64x64xf32>
  return
}

// -----

func.func @glob3_columns(%p: !llvm.ptr<1>) {
  // expected-error @+1 {{(GLOB3) columns are a multiple of 8 of a matrix}}
  %v = hopper.global_load %p row_major of f32 columns 20 : !llvm.ptr<1> to !hopper.fragment<64x64xf32>
  return
}

// -----

func.func @glob3_pitch(%p: !llvm.ptr<1>, %s: !hopper.fragment<64x64xf32>) {
  // expected-error @+1 {{(GLOB3) columns are a multiple of 8 of a matrix, and the pitch is even and no less}}
  hopper.global_store %s to %p row_major of f32 columns 64 pitch 48 : !hopper.fragment<64x64xf32> to !llvm.ptr<1>
  return
}

// -----

func.func @kern1(%x: tensor<1x64x4x8xf32>, %b: tensor<1x64x1x16xf32>, %s: tensor<1x4x8x16xf32>) {
  // expected-error @+1 {{(KERN1) 'hopper.kernel' is a string, the name of a kernel}}
  %0:2 = ssd.mix {hopper.kernel = 2 : i64} ins(%x, %b, %b : tensor<1x64x4x8xf32>, tensor<1x64x1x16xf32>, tensor<1x64x1x16xf32>)
      outs(%x, %s : tensor<1x64x4x8xf32>, tensor<1x4x8x16xf32>)
  return
}

// -----

func.func @kern3(%x: tensor<1x64x4x8xf32>, %b: tensor<1x64x1x16xf32>, %s: tensor<1x4x8x16xf32>) {
  // expected-error @+1 {{(KERN3) 'hopper.stages' is a #hopper.stages}}
  %0:2 = ssd.mix {hopper.stages = 2 : i64} ins(%x, %b, %b : tensor<1x64x4x8xf32>, tensor<1x64x1x16xf32>, tensor<1x64x1x16xf32>)
      outs(%x, %s : tensor<1x64x4x8xf32>, tensor<1x4x8x16xf32>)
  return
}

// -----

// expected-error @+1 {{(STAG1) a ring has 1 to 16 stages, not 0}}
func.func private @stag1() attributes {stages = #hopper.stages<maps = 2, x = 0, tables = 4, scores = 2, y = 2>}

// -----

// expected-error @+1 {{(STAG1) a ring has 1 to 16 stages, not 17}}
func.func private @stag1_many() attributes {stages = #hopper.stages<maps = 2, x = 3, tables = 17, scores = 2, y = 2>}

// -----

// expected-error @+1 {{(KERN2) 'hopper.stages' is an attribute of ssd.mix and ssd.step only}}
func.func private @kern2_stages() attributes {hopper.stages = #hopper.stages<maps = 2, x = 3, tables = 4, scores = 2, y = 2>}

// -----

// expected-error @+1 {{(KERN2) 'hopper.kernel' is an attribute of ssd.mix and ssd.step only}}
func.func private @kern2() attributes {hopper.kernel = "chunked"}

// -----

// expected-error @+1 {{(KERN2) 'hopper.kernel' is an attribute of ssd.mix and ssd.step only}}
func.func private @kern2_argument(tensor<4xf32> {hopper.kernel = "chunked"})

// -----

// expected-error @+1 {{(KERN2) 'hopper.kernel' is an attribute of ssd.mix and ssd.step only}}
func.func private @kern2_result() -> (tensor<4xf32> {hopper.kernel = "chunked"})

// -----

// expected-error @+1 {{(CURS1) }}
func.func private @type_curs1(!hopper.cursor<0>)

// -----

// expected-error @+1 {{(CURS1) }}
func.func private @type_curs1_many(!hopper.cursor<17>)

// -----

func.func @splat1(%v: f32) {
  // expected-error @+1 {{(SPLAT1) elements are f32; truncate the fragment for others}}
  %f = hopper.splat %v : !hopper.fragment<64x64xbf16>
  return
}
