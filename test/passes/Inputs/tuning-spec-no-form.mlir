// Read by apply-tuning-spec-invalid.mlir.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%module: !transform.any_op {transform.readonly}) {
    %mixers = transform.structured.match ops{["ssd.mix"]} in %module : (!transform.any_op) -> !transform.any_op
    %form = transform.param.constant 64 : i64 -> !transform.any_param
    transform.annotate %mixers "form" = %form : !transform.any_op, !transform.any_param
    transform.yield
  }
}
