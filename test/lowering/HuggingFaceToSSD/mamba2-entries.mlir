// The three entries: their arguments, and how states run through the layers.
// RUN: ssd-translate --import-huggingface %S/../../models/mamba2-plain | FileCheck %s
// RUN: ssd-translate --import-huggingface %S/../../models/mamba2-plain/config.json | FileCheck %s

// CHECK: module attributes {ssd.metadata = "{{.*}}\22dtype\22:\22float32\22{{.*}}\22model_type\22:\22mamba2\22{{.*}}\22vocab_size\22:211}"}

// CHECK-LABEL: func.func @logits(
// CHECK-SAME: %[[IDS:[a-z0-9]+]]: tensor<?x?xi64> {ssd.dims = ["B", "L"], ssd.name = "ids", ssd.range = array<i64: 0, 210>}
// CHECK-SAME: %[[TABLE:[a-z0-9]+]]: tensor<211x64xf32> {ssd.param = "backbone.embeddings.weight"}
// CHECK-SAME: tensor<64xf32> {ssd.param = "backbone.layers.0.norm.weight"}
// CHECK-SAME: tensor<292x64xf32> {ssd.param = "backbone.layers.0.mixer.in_proj.weight"}
// CHECK-SAME: tensor<160x1x4xf32> {ssd.param = "backbone.layers.0.mixer.conv1d.weight"}
// CHECK-SAME: tensor<4xf32> {ssd.param = "backbone.layers.1.mixer.A_log"}
// CHECK-SAME: tensor<64xf32> {ssd.param = "backbone.norm_f.weight"}
// CHECK-SAME: %[[HEAD:[a-z0-9]+]]: tensor<211x64xf32> {ssd.param = "lm_head.weight"}
// CHECK-SAME: -> (tensor<?x?x211xf32> {ssd.dims = ["B", "L", ""], ssd.name = "logits"})
// CHECK: %[[EMBEDDED:.*]] = linalg.generic {{.*}} ins(%[[IDS]] :
// CHECK: tensor.extract %[[TABLE]][
// CHECK: %[[WINDOW:.*]] = linalg.fill {{.*}} -> tensor<?x3x160xf32>
// CHECK: %[[STATE:.*]] = linalg.fill {{.*}} -> tensor<?x4x32x16xf32>
// CHECK: %[[FIRST:.*]]:3 = call @mamba2_sequence(%[[EMBEDDED]], %[[WINDOW]], %[[STATE]],
// Every layer starts from zeros, in the buffers that the one before used.
// CHECK: %[[WINDOW1:.*]] = linalg.fill {{.*}} outs(%[[FIRST]]#1 :
// CHECK: %[[STATE1:.*]] = linalg.fill {{.*}} outs(%[[FIRST]]#2 :
// CHECK: %[[SECOND:.*]]:3 = call @mamba2_sequence(%[[FIRST]]#0, %[[WINDOW1]], %[[STATE1]],
// CHECK: ssd.rms_norm {{.*}} ins(%[[SECOND]]#0,
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %[[HEAD]] : tensor<?x64xf32>, tensor<211x64xf32>)
// CHECK: return %{{.*}} : tensor<?x?x211xf32>

// CHECK-LABEL: func.func @prefill(
// CHECK-SAME: tensor<?x?xi64> {ssd.dims = ["B", "L"], ssd.name = "ids"
// CHECK-SAME: %[[CONV0:[a-z0-9]+]]: tensor<?x3x160xf32> {ssd.dims = ["B", "", ""], ssd.state = "layers.0.conv"}
// CHECK-SAME: %[[SSM0:[a-z0-9]+]]: tensor<?x4x32x16xf32> {ssd.dims = ["B", "", "", ""], ssd.state = "layers.0.ssm"}
// CHECK-SAME: %[[CONV1:[a-z0-9]+]]: tensor<?x3x160xf32> {ssd.dims = ["B", "", ""], ssd.state = "layers.1.conv"}
// CHECK-SAME: %[[SSM1:[a-z0-9]+]]: tensor<?x4x32x16xf32> {ssd.dims = ["B", "", "", ""], ssd.state = "layers.1.ssm"}
// CHECK-SAME: -> (tensor<?x211xf32> {ssd.dims = ["B", ""], ssd.name = "logits"}
// CHECK-SAME: tensor<?x3x160xf32> {{{.*}}ssd.state = "layers.0.conv"}
// CHECK-SAME: tensor<?x4x32x16xf32> {{{.*}}ssd.state = "layers.1.ssm"})
// CHECK: %[[FIRST:.*]]:3 = call @mamba2_sequence(%{{.*}}, %[[CONV0]], %[[SSM0]],
// CHECK: %[[SECOND:.*]]:3 = call @mamba2_sequence(%[[FIRST]]#0, %[[CONV1]], %[[SSM1]],
// The last position, or zeros where there is none.
// CHECK: %[[LENGTH:.*]] = tensor.dim %[[SECOND]]#0, %c1
// CHECK: %[[COUNT:.*]] = arith.minsi %[[LENGTH]],
// CHECK: %[[START:.*]] = arith.subi %[[LENGTH]], %[[COUNT]]
// CHECK: %[[LAST:.*]] = tensor.extract_slice %[[SECOND]]#0[0, %[[START]], 0] [{{.*}}, %[[COUNT]], 64]
// CHECK: linalg.generic {{.*}}"reduction"]} ins(%[[LAST]] :
// CHECK: ssd.rms_norm {{.*}} : tensor<?x64xf32>, tensor<64xf32>
// CHECK: return %{{.*}}, %[[FIRST]]#1, %[[FIRST]]#2, %[[SECOND]]#1, %[[SECOND]]#2 :

// CHECK-LABEL: func.func @step(
// CHECK-SAME: %[[IDS:[a-z0-9]+]]: tensor<?xi64> {ssd.dims = ["B"], ssd.name = "ids", ssd.range = array<i64: 0, 210>}
// CHECK-SAME: ssd.state = "layers.1.ssm"
// CHECK-SAME: -> (tensor<?x211xf32> {ssd.dims = ["B", ""], ssd.name = "logits"}
// CHECK: tensor.expand_shape %[[IDS]] {{.*}} into tensor<?x1xi64>
// CHECK: call @mamba2_token(
// CHECK: call @mamba2_token(
// CHECK-NOT: call
// CHECK: tensor.collapse_shape {{.*}} : tensor<?x1x64xf32> into tensor<?x64xf32>
