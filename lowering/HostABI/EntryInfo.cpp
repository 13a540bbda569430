//===- EntryInfo.cpp - what the artifact's table says -----------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
#include "lowering/HostABI/EntryInfo.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/SymbolTable.h"

using namespace mlir;

namespace ssd {

static constexpr llvm::StringLiteral kRoleNames[] = {"input", "output", "state",
                                                     "parameter"};

static DictionaryAttr encode(const ArgumentInfo &argument, Builder &builder) {
  SmallVector<NamedAttribute> fields;
  auto add = [&](StringRef name, Attribute value) {
    fields.push_back(builder.getNamedAttr(name, value));
  };
  add("name", builder.getStringAttr(argument.name));
  add("role", builder.getStringAttr(kRoleNames[int(argument.role)]));
  add("type", TypeAttr::get(argument.type));
  add("shape", builder.getDenseI64ArrayAttr(argument.shape));
  if (argument.strided)
    add("strided", builder.getUnitAttr());
  if (argument.onDevice)
    add("device", builder.getStringAttr("cuda"));
  if (argument.minValue <= argument.maxValue)
    add("range",
        builder.getDenseI64ArrayAttr({argument.minValue, argument.maxValue}));
  return builder.getDictionaryAttr(fields);
}

static ArgumentInfo decode(DictionaryAttr fields) {
  ArgumentInfo argument;
  argument.name = fields.getAs<StringAttr>("name").getValue().str();
  StringRef role = fields.getAs<StringAttr>("role").getValue();
  argument.role = Role(llvm::find(kRoleNames, role) - std::begin(kRoleNames));
  argument.type = cast<MemRefType>(fields.getAs<TypeAttr>("type").getValue());
  argument.shape =
      llvm::to_vector(fields.getAs<DenseI64ArrayAttr>("shape").asArrayRef());
  argument.strided = fields.contains("strided");
  argument.onDevice = fields.contains("device");
  if (auto range = fields.getAs<DenseI64ArrayAttr>("range")) {
    argument.minValue = range[0];
    argument.maxValue = range[1];
  }
  return argument;
}

void EntryInfo::setOn(Operation *function) const {
  Builder builder(function->getContext());
  SmallVector<Attribute> encoded;
  for (const ArgumentInfo &argument : arguments)
    encoded.push_back(encode(argument, builder));
  NamedAttrList record;
  record.append("arguments", builder.getArrayAttr(encoded));
  record.append("mixers", builder.getStringAttr(mixers));
  if (name != SymbolTable::getSymbolName(function).getValue())
    record.append("name", builder.getStringAttr(name));
  function->setAttr(kEntryAttr, record.getDictionary(builder.getContext()));
}

std::optional<EntryInfo> EntryInfo::getFrom(Operation *function) {
  auto record = function->getAttrOfType<DictionaryAttr>(kEntryAttr);
  if (!record)
    return std::nullopt;
  EntryInfo info;
  auto name = record.getAs<StringAttr>("name");
  info.name =
      (name ? name : SymbolTable::getSymbolName(function)).getValue().str();
  info.mixers = record.getAs<StringAttr>("mixers").getValue().str();
  for (Attribute argument : record.getAs<ArrayAttr>("arguments"))
    info.arguments.push_back(decode(cast<DictionaryAttr>(argument)));
  return info;
}

} // namespace ssd
