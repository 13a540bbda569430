//===- Table.cpp - Validation of an artifact's table ------------*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "runtime/src/Artifact.h"
#include "runtime/src/Error.h"
#include "runtime/src/Json.h"
#include "runtime/src/Type.h"

#include <cstring>
#include <set>
#include <unordered_set>

using namespace ssd;

namespace {

/// Walks a table; `where` grows into the name of what is being looked at.
class TableCheck {
public:
  explicit TableCheck(const std::string &path) : path(path) {}

  void check(const ssd_artifact &table);

private:
  template <typename... Parts>
  [[noreturn]] void corrupt(const Parts &...parts) {
    fail(SSD_ERROR_CORRUPT, "The table of '", path, "' is invalid: ", parts...);
  }
  void checkEntry(const ssd_entry &entry);
  void checkArgument(const ssd_entry &entry, const ssd_argument &argument);
  void checkKernel(const ssd_kernel &kernel);
  void checkImage(const ssd_kernel &kernel, const ssd_kernel_image &image);
  void checkJson(const char *text, const std::string &what, bool array);

  const std::string &path;
};

void TableCheck::check(const ssd_artifact &table) {
  if (table.abi_version == 0)
    corrupt("the ABI version is 0.");
  if (!table.compiler)
    corrupt("the compiler's name is null.");
  if (table.n_entries < 0 || (table.n_entries > 0 && !table.entries))
    corrupt("it lists ", table.n_entries, " entries",
            table.entries ? "." : " at a null pointer.");
  if (table.n_kernels < 0 || (table.n_kernels > 0 && !table.kernels))
    corrupt("it lists ", table.n_kernels, " kernels",
            table.kernels ? "." : " at a null pointer.");
  checkJson(table.metadata, "metadata", /*array=*/false);
  std::set<std::pair<std::string, DLDeviceType>> names;
  for (int32_t i = 0; i < table.n_entries; ++i) {
    const ssd_entry &entry = table.entries[i];
    checkEntry(entry);
    DLDeviceType device = deviceOf(entry);
    if (!names.emplace(entry.name, device).second)
      corrupt("there are two entries '", entry.name, "' for ",
              device == kDLCPU ? "the CPU." : "GPUs.");
  }
  for (int32_t i = 0; i < table.n_kernels; ++i)
    checkKernel(table.kernels[i]);
}

void TableCheck::checkEntry(const ssd_entry &entry) {
  if (!entry.name || !*entry.name)
    corrupt("an entry has no name.");
  if (!entry.run)
    corrupt("entry '", entry.name, "' has no function.");
  if (entry.n_args < 0 || (entry.n_args > 0 && !entry.args))
    corrupt("entry '", entry.name, "' lists ", entry.n_args, " arguments",
            entry.args ? "." : " at a null pointer.");
  checkJson(entry.mixers, concat("entry '", entry.name, "', mixers"),
            /*array=*/true);
  std::unordered_set<std::string> names;
  for (int32_t i = 0; i < entry.n_args; ++i) {
    checkArgument(entry, entry.args[i]);
    if (!names.insert(entry.args[i].name).second)
      corrupt("entry '", entry.name, "' has two arguments '",
              entry.args[i].name, "'.");
  }
}

void TableCheck::checkArgument(const ssd_entry &entry,
                               const ssd_argument &argument) {
  if (!argument.name || !*argument.name)
    corrupt("entry '", entry.name, "' has an argument without a name.");
  std::string where =
      concat("entry '", entry.name, "', argument '", argument.name, "' ");
  if (argument.role < SSD_ROLE_INPUT || argument.role > SSD_ROLE_PARAMETER)
    corrupt(where, "has the unknown role ", argument.role, ".");
  if (argument.device != kDLCPU && argument.device != kDLCUDA)
    corrupt(where, "is on the unknown device ", argument.device, ".");
  if (!isSupportedType(argument.dtype))
    corrupt(where, "has the unsupported type ", typeName(argument.dtype), ".");
  if (argument.rank < 0 || argument.rank > kMaxRank)
    corrupt(where, "has rank ", argument.rank, ".");
  if (argument.rank > 0 && !argument.shape)
    corrupt(where, "has no shape.");
  int64_t smallest[kMaxRank];
  for (int32_t d = 0; d < argument.rank; ++d) {
    if (argument.shape[d] < -int64_t(kMaxDynamicSizes))
      corrupt(where, "refers to dynamic size ", -1 - argument.shape[d],
              "; there may be ", kMaxDynamicSizes, ".");
    smallest[d] = argument.shape[d] < 0 ? 1 : argument.shape[d];
  }
  if (!denseBytes(smallest, argument.rank, argument.dtype))
    corrupt(where, "is larger than any memory.");
}

void TableCheck::checkKernel(const ssd_kernel &kernel) {
  if (!kernel.name || !*kernel.name)
    corrupt("a kernel has no name.");
  for (int i = 0; i < 3; ++i)
    if (kernel.block[i] == 0 || kernel.cluster[i] == 0)
      corrupt("kernel '", kernel.name, "' has an empty block or cluster.");
  if (kernel.n_images <= 0 || !kernel.images)
    corrupt("kernel '", kernel.name, "' has no image.");
  for (int32_t i = 0; i < kernel.n_images; ++i)
    checkImage(kernel, kernel.images[i]);
}

void TableCheck::checkImage(const ssd_kernel &kernel,
                            const ssd_kernel_image &image) {
  if (!image.target || !image.data || image.size == 0)
    corrupt("kernel '", kernel.name, "' has an empty image.");
  const char *text = static_cast<const char *>(image.data);
  if (std::strcmp(image.target, "ptx") == 0 && text[image.size - 1] != 0)
    corrupt("kernel '", kernel.name, "' has portable code without an end.");
}

void TableCheck::checkJson(const char *text, const std::string &what,
                           bool array) {
  if (!text)
    return;
  nlohmann::json value =
      parseStrictJson(text, text + std::strlen(text),
                      concat("The table of '", path, "' is invalid: ", what));
  if (array ? !value.is_array() : !value.is_object())
    corrupt(what, " is not a JSON ", array ? "array." : "object.");
}

} // namespace

DLDeviceType ssd::deviceOf(const ssd_entry &entry) {
  for (int32_t i = 0; i < entry.n_args; ++i)
    if (entry.args[i].device == kDLCUDA)
      return kDLCUDA;
  return kDLCPU;
}

void ssd::checkTable(const ssd_artifact &table, const std::string &path) {
  TableCheck(path).check(table);
}
