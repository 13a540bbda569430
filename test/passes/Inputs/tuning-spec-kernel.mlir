// Read by apply-tuning-spec-kernel.mlir.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%module: !transform.any_op {transform.readonly}) {
    %mixers = transform.structured.match ops{["ssd.mix"]} attributes {heads = 4 : i64, length = 64 : i64} in %module
        : (!transform.any_op) -> !transform.any_op
    %single = transform.param.constant "chunked_single" -> !transform.any_param
    transform.annotate %mixers "hopper.kernel" = %single : !transform.any_op, !transform.any_param
    %stages = transform.param.constant #hopper.stages<maps = 2, x = 2, tables = 4, scores = 2, y = 2> -> !transform.any_param
    transform.annotate %mixers "hopper.stages" = %stages : !transform.any_op, !transform.any_param
    %steps = transform.structured.match ops{["ssd.step"]} attributes {heads = 4 : i64, groups = 1 : i64, head_dim = 8 : i64, state_dim = 16 : i64, element = f32} in %module
        : (!transform.any_op) -> !transform.any_op
    %plain = transform.param.constant "recurrent" -> !transform.any_param
    transform.annotate %steps "hopper.kernel" = %plain : !transform.any_op, !transform.any_param
    transform.yield
  }
}
