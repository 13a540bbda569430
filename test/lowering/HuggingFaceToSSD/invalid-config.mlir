// Configurations that are refused, each with the field, its value and what was
// expected of it.
// DEFINE: %{edit} = python3 %S/Inputs/edit_checkpoint.py %S/../../models/mamba2-plain %t/model
// DEFINE: %{import} = not ssd-translate --import-huggingface %t/model 2>&1
// DEFINE: %{check} = FileCheck %s --implicit-check-not=error: --check-prefix

// RUN: rm -rf %t && mkdir -p %t/empty
// RUN: not ssd-translate --import-huggingface %t/empty 2>&1 | %{check}=ABSENT
// ABSENT: cannot open input file '{{.*}}empty/config.json': No such file or directory

// RUN: echo '{"model_type": "mamba2",' > %t/empty/config.json
// RUN: not ssd-translate --import-huggingface %t/empty 2>&1 | %{check}=SYNTAX
// SYNTAX: config.json:1:1: error: not JSON: [2:0, byte=25]: Expected object key

// RUN: echo '["mamba2"]' > %t/empty/config.json
// RUN: not ssd-translate --import-huggingface %t/empty 2>&1 | %{check}=LIST
// LIST: config.json:1:1: error: expected a JSON object

// RUN: python3 -c "print('[' * 100000)" > %t/empty/config.json
// RUN: not ssd-translate --import-huggingface %t/empty 2>&1 | %{check}=DEEP
// DEEP: config.json:1:1: error: not JSON: nested deeper than 64 levels

// RUN: echo '{"d_model": 768, "ssm_cfg": {"layer": "Mamba2"}}' > %t/empty/config.json
// RUN: not ssd-translate --import-huggingface %t/empty 2>&1 | %{check}=ORIGINAL
// ORIGINAL: config.json:1:18: error: an original state-spaces checkpoint: convert it with transformers' convert_mamba2_ssm_checkpoint_to_pytorch.py

// RUN: %{edit} model_type-
// RUN: %{import} | %{check}=NO-TYPE
// NO-TYPE: error: 'model_type' is missing, expected "mamba2"

// RUN: %{edit} model_type=\"llama\"
// RUN: %{import} | %{check}=TYPE
// TYPE: config.json:{{[0-9]+}}:3: error: 'model_type' is "llama", expected "mamba2"

// RUN: %{edit} model_type=2
// RUN: %{import} | %{check}=TYPE-TYPE
// TYPE-TYPE: error: 'model_type' is 2, expected a string

// RUN: %{edit} num_heads=0
// RUN: %{import} | %{check}=SIZE
// SIZE: config.json:{{[0-9]+}}:3: error: 'num_heads' is 0, expected an integer from 1 to 16777216

// RUN: %{edit} vocab_size=-5
// RUN: %{import} | %{check}=NEGATIVE
// NEGATIVE: error: 'vocab_size' is -5, expected an integer from 1 to 16777216

// RUN: %{edit} state_size=99999999999
// RUN: %{import} | %{check}=HUGE
// HUGE: error: 'state_size' is 99999999999, expected an integer from 1 to 16777216

// RUN: %{edit} head_dim=\"32\"
// RUN: %{import} | %{check}=STRING
// STRING: error: 'head_dim' is "32", expected an integer from 1 to 16777216

// RUN: %{edit} conv_kernel=3.5
// RUN: %{import} | %{check}=FRACTION
// FRACTION: error: 'conv_kernel' is 3.5, expected an integer from 1 to 16777216

// RUN: %{edit} num_hidden_layers=null
// RUN: %{import} | %{check}=NULL
// NULL: error: 'num_hidden_layers' is null, expected an integer from 1 to 16777216

// RUN: %{edit} use_bias=1
// RUN: %{import} | %{check}=BOOL
// BOOL: error: 'use_bias' is 1, expected true or false

// RUN: %{edit} layer_norm_epsilon=-1
// RUN: %{import} | %{check}=NUMBER
// NUMBER: error: 'layer_norm_epsilon' is -1, expected a finite number that is not negative

// RUN: %{edit} layer_norm_epsilon=NaN
// RUN: %{import} | %{check}=NAN
// NAN: error: 'layer_norm_epsilon' is {"__float__":"NaN"}, expected a finite number that is not negative

// RUN: %{edit} "time_step_limit=[0.5, 0.1]"
// RUN: %{import} | %{check}=LIMIT
// LIMIT: error: 'time_step_limit' is [0.5,0.{{1|10000000000000001}}], expected two numbers, the first at most the second

// RUN: %{edit} "time_step_limit=[0]"
// RUN: %{import} | %{check}=PAIR
// PAIR: error: 'time_step_limit' is [0], expected two numbers, the first at most the second

// RUN: %{edit} eos_token_id=\"end\"
// RUN: %{import} | %{check}=TOKEN
// TOKEN: error: 'eos_token_id' is "end", expected a token id, a list of token ids or null

// RUN: %{edit} "bos_token_id=[1]"
// RUN: %{import} | %{check}=TOKENS
// TOKENS: error: 'bos_token_id' is [1], expected a token id or null

// RUN: %{edit} hidden_act=\"gelu\"
// RUN: %{import} | %{check}=ACT
// ACT: error: 'hidden_act' is "gelu", expected "silu" or "swish"

// RUN: %{edit} rms_norm=false
// RUN: %{import} | %{check}=RMS
// RMS: error: 'rms_norm' is false, expected true

// RUN: %{edit} expand=3
// RUN: %{import} | %{check}=EXPAND
// EXPAND: error: 'expand' * 'hidden_size' is 3 * 64 = 192, expected 'num_heads' * 'head_dim' = 4 * 32 = 128

// RUN: %{edit} n_groups=3
// RUN: %{import} | %{check}=GROUPS
// GROUPS: error: 'n_groups' is 3, expected a divisor of 'num_heads' = 4
