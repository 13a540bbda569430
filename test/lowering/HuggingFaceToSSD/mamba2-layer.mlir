// The layer of a Mamba-2 model in f32, operation by operation.
// RUN: ssd-translate --import-huggingface %S/../../models/mamba2-plain | FileCheck %s

// CHECK-DAG: #[[$LHS:.*]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-DAG: #[[$RHS:.*]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-DAG: #[[$OUT:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-DAG: #[[$ALL:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
// CHECK-DAG: #[[$HEAD:.*]] = affine_map<(d0, d1, d2, d3) -> (d2)>

// CHECK-LABEL: func.func private @mamba2_sequence(
// CHECK-SAME: %[[HIDDEN:[a-z0-9]+]]: tensor<?x?x64xf32>, %[[WINDOW:[a-z0-9]+]]: tensor<?x3x160xf32>, %[[STATE:[a-z0-9]+]]: tensor<?x4x32x16xf32>,
// CHECK-SAME: %[[NORM:[a-z0-9]+]]: tensor<64xf32>, %[[IN_PROJ:[a-z0-9]+]]: tensor<292x64xf32>, %[[CONV:[a-z0-9]+]]: tensor<160x1x4xf32>,
// CHECK-SAME: %[[DT_BIAS:[a-z0-9]+]]: tensor<4xf32>, %[[A_LOG:[a-z0-9]+]]: tensor<4xf32>, %[[D:[a-z0-9]+]]: tensor<4xf32>,
// CHECK-SAME: %[[GATED_NORM:[a-z0-9]+]]: tensor<128xf32>, %[[OUT_PROJ:[a-z0-9]+]]: tensor<64x128xf32>, %[[CONV_BIAS:[a-z0-9]+]]: tensor<160xf32>)
// CHECK-SAME: -> (tensor<?x?x64xf32>, tensor<?x3x160xf32>, tensor<?x4x32x16xf32>) attributes {no_inline}

// rate = -exp(A_log)
// CHECK: %[[RATE:.*]] = linalg.generic {{.*}} ins(%[[A_LOG]] :
// CHECK: %[[EXP:.*]] = math.exp %{{.*}} : f32
// CHECK: arith.negf %[[EXP]] : f32

// CHECK: %[[NORMED:.*]] = ssd.rms_norm {epsilon = 9.99999974E-6 : f32} ins(%[[HIDDEN]], %[[NORM]] :
// CHECK: %[[ROWS:.*]] = tensor.collapse_shape %[[NORMED]] {{\[}}[0, 1], [2]]
// CHECK: %[[ZERO:.*]] = linalg.fill
// CHECK: %[[PRODUCT:.*]] = linalg.generic {indexing_maps = [#[[$LHS]], #[[$RHS]], #[[$OUT]]], iterator_types = ["parallel", "parallel", "reduction"]}
// CHECK-SAME: ins(%[[ROWS]], %[[IN_PROJ]] : tensor<?x64xf32>, tensor<292x64xf32>) outs(%[[ZERO]] : tensor<?x292xf32>)
// CHECK: arith.mulf %{{.*}} fastmath<contract> : f32
// CHECK: arith.addf %{{.*}} fastmath<contract> : f32
// CHECK: %[[PROJECTED:.*]] = tensor.expand_shape %[[PRODUCT]] {{\[}}[0, 1], [2]]

// The projection is z | x b c | dt; all of it is read in place.
// CHECK: %[[XBC:.*]] = tensor.extract_slice %[[PROJECTED]][0, 0, 128] [{{.*}}, 160]
// CHECK: %[[FILTER:.*]] = tensor.collapse_shape %[[CONV]] {{\[}}[0, 1], [2]]
// CHECK: %[[CONVOLVED:.*]]:2 = ssd.causal_conv1d {activation = #ssd<activation silu>} ins(%[[XBC]], %[[FILTER]] :
// CHECK-SAME: bias(%[[CONV_BIAS]] : tensor<160xf32>) outs(%{{.*}}, %[[WINDOW]] :
// CHECK: %[[RAW:.*]] = tensor.extract_slice %[[PROJECTED]][0, 0, 288] [{{.*}}, 4]
// CHECK: %[[DT:.*]] = ssd.discretize {softplus} ins(%[[RAW]] : {{.*}}) bias(%[[DT_BIAS]] :
// CHECK: tensor.extract_slice %[[CONVOLVED]]#0[0, 0, 0] [{{.*}}, 128]
// CHECK: %[[X:.*]] = tensor.expand_shape {{.*}} into tensor<?x?x4x32xf32>
// CHECK: tensor.extract_slice %[[CONVOLVED]]#0[0, 0, 128] [{{.*}}, 16]
// CHECK: %[[B:.*]] = tensor.expand_shape {{.*}} into tensor<?x?x1x16xf32>
// CHECK: tensor.extract_slice %[[CONVOLVED]]#0[0, 0, 144] [{{.*}}, 16]
// CHECK: %[[C:.*]] = tensor.expand_shape {{.*}} into tensor<?x?x1x16xf32>
// CHECK: %[[MIXED:.*]]:2 = ssd.mix ins(%[[X]], %[[B]], %[[C]] :
// CHECK-SAME: decay(%[[DT]] : tensor<?x?x4xf32>) rate(%[[RATE]] : tensor<4xf32>) scale(%[[DT]] :
// CHECK-SAME: outs(%{{.*}}, %[[STATE]] : tensor<?x?x4x32xf32>, tensor<?x4x32x16xf32>)

// CHECK: %[[Y:.*]] = linalg.generic {indexing_maps = [#[[$ALL]], #[[$HEAD]], #[[$ALL]]]
// CHECK-SAME: ins(%[[X]], %[[D]] : {{.*}}) outs(%[[MIXED]]#0 :
// CHECK: %[[Z:.*]] = tensor.extract_slice %[[PROJECTED]][0, 0, 0] [{{.*}}, 128]
// CHECK: %[[CHANNELS:.*]] = tensor.collapse_shape %[[Y]] {{\[}}[0], [1], [2, 3]]
// CHECK: ssd.rms_norm {epsilon = 9.99999974E-6 : f32, gate = #ssd<gate before>} ins(%[[CHANNELS]], %[[GATED_NORM]] : {{.*}}) gate(%[[Z]] :
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %[[OUT_PROJ]] : tensor<?x128xf32>, tensor<64x128xf32>)
// CHECK: %[[RESULT:.*]] = linalg.generic {{.*}} ins(%{{.*}} : tensor<?x?x64xf32>) outs(%[[HIDDEN]] :
// CHECK: return %[[RESULT]], %[[CONVOLVED]]#1, %[[MIXED]]#1

// The same for one token: only the length differs.
// CHECK-LABEL: func.func private @mamba2_token(
// CHECK-SAME: tensor<?x1x64xf32>
// CHECK: ssd.mix ins({{.*}} : tensor<?x1x4x32xf32>, tensor<?x1x1x16xf32>, tensor<?x1x1x16xf32>)
