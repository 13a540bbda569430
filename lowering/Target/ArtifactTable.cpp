//===- ArtifactTable.cpp - the one table an artifact exports ----*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
#include "lowering/HostABI/EntryInfo.h"
#include "lowering/Target/Target.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/Support/Endian.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"
#include <dlpack/dlpack.h>

#include "runtime/include/ssd_runtime.h"

using namespace llvm;

namespace ssd {

static constexpr char kCompiler[] = "ssd-mlir 0.1.0";

namespace {

/// Builds the constants of ssd_artifact from the inside out. LLVM lays its
/// literal structs out as C does.
class TableBuilder {
public:
  TableBuilder(Module &module) : module(module), context(module.getContext()) {}

  Error addEntry(mlir::LLVM::LLVMFuncOp function, const EntryInfo &info);
  void addKernel(mlir::gpu::BinaryOp binary);
  Constant *createArtifact(StringRef target, StringRef metadata);

private:
  Constant *int8(int64_t value) { return integer(8, value); }
  Constant *int16(int64_t value) { return integer(16, value); }
  Constant *int32(int64_t value) { return integer(32, value); }
  Constant *int64(int64_t value) { return integer(64, value); }
  Constant *integer(unsigned bits, int64_t value) {
    return ConstantInt::get(IntegerType::get(context, bits), value,
                            /*IsSigned=*/true, /*ImplicitTrunc=*/true);
  }
  Constant *null() {
    return ConstantPointerNull::get(PointerType::get(context, 0));
  }
  Constant *structure(ArrayRef<Constant *> fields) {
    return ConstantStruct::getAnon(context, fields);
  }
  Constant *global(Constant *value);
  Constant *string(StringRef text);
  Constant *array(ArrayRef<Constant *> elements);
  Constant *dataType(mlir::Type element);
  Constant *argument(const ArgumentInfo &info);
  Constant *image(mlir::gpu::ObjectAttr object);

  Module &module;
  LLVMContext &context;
  SmallVector<Constant *> entries, kernels;
};

} // namespace

Constant *TableBuilder::global(Constant *value) {
  return new GlobalVariable(module, value->getType(), /*isConstant=*/true,
                            GlobalValue::PrivateLinkage, value, "ssd.table");
}

Constant *TableBuilder::string(StringRef text) {
  return global(ConstantDataArray::getString(context, text));
}

Constant *TableBuilder::array(ArrayRef<Constant *> elements) {
  if (elements.empty())
    return null();
  auto *type = ArrayType::get(elements.front()->getType(), elements.size());
  return global(ConstantArray::get(type, elements));
}

/// DLDataType.
Constant *TableBuilder::dataType(mlir::Type element) {
  unsigned bits = element.getIntOrFloatBitWidth();
  unsigned code = kDLFloat;
  if (element.isBF16())
    code = kDLBfloat;
  else if (element.isInteger(1))
    code = 6; // kDLBool, which old headers lack
  else if (element.isUnsignedInteger())
    code = kDLUInt;
  else if (isa<mlir::IntegerType>(element))
    code = kDLInt;
  return structure({int8(code), int8(bits == 1 ? 8 : bits), int16(1)});
}

/// ssd_argument.
Constant *TableBuilder::argument(const ArgumentInfo &info) {
  SmallVector<Constant *> shape;
  for (int64_t size : info.shape)
    shape.push_back(int64(size));
  return structure({string(info.name), int32(int32_t(info.role)),
                    dataType(info.type.getElementType()),
                    int32(info.type.getRank()), array(shape),
                    int32(info.strided),
                    int32(info.onDevice ? kDLCUDA : kDLCPU),
                    int64(info.minValue), int64(info.maxValue)});
}

/// ssd_entry.
Error TableBuilder::addEntry(mlir::LLVM::LLVMFuncOp function,
                             const EntryInfo &info) {
  StringRef name = function.getName();
  Function *run = module.getFunction((name + kRunSuffix).str());
  Function *workspace = module.getFunction((name + kWorkspaceSizeSuffix).str());
  if (!run)
    return createStringError("entry '" + name +
                             "' has no entry point; run ssd-emit-entry-points");
  SmallVector<Constant *> arguments;
  for (const ArgumentInfo &described : info.arguments)
    arguments.push_back(argument(described));
  entries.push_back(
      structure({string(info.name), int32(arguments.size()), array(arguments),
                 run, workspace ? static_cast<Constant *>(workspace) : null(),
                 string(info.mixers)}));
  return Error::success();
}

/// ssd_kernel_image.
Constant *TableBuilder::image(mlir::gpu::ObjectAttr object) {
  StringRef code = object.getObject().getValue();
  auto target = mlir::cast<mlir::NVVM::NVVMTargetAttr>(object.getTarget());
  bool isText = object.getFormat() == mlir::gpu::CompilationTarget::Assembly;
  auto *data = new GlobalVariable(
      module, ArrayType::get(Type::getInt8Ty(context), code.size() + isText),
      /*isConstant=*/true, GlobalValue::PrivateLinkage,
      ConstantDataArray::getString(context, code, /*AddNull=*/isText),
      "ssd.kernel");
  data->setAlignment(Align(64));
  return structure({string(isText ? "ptx" : target.getChip()), data,
                    int64(code.size() + isText)});
}

/// ssd_kernel.
void TableBuilder::addKernel(mlir::gpu::BinaryOp binary) {
  SmallVector<Constant *> images;
  for (mlir::Attribute object : binary.getObjects())
    images.push_back(image(mlir::cast<mlir::gpu::ObjectAttr>(object)));
  auto first = mlir::cast<mlir::gpu::ObjectAttr>(binary.getObjects()[0]);
  mlir::DictionaryAttr metadata =
      first.getKernels().lookup(binary.getName()).getMetadata();
  auto sizes = [&](StringRef name) {
    ArrayRef<int32_t> values =
        metadata.getAs<mlir::DenseI32ArrayAttr>(name).asArrayRef();
    return ConstantDataArray::get(
        context,
        ArrayRef<uint32_t>(reinterpret_cast<const uint32_t *>(values.data()),
                           values.size()));
  };
  int32_t shared = metadata.getAs<mlir::IntegerAttr>("shared_bytes").getInt();
  kernels.push_back(
      structure({string(binary.getName()), sizes("block"), sizes("cluster"),
                 int32(shared), int32(images.size()), array(images)}));
}

/// ssd_artifact.
Constant *TableBuilder::createArtifact(StringRef target, StringRef metadata) {
  return global(
      structure({int32(SSD_ABI_VERSION), string(kCompiler), string(target),
                 string(metadata), int32(entries.size()), array(entries),
                 int32(kernels.size()), array(kernels)}));
}

/// const ssd_artifact *ssd_artifact_query(uint32_t max_version)
static void addQuery(Module &module, Constant *artifact) {
  LLVMContext &context = module.getContext();
  auto *pointer = PointerType::get(context, 0);
  auto *type = FunctionType::get(pointer, {Type::getInt32Ty(context)}, false);
  auto *query = Function::Create(type, GlobalValue::ExternalLinkage,
                                 SSD_ARTIFACT_QUERY, module);
  query->setDoesNotThrow();
  IRBuilder<> builder(BasicBlock::Create(context, "", query));
  Value *known = builder.CreateICmpUGE(query->getArg(0),
                                       builder.getInt32(SSD_ABI_VERSION));
  builder.CreateRet(
      builder.CreateSelect(known, artifact, ConstantPointerNull::get(pointer)));
}

/// The ELF note, from which a loader learns version and level without dlopen.
static void addNote(Module &module, StringRef target) {
  std::string bytes;
  auto word = [&](uint32_t value) {
    char encoded[4];
    support::endian::write32le(encoded, value);
    bytes.append(encoded, 4);
  };
  auto padded = [&](StringRef text) {
    bytes.append(text.begin(), text.end());
    bytes.append(alignTo(bytes.size(), 4) - bytes.size(), '\0');
  };
  std::string description(4, '\0');
  support::endian::write32le(description.data(), SSD_ABI_VERSION);
  description += target;
  description += '\0';
  word(sizeof(SSD_NOTE_NAME));
  word(description.size());
  word(SSD_NOTE_TYPE);
  padded(StringRef(SSD_NOTE_NAME, sizeof(SSD_NOTE_NAME)));
  padded(description);
  auto *contents =
      ConstantDataArray::getString(module.getContext(), bytes, false);
  auto *note =
      new GlobalVariable(module, contents->getType(), true,
                         GlobalValue::PrivateLinkage, contents, "ssd.note");
  note->setSection(".note.ssd-mlir");
  note->setAlignment(Align(4));
  appendToUsed(module, {note});
}

Error addArtifactTable(Module &module, mlir::ModuleOp source,
                       const CPUTarget &target) {
  for (Function &function : module)
    if (!function.isDeclaration())
      function.setLinkage(GlobalValue::InternalLinkage);
  TableBuilder table(module);
  for (auto function : source.getOps<mlir::LLVM::LLVMFuncOp>())
    if (auto info = EntryInfo::getFrom(function))
      if (Error error = table.addEntry(function, *info))
        return error;
  for (auto binary : source.getOps<mlir::gpu::BinaryOp>())
    table.addKernel(binary);
  auto metadata = source->getAttrOfType<mlir::StringAttr>(kMetadataAttr);
  addQuery(module, table.createArtifact(target.level,
                                        metadata ? metadata.getValue() : "{}"));
  addNote(module, target.level);
  return Error::success();
}

} // namespace ssd
