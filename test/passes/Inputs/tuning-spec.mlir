// Read by apply-tuning-spec.mlir.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%module: !transform.any_op {transform.readonly}) {
    %long = transform.structured.match ops{["ssd.mix"]} attributes {heads = 4 : i64, length = 64 : i64, element = f32} in %module
        : (!transform.any_op) -> !transform.any_op
    %chunks = transform.param.constant #ssd.chunked<chunk = 32> -> !transform.any_param
    transform.annotate %long "form" = %chunks : !transform.any_op, !transform.any_param
    transform.yield
  }
}
