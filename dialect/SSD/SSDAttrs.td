//===- SSDAttrs.td - Attributes of the ssd dialect ---*- tablegen -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_ATTRS
#define SSD_ATTRS

include "dialect/SSD/SSDDialect.td"
include "dialect/SSD/SSDInterfaces.td"

//===----------------------------------------------------------------------===//
// Enumerations
//===----------------------------------------------------------------------===//

def SSD_Direction : I32EnumAttr<"Direction",
    "order in which a mixer reads its sequence", [
      I32EnumAttrCase<"forward", 0>, I32EnumAttrCase<"reverse", 1>]> {
  let cppNamespace = "::ssd";
  let genSpecializedAttr = 0;
}
def SSD_DirectionAttr : EnumAttr<SSD_Dialect, SSD_Direction, "direction">;

def SSD_Activation : I32EnumAttr<"Activation",
    "function applied to each output", [
      I32EnumAttrCase<"none", 0>, I32EnumAttrCase<"silu", 1>]> {
  let cppNamespace = "::ssd";
  let genSpecializedAttr = 0;
}
def SSD_ActivationAttr : EnumAttr<SSD_Dialect, SSD_Activation, "activation">;

def SSD_Gate : I32EnumAttr<"Gate",
    "where the gate of a normalisation is applied", [
      I32EnumAttrCase<"none", 0>, I32EnumAttrCase<"before", 1>,
      I32EnumAttrCase<"after", 2>]> {
  let cppNamespace = "::ssd";
  let genSpecializedAttr = 0;
}
def SSD_GateAttr : EnumAttr<SSD_Dialect, SSD_Gate, "gate">;

//===----------------------------------------------------------------------===//
// Forms
//===----------------------------------------------------------------------===//

class SSD_Form<string name, string mnemonic_>
    : SSD_Attr<name, mnemonic_, [
        DeclareAttrInterfaceMethods<SSD_FormInterface>]>;

def SSD_RecurrentAttr : SSD_Form<"Recurrent", "recurrent"> {
  let summary = "token by token";
  let description = [{
    S_t = A_t S_{t-1} + s_t x_t b_tᵀ, y_t = S_t c_t, in this order: 5·P·N
    operations a token and head, no parallelism along the sequence. The
    definition of the mixer; the form for decode and for diagonal decays.

    ```mlir
    #ssd.recurrent
    ```
  }];
}

def SSD_ChunkedAttr : SSD_Form<"Chunked", "chunked"> {
  let summary = "chunk by chunk, quadratic inside";
  let description = [{
    Tokens in chunks of Q: inside a chunk the quadratic form, between chunks the
    state (arXiv:2405.21060, section 6). Linear in L and nearly all matrix
    products.

    ```mlir
    #ssd.chunked<chunk = 128>
    #ssd.chunked<chunk = 128, parts = 4>
    #ssd.chunked<chunk = 128, tasks = 16>
    ```

    With `parts` = K the sequence is cut into K parts of whole chunks, which are
    parallel: their local final states, `ssd.state_pass` over these, and then
    the parts from their true initial states. A third to two thirds more work,
    for where a batch has fewer heads than there are workers. With `tasks` = T the
    batch decides, when it is known: K = ⌊T / (B·H)⌋, and one part where that is
    less than two.

    On a GPU, `chunk` is a hint that nothing follows: kernels have chunks of 64
    tokens (a remark says so where the attribute has another). `parts` holds
    there too, and 1, the default, never cuts a sequence; with `tasks` the
    launch cuts for the GPU's multiprocessors, as without a form.

    Errors: (CHUNK1) `chunk` is positive; (CHUNK2) `parts` is positive; (CHUNK3)
    `tasks` is not negative, and 0, no tasks, beside `parts` other than 1.
  }];
  let parameters = (ins "int64_t":$chunk,
                        DefaultValuedParameter<"int64_t", "1">:$parts,
                        DefaultValuedParameter<"int64_t", "0">:$tasks);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def SSD_QuadraticAttr : SSD_Form<"Quadratic", "quadratic"> {
  let summary = "one masked matrix product";
  let description = [{
    y = (M ∘ C Bᵀ) X with M_ij = s_j ∏_{k=j+1..i} A_k for j ≤ i, plus what the
    initial state adds (arXiv:2405.21060, equation 16): L² work, all of it in
    matrix products. Scores are tiled, so memory stays linear in L. On a GPU
    chunked kernels compute it: within a chunk of 64 tokens its form is this one,
    beyond that it carries a state (a remark says so).

    ```mlir
    #ssd.quadratic
    ```
  }];
}

def SSD_DispatchAttr : SSD_Attr<"Dispatch", "dispatch"> {
  let summary = "a form for each range of lengths";
  let description = [{
    Where the length is known only at run time: the first case whose bound is at
    least the length decides, the last form serves all longer ones. Evaluated
    once per mixer and call.

    ```mlir
    #ssd.dispatch<[1 : #ssd.recurrent, 64 : #ssd.quadratic], #ssd.chunked<chunk = 128>>
    ```

    Errors: (DISPATCH1) bounds increase; (DISPATCH2) there is one bound for each
    form but the last; (DISPATCH3) a case is itself no dispatch.
  }];
  let parameters = (ins
    ArrayRefParameter<"int64_t", "inclusive upper bounds of L">:$bounds,
    ArrayRefParameter<"::mlir::Attribute", "one more form than bounds">:$forms);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def SSD_AnyForm : AttrConstraint<
  Or<[CPred<"::llvm::isa<::ssd::FormInterface>($_self)">,
      CPred<"::llvm::isa<::ssd::DispatchAttr>($_self)">]>,
  "a form (#ssd.recurrent, #ssd.chunked, #ssd.quadratic or #ssd.dispatch)">;
def SSD_FormAttr : Attr<SSD_AnyForm.predicate, SSD_AnyForm.summary> {
  let storageType = "::mlir::Attribute";
  let returnType = "::mlir::Attribute";
  let convertFromStorage = "$_self";
}

#endif // SSD_ATTRS
