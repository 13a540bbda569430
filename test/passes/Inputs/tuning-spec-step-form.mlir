// Read by apply-tuning-spec-kernel.mlir.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%module: !transform.any_op {transform.readonly}) {
    %steps = transform.structured.match ops{["ssd.step"]} in %module : (!transform.any_op) -> !transform.any_op
    %form = transform.param.constant #ssd.recurrent -> !transform.any_param
    transform.annotate %steps "form" = %form : !transform.any_op, !transform.any_param
    transform.yield
  }
}
