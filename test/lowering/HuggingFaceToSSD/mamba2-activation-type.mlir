// Weights keep the type they are stored in; only what the mixer reads and the
// window are of the activation type; the head is the table of a tied model.
// RUN: ssd-translate --import-huggingface %S/../../models/kjv-mamba2 --dtype=f32 | FileCheck %s --check-prefixes=CHECK,F32
// RUN: ssd-translate --import-huggingface %S/../../models/kjv-mamba2 --dtype=bf16 | FileCheck %s --check-prefixes=CHECK,BF16
// RUN: ssd-translate --import-huggingface %S/../../models/kjv-mamba2 --dtype=f16 | FileCheck %s --check-prefixes=CHECK,F16

// F32: \22dtype\22:\22float32\22
// BF16: \22dtype\22:\22bfloat16\22
// F16: \22dtype\22:\22float16\22

// CHECK-LABEL: func.func private @mamba2_sequence(
// CHECK-SAME: tensor<?x?x256xf32>
// F32-SAME: tensor<?x3x640xf32>
// BF16-SAME: tensor<?x3x640xbf16>
// F16-SAME: tensor<?x3x640xf16>
// CHECK-SAME: tensor<?x8x64x64xf32>, %{{.*}}: tensor<256xbf16>, %{{.*}}: tensor<1160x256xbf16>
// CHECK: linalg.generic {{.*}} ins(%{{.*}} : tensor<?x256xf32>, tensor<1160x256xbf16>) outs(%{{.*}} : tensor<?x1160xf32>)
// CHECK-NEXT: ^bb0(%[[A:.*]]: f32, %[[B:.*]]: bf16, %[[SUM:.*]]: f32):
// CHECK-NEXT: %[[WIDE:.*]] = arith.extf %[[B]] : bf16 to f32
// CHECK-NEXT: %[[PRODUCT:.*]] = arith.mulf %[[A]], %[[WIDE]] fastmath<contract> : f32
// CHECK-NEXT: arith.addf %[[SUM]], %[[PRODUCT]] fastmath<contract> : f32
// F32-NOT: arith.truncf
// BF16: arith.truncf %{{.*}} : f32 to bf16
// BF16: ssd.causal_conv1d {{.*}} : tensor<?x?x640xbf16>, tensor<640x4xbf16>) {{.*}} outs({{.*}} : tensor<?x?x640xbf16>, tensor<?x3x640xbf16>)
// F16: ssd.causal_conv1d {{.*}} : tensor<?x?x640xf16>, tensor<640x4xbf16>) {{.*}} outs({{.*}} : tensor<?x?x640xf16>, tensor<?x3x640xf16>)
// CHECK: ssd.discretize {{.*}} : tensor<?x?x8xf32>) bias({{.*}} : tensor<8xbf16>)
// BF16: ssd.mix ins({{.*}} : tensor<?x?x8x64xbf16>, tensor<?x?x1x64xbf16>, {{.*}} outs({{.*}} : tensor<?x?x8x64xf32>, tensor<?x8x64x64xf32>)
// CHECK: ssd.rms_norm {{.*}} : tensor<?x?x512xf32>, tensor<512xbf16>) gate({{.*}} : tensor<?x?x512xf32>) outs({{.*}} : tensor<?x?x512xf32>)

// CHECK-LABEL: func.func @logits(
// CHECK-SAME: %[[TABLE:[a-z0-9]+]]: tensor<1024x256xbf16> {ssd.param = "backbone.embeddings.weight"}
// CHECK-NOT: lm_head
// CHECK: %[[ENTRY:.*]] = tensor.extract %[[TABLE]][
// CHECK-NEXT: arith.extf %[[ENTRY]] : bf16 to f32
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %[[TABLE]] : tensor<?x256xf32>, tensor<1024x256xbf16>)
