// Every field of the configuration that changes results.
// DEFINE: %{edit} = python3 %S/Inputs/edit_checkpoint.py %S/../../models/mamba2-plain
// DEFINE: %{import} = ssd-translate --import-huggingface

// RUN: %{edit} %t/bias use_bias=true @backbone.layers.N.mixer.in_proj.bias=F32:292 @backbone.layers.N.mixer.out_proj.bias=F32:64
// RUN: %{import} %t/bias | FileCheck %s --check-prefix=BIAS
// BIAS-LABEL: @mamba2_sequence(
// BIAS-SAME: %[[IN_BIAS:[a-z0-9]+]]: tensor<292xf32>, %[[OUT_BIAS:[a-z0-9]+]]: tensor<64xf32>)
// BIAS: linalg.generic {{.*}} ins(%[[IN_BIAS]] : tensor<292xf32>) outs(%{{.*}} : tensor<?x?x292xf32>)
// BIAS: arith.addf
// BIAS: linalg.generic {{.*}} ins(%[[OUT_BIAS]] : tensor<64xf32>) outs(%{{.*}} : tensor<?x?x64xf32>)

// RUN: %{edit} %t/conv use_conv_bias=false @backbone.layers.N.mixer.conv1d.bias-
// RUN: %{import} %t/conv | FileCheck %s --check-prefix=CONV
// CONV-LABEL: @mamba2_sequence(
// CONV: ssd.causal_conv1d
// CONV-NOT: bias(
// CONV: ssd.discretize {{.*}} bias(

// Two groups share b and c in two heads each; the projection is wider.
// RUN: %{edit} %t/groups n_groups=2 @backbone.layers.N.mixer.in_proj.weight=F32:324,64 @backbone.layers.N.mixer.conv1d.weight=F32:192,1,4 @backbone.layers.N.mixer.conv1d.bias=F32:192
// RUN: %{import} %t/groups | FileCheck %s --check-prefix=GROUPS
// GROUPS-LABEL: @mamba2_sequence(
// GROUPS-SAME: tensor<?x3x192xf32>
// GROUPS: tensor.extract_slice %{{.*}}[0, 0, 320] [{{.*}}, 4]
// GROUPS: tensor.extract_slice %{{.*}}[0, 0, 128] [{{.*}}, 32]
// GROUPS: tensor.extract_slice %{{.*}}[0, 0, 160] [{{.*}}, 32]
// GROUPS: ssd.mix ins({{.*}} : tensor<?x?x4x32xf32>, tensor<?x?x2x16xf32>, tensor<?x?x2x16xf32>)

// A tap more: a longer window.
// RUN: %{edit} %t/kernel conv_kernel=5 @backbone.layers.N.mixer.conv1d.weight=F32:160,1,5
// RUN: %{import} %t/kernel | FileCheck %s --check-prefix=KERNEL
// KERNEL: ssd.causal_conv1d {{.*}} tensor<160x5xf32>) {{.*}} tensor<?x4x160xf32>)

// RUN: %{edit} %t/limit "time_step_limit=[0.001, 0.5]"
// RUN: %{import} %t/limit | FileCheck %s --check-prefix=LIMIT
// LIMIT: ssd.discretize {max = 5.000000e-01 : f32, min = 1.000000e-03 : f32, softplus}

// A bare Infinity, as Python writes it. Softplus is never negative: no limits.
// RUN: %{edit} %t/infinity "time_step_limit=[-Infinity, Infinity]"
// RUN: grep -q -- -Infinity %t/infinity/config.json
// RUN: %{import} %t/infinity | FileCheck %s --check-prefix=INFINITY
// INFINITY: ssd.discretize {softplus}

// RUN: %{edit} %t/epsilon layer_norm_epsilon=0.5 hidden_act=\"swish\"
// RUN: %{import} %t/epsilon | FileCheck %s --check-prefix=EPSILON
// EPSILON-COUNT-2: ssd.rms_norm {epsilon = 5.000000e-01 : f32
// EPSILON-LABEL: @logits
// EPSILON: ssd.rms_norm {epsilon = 5.000000e-01 : f32

// RUN: %{edit} %t/residual residual_in_fp32=false
// RUN: %{import} %t/residual --dtype=bf16 | FileCheck %s --check-prefix=RESIDUAL
// RESIDUAL-LABEL: @mamba2_sequence(
// RESIDUAL-SAME: %[[HIDDEN:[a-z0-9]+]]: tensor<?x?x64xbf16>
// RESIDUAL: linalg.generic {{.*}} outs(%[[HIDDEN]] : tensor<?x?x64xbf16>) {
// RESIDUAL-NEXT: ^bb0(%[[UPDATE:.*]]: f32, %[[OLD:.*]]: bf16):
// RESIDUAL-NEXT: %[[WIDE:.*]] = arith.extf %[[OLD]] : bf16 to f32
// RESIDUAL-NEXT: %[[SUM:.*]] = arith.addf %[[WIDE]], %[[UPDATE]] : f32
// RESIDUAL-NEXT: arith.truncf %[[SUM]] : f32 to bf16

// Defaults of transformers' Mamba2Config, which configurations leave out: no
// ties, a convolution with four taps and a bias, silu, residuals in f32.
// RUN: %{edit} %t/default tie_word_embeddings- conv_kernel- use_bias- use_conv_bias- residual_in_fp32- layer_norm_epsilon- time_step_limit- hidden_act- expand- bos_token_id- eos_token_id- pad_token_id-
// RUN: %{import} %t/default > %t/default.mlir
// RUN: FileCheck %s --check-prefix=DEFAULT < %t/default.mlir
// RUN: ssd-translate --import-huggingface %S/../../models/mamba2-plain | grep -v ssd.metadata > %t/plain.mlir
// RUN: grep -v ssd.metadata %t/default.mlir | diff - %t/plain.mlir
// DEFAULT: \22bos_token_id\22:0{{.*}}\22eos_token_id\22:2{{.*}}\22pad_token_id\22:1

// Token ids may be null, and several tokens may end a text.
// RUN: %{edit} %t/tokens bos_token_id=null "eos_token_id=[2, 7]"
// RUN: %{import} %t/tokens | FileCheck %s --check-prefix=TOKENS
// TOKENS: \22bos_token_id\22:null{{.*}}\22eos_token_id\22:[2,7]
