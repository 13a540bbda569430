//===- SSDDialect.td - The ssd dialect ---*- tablegen -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_DIALECT
#define SSD_DIALECT

include "mlir/IR/OpBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/AttrTypeBase.td"

def SSD_Dialect : Dialect {
  let name = "ssd";
  let cppNamespace = "::ssd";
  let summary = "Semiseparable sequence mixers";
  let description = [{
    Sequence mixers whose token-mixing matrix is semiseparable, after the
    structured state space duality of Mamba-2 (Dao and Gu, arXiv:2405.21060).
    For each batch b and head h a state S of P×N values obeys

        S_t = A_t · S_{t-1} + s_t · x_t b_tᵀ
        y_t = S_t c_t                            log A_t = decay_t · rate

    `ssd.mix` says *what* is computed. Its `form` attribute says *how*:
    token by token, chunk by chunk or as one masked matrix product. All forms
    are the same function. The dialect knows no target: `ssd-choose-
    decomposition` fills the form, `ssd-decompose` and the lowerings read it.

    Operands of one sequence follow one order: B batch, L length, H heads (in G
    groups of R = H/G), P head dimension, N state dimension.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect"
  ];
  let useDefaultAttributePrinterParser = 1;
  let extraClassDeclaration = [{
    void registerAttributes();
    /// On a module: a sequence's results may not depend on its batch.
    static constexpr ::llvm::StringLiteral kBatchInvariantAttr =
        "ssd.batch_invariant";
  }];
}

class SSD_Op<string mnemonic, list<Trait> traits = []>
    : Op<SSD_Dialect, mnemonic, traits>;

class SSD_Attr<string name, string mnemonic_, list<Trait> traits = []>
    : AttrDef<SSD_Dialect, name, traits> {
  let mnemonic = mnemonic_;
}

#endif // SSD_DIALECT
