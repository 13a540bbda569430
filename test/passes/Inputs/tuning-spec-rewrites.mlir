// Read by apply-tuning-spec-invalid.mlir: no decision, but a rewrite.
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%module: !transform.any_op {transform.readonly}) {
    transform.apply_cse to %module : !transform.any_op
    transform.yield
  }
}
