//===- SSDInterfaces.td - Interfaces of the ssd dialect ---*- tablegen -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_INTERFACES
#define SSD_INTERFACES

include "mlir/IR/Interfaces.td"

def SSD_FormInterface : AttrInterface<"FormInterface"> {
  let cppNamespace = "::ssd";
  let description = [{
    A form of a mixer: one way to compute it. Forms hold data only. A pass or a
    lowering that serves a form looks it up by its attribute class; adding a
    form is one attribute, one file in passes/ and its costs in the cost model.
  }];
  let methods = [
    InterfaceMethod<"Name of the form as users write it: its mnemonic.",
      "::llvm::StringRef", "getFormName">,
    InterfaceMethod<[{
        Whether mixers with a decay per state column (decay [B, L, H, N] or
        rate [H, N]) have this form.
      }], "bool", "supportsDiagonalDecay">
  ];
}

def SSD_DecompositionInterface : AttrInterface<"DecompositionInterface"> {
  let cppNamespace = "::ssd";
  let description = [{
    How a form is expressed by loops and one-chunk ops. Attached to forms by
    passes/, one file a form, so that the dialect stays data.
  }];
  let methods = [
    InterfaceMethod<[{
        Replaces a mixer of this form, normalised by `ssd-normalize-mixers`, by
        loops over stage ops or `ssd.step`.
      }],
      "::llvm::LogicalResult", "decompose",
      (ins "::mlir::RewriterBase &":$rewriter, "::mlir::Operation *":$mixer,
           "const ::ssd::DecompositionOptions &":$options)>
  ];
}

#endif // SSD_INTERFACES
