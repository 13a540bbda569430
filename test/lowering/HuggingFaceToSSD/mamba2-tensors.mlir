// What tensors a checkpoint may store, in which files.
// DEFINE: %{edit} = python3 %S/Inputs/edit_checkpoint.py %S/../../models/mamba2-plain
// DEFINE: %{import} = ssd-translate --import-huggingface

// Tied, and only one of the two tables is stored: it serves as both.
// RUN: %{edit} %t/tied tie_word_embeddings=true @lm_head.weight-
// RUN: %{import} %t/tied | FileCheck %s --check-prefix=TIED
// TIED-LABEL: func.func @logits(
// TIED-SAME: %[[TABLE:[a-z0-9]+]]: tensor<211x64xf32> {ssd.param = "backbone.embeddings.weight"}
// TIED-NOT: lm_head
// TIED: linalg.generic {{.*}} ins(%{{.*}}, %[[TABLE]] : tensor<?x64xf32>, tensor<211x64xf32>)

// RUN: %{edit} %t/head tie_word_embeddings=true @backbone.embeddings.weight-
// RUN: %{import} %t/head | FileCheck %s --check-prefix=SWAPPED
// SWAPPED-LABEL: func.func @logits(
// SWAPPED-SAME: %[[TABLE:[a-z0-9]+]]: tensor<211x64xf32> {ssd.param = "lm_head.weight"}
// SWAPPED-NOT: embeddings
// SWAPPED: linalg.generic {{.*}} ins(%{{.*}}, %[[TABLE]] : tensor<?x64xf32>, tensor<211x64xf32>)

// Tied but both stored: transformers does not tie tables that differ.
// RUN: %{edit} %t/both tie_word_embeddings=true
// RUN: %{import} %t/both | FileCheck %s --check-prefix=BOTH
// BOTH-LABEL: func.func @logits(
// BOTH-SAME: "backbone.embeddings.weight"
// BOTH-SAME: %[[OUTPUT:[a-z0-9]+]]: tensor<211x64xf32> {ssd.param = "lm_head.weight"}
// BOTH: linalg.generic {{.*}} ins(%{{.*}}, %[[OUTPUT]] : tensor<?x64xf32>, tensor<211x64xf32>)

// The name that converted checkpoints may still have.
// RUN: %{edit} %t/old @backbone.embeddings.weight- @backbone.embedding.weight=F32:211,64
// RUN: %{import} %t/old | FileCheck %s --check-prefix=OLD
// OLD: ssd.param = "backbone.embedding.weight"

// A layer whose parameters are of other types has a function of its own.
// RUN: %{edit} %t/mixed num_hidden_layers=2 @backbone.layers.1.mixer.D=F16:4
// RUN: %{import} %t/mixed --mlir-print-debuginfo | FileCheck %s --check-prefix=MIXED
// MIXED-LABEL: func.func private @mamba2_sequence_0(
// MIXED-LABEL: func.func private @mamba2_sequence_1(
// MIXED-LABEL: func.func private @mamba2_token_0(
// MIXED-LABEL: func.func private @mamba2_token_1(
// MIXED-LABEL: func.func @logits(
// MIXED: call @mamba2_sequence_0(
// MIXED: call @mamba2_sequence_1(
// MIXED-DAG: loc("backbone.layers.0.mixer.D")
// MIXED-DAG: loc("backbone.layers.1.mixer.D")

// Tensors that are not the model's do not disturb.
// RUN: %{edit} %t/extra @optimizer.step=I32:1
// RUN: %{import} %t/extra | FileCheck %s --check-prefix=EXTRA
// EXTRA-NOT: optimizer
// EXTRA: func.func @step(

// Shards: one file per layer and one for the rest, in an index.
// RUN: %{edit} %t/one
// RUN: python3 %S/Inputs/shard_checkpoint.py %t/one %t/shards
// RUN: %{import} %t/one > %t/one.mlir
// RUN: %{import} %t/shards | diff - %t/one.mlir
