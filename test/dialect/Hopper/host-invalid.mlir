// RUN: ssd-opt %s -split-input-file -verify-diagnostics

func.func @box_of_another_rank(%x: memref<8x64xbf16>) {
  // expected-error @+1 {{the box must have the memref's rank and element type (ENC1)}}
  %map = hopper.encode_tensor_map %x : memref<8x64xbf16> to !hopper.tensor_map<1x8x64xbf16>
  return
}

// -----

func.func @box_of_another_type(%x: memref<8x64xf16>) {
  // expected-error @+1 {{the box must have the memref's rank and element type (ENC1)}}
  %map = hopper.encode_tensor_map %x : memref<8x64xf16> to !hopper.tensor_map<8x64xbf16>
  return
}

// -----

func.func @strided_rows(%x: memref<8x64xbf16, strided<[128, 2]>>) {
  // expected-error @+1 {{the innermost stride must be 1 (ENC2)}}
  %map = hopper.encode_tensor_map %x : memref<8x64xbf16, strided<[128, 2]>> to !hopper.tensor_map<8x64xbf16>
  return
}

// -----

func.func @no_kernel() {
  // expected-error @+1 {{@scan::@scan is no kernel (HASK1)}}
  %has = hopper.has_kernel @scan::@scan
  return
}

// -----

func.func @clear_columns(%x: memref<8x64xf32, strided<[128, 1]>>) {
  // expected-error @+1 {{the memref must be contiguous (CLEAR1)}}
  hopper.clear %x : memref<8x64xf32, strided<[128, 1]>>
  return
}
