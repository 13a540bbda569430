// Read by apply-tuning-spec-invalid.mlir.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%module: !transform.any_op {transform.readonly}) {
    %mixers = transform.structured.match ops{["ssd.mix"]} in %module : (!transform.any_op) -> !transform.any_op
    transform.annotate %mixers "direction" : !transform.any_op
    transform.yield
  }
}
