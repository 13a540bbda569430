//===- HopperTypes.cpp - Types of the hopper dialect ---*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialect/Hopper/HopperDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/OpImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace ssd::hopper;

#define GET_TYPEDEF_CLASSES
#include "dialect/Hopper/HopperTypes.cpp.inc"

void HopperDialect::registerTypes() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialect/Hopper/HopperTypes.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// Shapes in assembly
//===----------------------------------------------------------------------===//

static ParseResult parseShape(AsmParser &parser,
                              SmallVectorImpl<int64_t> &shape,
                              Type &elementType) {
  return failure(parser.parseLess() ||
                 parser.parseDimensionList(shape, /*allowDynamic=*/false) ||
                 parser.parseType(elementType));
}

static void printShape(AsmPrinter &printer, ArrayRef<int64_t> shape,
                       Type elementType) {
  printer << "<";
  printer.printDimensionList(shape);
  printer << "x" << elementType;
}

//===----------------------------------------------------------------------===//
// Fragment
//===----------------------------------------------------------------------===//

Type FragmentType::parse(AsmParser &parser) {
  SmallVector<int64_t> shape;
  Type elementType;
  if (parseShape(parser, shape, elementType))
    return {};
  FragmentLayout layout = FragmentLayout::matrix;
  if (succeeded(parser.parseOptionalComma())) {
    StringRef keyword;
    SMLoc loc = parser.getCurrentLocation();
    if (parser.parseKeyword(&keyword))
      return {};
    auto symbol = symbolizeFragmentLayout(keyword);
    if (!symbol)
      return parser.emitError(loc, "expected rows or columns"), Type();
    layout = *symbol;
  }
  if (parser.parseGreater())
    return {};
  return parser.getChecked<FragmentType>(parser.getContext(), shape,
                                         elementType, layout);
}

void FragmentType::print(AsmPrinter &printer) const {
  printShape(printer, getShape(), getElementType());
  if (!isMatrix())
    printer << ", " << stringifyFragmentLayout(getLayout());
  printer << ">";
}

LogicalResult FragmentType::verify(function_ref<InFlightDiagnostic()> emitError,
                                   ArrayRef<int64_t> shape, Type elementType,
                                   FragmentLayout layout) {
  bool matrix = layout == FragmentLayout::matrix;
  if (!elementType.isF32() && !(matrix && elementType.isBF16()) &&
      !(matrix && elementType.isF16()))
    return emitError() << "(FRAG2) elements are f32, or bf16 or f16 in a "
                          "matrix";
  if (matrix) {
    int64_t multiple = elementType.isF32() ? 8 : 16;
    if (shape.size() != 2 || shape[0] != 64 || shape[1] <= 0 ||
        shape[1] % multiple)
      return emitError() << "(FRAG1) a matrix of " << elementType
                         << " has 64 rows and columns a multiple of "
                         << multiple;
    return success();
  }
  int64_t multiple = layout == FragmentLayout::rows ? 64 : 8;
  if (shape.size() != 1 || shape[0] <= 0 || shape[0] % multiple ||
      (layout == FragmentLayout::rows && shape[0] != 64))
    return emitError() << "(FRAG3) a rows vector has 64 elements, a columns "
                          "vector a multiple of 8";
  return success();
}

int64_t FragmentType::getValuesPerThread() const {
  switch (getLayout()) {
  case FragmentLayout::matrix:
    return getRows() * getColumns() / 128;
  case FragmentLayout::rows:
    return 2;
  case FragmentLayout::columns:
    return getColumns() / 4;
  }
  llvm_unreachable("unknown layout");
}

//===----------------------------------------------------------------------===//
// InFlight
//===----------------------------------------------------------------------===//

Type InFlightType::parse(AsmParser &parser) {
  SmallVector<int64_t> shape;
  Type elementType;
  if (parseShape(parser, shape, elementType) || parser.parseGreater())
    return {};
  return parser.getChecked<InFlightType>(parser.getContext(), shape,
                                         elementType);
}

void InFlightType::print(AsmPrinter &printer) const {
  printShape(printer, getShape(), getElementType());
  printer << ">";
}

LogicalResult InFlightType::verify(function_ref<InFlightDiagnostic()> emitError,
                                   ArrayRef<int64_t> shape, Type elementType) {
  if (shape.size() != 2 || shape[0] != 64 || shape[1] <= 0 || shape[1] % 8 ||
      shape[1] > 256 || !elementType.isF32())
    return emitError() << "(INFL1) 64 rows, columns a multiple of 8 up to 256, "
                          "f32";
  return success();
}

//===----------------------------------------------------------------------===//
// Shared
//===----------------------------------------------------------------------===//

Type SharedType::parse(AsmParser &parser) {
  SmallVector<int64_t> shape;
  Type elementType;
  if (parseShape(parser, shape, elementType))
    return {};
  bool linear = succeeded(parser.parseOptionalComma());
  if ((linear && parser.parseKeyword("linear")) || parser.parseGreater())
    return {};
  return parser.getChecked<SharedType>(parser.getContext(), shape, elementType,
                                       linear);
}

void SharedType::print(AsmPrinter &printer) const {
  printShape(printer, getShape(), getElementType());
  printer << (getLinear() ? ", linear>" : ">");
}

LogicalResult SharedType::verify(function_ref<InFlightDiagnostic()> emitError,
                                 ArrayRef<int64_t> shape, Type elementType,
                                 bool linear) {
  if (!elementType.isF32() && !elementType.isInteger(32) &&
      !elementType.isBF16() && !elementType.isF16())
    return emitError() << "(SHAR2) elements are f32, i32, bf16 or f16";
  int64_t rowBytes =
      shape.empty() ? 0
                    : shape.back() * elementType.getIntOrFloatBitWidth() / 8;
  if (!linear && (shape.size() < 2 || shape[shape.size() - 2] % 8 ||
                  rowBytes % 128 || elementType.getIntOrFloatBitWidth() != 16))
    return emitError() << "(SHAR1) a tile has 16-bit elements, rows a multiple "
                          "of 8 and rows of whole 128-byte panels";
  return success();
}

int64_t SharedType::getBytes() const {
  int64_t count = 1;
  for (int64_t size : getShape())
    count *= size;
  return count * getElementType().getIntOrFloatBitWidth() / 8;
}

SharedType SharedType::getSlice() const {
  return SharedType::get(getContext(), getShape().drop_front(),
                         getElementType(), getLinear());
}

//===----------------------------------------------------------------------===//
// Ring, Cursor, TensorMap
//===----------------------------------------------------------------------===//

LogicalResult RingType::verify(function_ref<InFlightDiagnostic()> emitError,
                               int64_t stages, int64_t count) {
  if (!allowsStages(stages) || count < 1 || count > 8)
    return emitError() << "(RING1) 1 to 16 stages, 1 to 8 rings";
  return success();
}

LogicalResult CursorType::verify(function_ref<InFlightDiagnostic()> emitError,
                                 int64_t stages) {
  if (!RingType::allowsStages(stages))
    return emitError() << "(CURS1) 1 to 16 stages";
  return success();
}

Type TensorMapType::parse(AsmParser &parser) {
  SmallVector<int64_t> shape;
  Type elementType;
  if (parseShape(parser, shape, elementType) || parser.parseGreater())
    return {};
  return parser.getChecked<TensorMapType>(parser.getContext(), shape,
                                          elementType);
}

void TensorMapType::print(AsmPrinter &printer) const {
  printShape(printer, getShape(), getElementType());
  printer << ">";
}

LogicalResult
TensorMapType::verify(function_ref<InFlightDiagnostic()> emitError,
                      ArrayRef<int64_t> shape, Type elementType) {
  bool sizes = llvm::all_of(shape, [](int64_t s) { return s > 0 && s <= 256; });
  if (shape.size() < 2 || shape.size() > 5 || !sizes ||
      !elementType.isIntOrFloat() ||
      shape.back() * elementType.getIntOrFloatBitWidth() != 1024)
    return emitError() << "(TMAP1) rank 2 to 5, sizes 1 to 256, innermost 128 "
                          "bytes";
  return success();
}

int64_t TensorMapType::getBytes() const {
  int64_t count = 1;
  for (int64_t size : getShape())
    count *= size;
  return count * getElementType().getIntOrFloatBitWidth() / 8;
}
