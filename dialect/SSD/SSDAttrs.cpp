//===- SSDAttrs.cpp - Forms and enumerations ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/SSD/SSDAttrs.h"

#include "dialect/SSD/SSDDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

#include "dialect/SSD/SSDAttrInterfaces.cpp.inc"
#include "dialect/SSD/SSDEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialect/SSD/SSDAttrs.cpp.inc"

namespace ssd {

void SSDDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialect/SSD/SSDAttrs.cpp.inc"
      >();
}

StringRef RecurrentAttr::getFormName() const { return getMnemonic(); }
bool RecurrentAttr::supportsDiagonalDecay() const { return true; }

StringRef ChunkedAttr::getFormName() const { return getMnemonic(); }
bool ChunkedAttr::supportsDiagonalDecay() const { return false; }

StringRef QuadraticAttr::getFormName() const { return getMnemonic(); }
bool QuadraticAttr::supportsDiagonalDecay() const { return false; }

LogicalResult
ChunkedAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                    int64_t chunk, int64_t parts, int64_t tasks) {
  if (chunk <= 0)
    return emitError() << "chunk must be positive, got " << chunk
                       << " (CHUNK1)";
  if (parts <= 0)
    return emitError() << "parts must be positive, got " << parts
                       << " (CHUNK2)";
  if (tasks < 0 || (tasks > 0 && parts != 1))
    return emitError() << "tasks must not be negative, nor beside parts, got "
                       << tasks << " beside parts = " << parts << " (CHUNK3)";
  return success();
}

LogicalResult
DispatchAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                     ArrayRef<int64_t> bounds, ArrayRef<Attribute> forms) {
  for (auto [low, high] : llvm::zip(bounds, bounds.drop_front(!bounds.empty())))
    if (low >= high)
      return emitError() << "bounds must increase, got " << low << " before "
                         << high << " (DISPATCH1)";
  if (forms.size() != bounds.size() + 1)
    return emitError() << "expected one form for each of " << bounds.size()
                       << " bounds and one more, got " << forms.size()
                       << " (DISPATCH2)";
  for (Attribute form : forms)
    if (!isa<FormInterface>(form))
      return emitError() << "a case must be a form, got " << form
                         << " (DISPATCH3)";
  return success();
}

Attribute DispatchAttr::parse(AsmParser &parser, Type) {
  SmallVector<int64_t> bounds;
  SmallVector<Attribute> forms;
  SMLoc loc = parser.getCurrentLocation();
  auto parseCase = [&]() -> ParseResult {
    if (parser.parseInteger(bounds.emplace_back()) || parser.parseColon())
      return failure();
    return parser.parseAttribute(forms.emplace_back());
  };
  if (parser.parseLess() ||
      parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseCase) ||
      parser.parseComma() || parser.parseAttribute(forms.emplace_back()) ||
      parser.parseGreater())
    return {};
  return DispatchAttr::getChecked([&] { return parser.emitError(loc); },
                                  parser.getContext(), bounds, forms);
}

void DispatchAttr::print(AsmPrinter &printer) const {
  printer << "<[";
  llvm::interleaveComma(llvm::zip(getBounds(), getForms().drop_back()), printer,
                        [&](auto item) {
                          auto [bound, form] = item;
                          printer << bound << " : " << form;
                        });
  printer << "], " << getForms().back() << ">";
}

} // namespace ssd
