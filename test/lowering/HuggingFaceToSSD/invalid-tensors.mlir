// Weights that are refused: not the configuration's, or not to be trusted.
// DEFINE: %{edit} = python3 %S/Inputs/edit_checkpoint.py %S/../../models/mamba2-plain %t/model
// DEFINE: %{import} = not ssd-translate --import-huggingface %t/model 2>&1
// DEFINE: %{check} = FileCheck %s --implicit-check-not=error: --check-prefix

// RUN: rm -rf %t
// RUN: %{edit} @backbone.layers.1.mixer.D-
// RUN: %{import} | %{check}=MISSING
// MISSING: error: '{{.*}}model.safetensors' has no tensor 'backbone.layers.1.mixer.D', expected one of shape [4]

// RUN: %{edit} @lm_head.weight-
// RUN: %{import} | %{check}=HEAD
// HEAD: error: '{{.*}}' has no tensor 'lm_head.weight', expected one of shape [211, 64]

// RUN: %{edit} @backbone.layers.0.mixer.conv1d.weight=F32:160,4
// RUN: %{import} | %{check}=SHAPE
// SHAPE: error: '{{.*}}' has tensor 'backbone.layers.0.mixer.conv1d.weight' of shape [160, 4], expected [160, 1, 4]

// RUN: %{edit} @backbone.norm_f.weight=I32:64
// RUN: %{import} | %{check}=INTEGER
// INTEGER: error: '{{.*}}' has tensor 'backbone.norm_f.weight' of I32, expected F32, BF16 or F16

// RUN: %{edit} @backbone.norm_f.weight=F64:64
// RUN: %{import} | %{check}=DOUBLE
// DOUBLE: error: '{{.*}}' has tensor 'backbone.norm_f.weight' of F64, expected F32, BF16 or F16

// A bias that the configuration does not have, a layer more, another mixer.
// RUN: %{edit} @backbone.layers.0.mixer.in_proj.bias=F32:292
// RUN: %{import} | %{check}=BIAS
// BIAS: error: '{{.*}}' has tensor 'backbone.layers.0.mixer.in_proj.bias', which the model of its config.json does not have

// RUN: %{edit} num_hidden_layers=1
// RUN: %{import} | %{check}=LAYERS
// LAYERS: error: '{{.*}}' has tensor 'backbone.layers.1.mixer.A_log', which the model of its config.json does not have

// RUN: %{edit} @backbone.layers.0.mixer.x_proj.weight=F32:36,128
// RUN: %{import} | %{check}=MIXER
// MIXER: error: '{{.*}}' has tensor 'backbone.layers.0.mixer.x_proj.weight', which the model of its config.json does not have

// Files that lie about themselves.
// RUN: %{edit}
// RUN: truncate -s 5 %t/model/model.safetensors
// RUN: %{import} | %{check}=SHORT
// SHORT: error: '{{.*}}model.safetensors' is truncated: 5 bytes hold no header

// RUN: %{edit}
// RUN: truncate -s 1000 %t/model/model.safetensors
// RUN: %{import} | %{check}=HEADER
// HEADER: error: '{{.*}}' is truncated or no safetensors file: its header claims {{[0-9]+}} bytes, the file has 1000

// RUN: python3 -c "print('\377' * 64)" > %t/model/model.safetensors
// RUN: %{import} | %{check}=CLAIM
// CLAIM: error: '{{.*}}' is truncated or no safetensors file: its header claims {{[0-9]+}} bytes, the file has

// RUN: %{edit}
// RUN: truncate -s -4 %t/model/model.safetensors
// RUN: %{import} | %{check}=DATA
// DATA: error: '{{.*}}' tensor '{{.*}}' lies at bytes {{[0-9]+}} to 331360 of data that has 331356

// DEFINE: %{header} = python3 %S/Inputs/write_header.py %t/model/model.safetensors
// RUN: %{header} '{"a": '
// RUN: %{import} | %{check}=SYNTAX
// SYNTAX: error: '{{.*}}' has a header that is not JSON: [1:6, byte=6]: Unexpected EOF

// RUN: %{header} '[]'
// RUN: %{import} | %{check}=OBJECT
// OBJECT: error: '{{.*}}' has a header that is no JSON object

// RUN: %{header} '{"a": {"dtype": "F32", "shape": [1]}}'
// RUN: %{import} | %{check}=FIELDS
// FIELDS: error: '{{.*}}' tensor 'a' has no dtype, shape and data_offsets

// RUN: %{header} '{"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}'
// RUN: %{import} | %{check}=FIELDS

// RUN: %{header} '{"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}}'
// RUN: %{import} | %{check}=OFFSETS
// OFFSETS: error: '{{.*}}' tensor 'a' lies at bytes 4 to 0 of data that has 16

// RUN: %{header} '{"a": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}}'
// RUN: %{import} | %{check}=BYTES
// BYTES: error: '{{.*}}' tensor 'a' has shape [3] of F32 in 8 bytes

// RUN: %{header} '{"a": {"dtype": "F32", "shape": [4611686018427387904, 4], "data_offsets": [0, 0]}}'
// RUN: %{import} | %{check}=OVERFLOW
// OVERFLOW: error: '{{.*}}' tensor 'a' has shape [4611686018427387904, 4] of F32 in 0 bytes

// No weights at all, or in another format.
// RUN: rm %t/model/model.safetensors
// RUN: %{import} | %{check}=NONE
// NONE: error: '{{.*}}model' has neither model.safetensors nor model.safetensors.index.json{{$}}

// RUN: touch %t/model/pytorch_model.bin
// RUN: %{import} | %{check}=PYTORCH
// PYTORCH: error: '{{.*}}model' has neither {{.*}}; convert pytorch_model.bin by loading it with transformers and saving it again with save_pretrained

// An index that does not say where tensors are.
// DEFINE: %{index} = %t/model/model.safetensors.index.json
// RUN: echo '{' > %{index}
// RUN: %{import} | %{check}=INDEX
// INDEX: error: '{{.*}}model.safetensors.index.json' is not JSON:

// RUN: echo '{"weight_map": []}' > %{index}
// RUN: %{import} | %{check}=MAP
// MAP: error: '{{.*}}' has no object 'weight_map'

// RUN: echo '{"weight_map": {"a": "../a.safetensors"}}' > %{index}
// RUN: %{import} | %{check}=PLACE
// PLACE: error: '{{.*}}' places tensor 'a' in "../a.safetensors", expected the name of a file beside it

// RUN: echo '{"weight_map": {"a": "a.safetensors"}}' > %{index}
// RUN: %{import} | %{check}=SHARD
// SHARD: error: '{{.*}}' names shard 'a.safetensors', which cannot be read: No such file or directory

// RUN: python3 %S/Inputs/write_header.py %t/model/a.safetensors '{}'
// RUN: %{import} | %{check}=SHARD-TENSOR
// SHARD-TENSOR: error: '{{.*}}' places tensor 'a' in 'a.safetensors', which has none of this name
