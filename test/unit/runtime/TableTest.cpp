//===- TableTest.cpp - Validation of artifact tables ---*-  -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/src/Artifact.h"
#include "test/unit/runtime/TestSupport.h"

using namespace ssd;
using namespace ssd::test;

namespace {

int32_t doNothing(ssd_context *, const DLTensor *const *, int32_t, void *,
                  void *) {
  return SSD_OK;
}

/// A valid table; each test spoils one field.
class Table : public testing::Test {
protected:
  std::string refusal() {
    return failureOf(SSD_ERROR_CORRUPT, [&] { checkTable(table, "f"); });
  }

  int64_t shape[2] = {-1, 4};
  ssd_argument args[2] = {
      {"x", SSD_ROLE_INPUT, kF32, 2, shape, 0, kDLCPU, 1, 0},
      {"y", SSD_ROLE_OUTPUT, kF32, 2, shape, 0, kDLCPU, 1, 0}};
  ssd_entry entries[2] = {{"e", 2, args, doNothing, nullptr, nullptr},
                          {"f", 0, nullptr, doNothing, nullptr, nullptr}};
  ssd_kernel_image image = {"ptx", "code", 5};
  ssd_kernel kernel = {"k", {1, 1, 1}, {1, 1, 1}, 0, 1, &image};
  ssd_artifact table = {1, "c", "x86-64", nullptr, 2, entries, 1, &kernel};
};

TEST_F(Table, valid) { EXPECT_NO_THROW(checkTable(table, "f")); }

TEST_F(Table, version) {
  table.abi_version = 0;
  EXPECT_CONTAINS(refusal(), "the ABI version is 0.");
}

TEST_F(Table, compiler) {
  table.compiler = nullptr;
  EXPECT_CONTAINS(refusal(), "the compiler's name is null.");
}

TEST_F(Table, metadata) {
  table.metadata = "[]";
  EXPECT_CONTAINS(refusal(), "metadata is not a JSON object.");
  table.metadata = "{";
  EXPECT_CONTAINS(refusal(), "metadata is not valid JSON");
}

TEST_F(Table, entries) {
  table.entries = nullptr;
  EXPECT_CONTAINS(refusal(), "2 entries at a null pointer.");
  table.entries = entries;
  table.n_entries = -1;
  EXPECT_CONTAINS(refusal(), "lists -1 entries.");
}

TEST_F(Table, entry_names) {
  entries[1].name = "e";
  EXPECT_CONTAINS(refusal(), "two entries 'e' for the CPU.");
  // But one for the CPU and one for GPUs.
  ssd_argument onGpu = args[0];
  onGpu.device = kDLCUDA;
  entries[1] = {"e", 1, &onGpu, doNothing, nullptr, nullptr};
  EXPECT_NO_THROW(checkTable(table, "f"));
  entries[0] = entries[1];
  EXPECT_CONTAINS(refusal(), "two entries 'e' for GPUs.");
  entries[1].name = "";
  EXPECT_CONTAINS(refusal(), "an entry has no name.");
}

TEST_F(Table, entry_function) {
  entries[0].run = nullptr;
  EXPECT_CONTAINS(refusal(), "entry 'e' has no function.");
}

TEST_F(Table, mixers) {
  entries[0].mixers = "{}";
  EXPECT_CONTAINS(refusal(), "entry 'e', mixers is not a JSON array.");
}

TEST_F(Table, arguments) {
  entries[0].args = nullptr;
  EXPECT_CONTAINS(refusal(), "lists 2 arguments at a null pointer.");
}

TEST_F(Table, argument_names) {
  args[1].name = "x";
  EXPECT_CONTAINS(refusal(), "entry 'e' has two arguments 'x'.");
  args[1].name = nullptr;
  EXPECT_CONTAINS(refusal(), "has an argument without a name.");
}

TEST_F(Table, role) {
  args[0].role = 9;
  EXPECT_CONTAINS(refusal(), "argument 'x' has the unknown role 9.");
}

TEST_F(Table, type) {
  args[0].dtype = {kDLFloat, 7, 1};
  EXPECT_CONTAINS(refusal(), "has the unsupported type");
}

TEST_F(Table, rank) {
  args[0].rank = 17;
  EXPECT_CONTAINS(refusal(), "has rank 17.");
  args[0].rank = -1;
  EXPECT_CONTAINS(refusal(), "has rank -1.");
}

TEST_F(Table, null_shape) {
  args[0].shape = nullptr;
  EXPECT_CONTAINS(refusal(), "has no shape.");
}

TEST_F(Table, dynamic_numbers) {
  shape[0] = INT64_MIN;
  EXPECT_CONTAINS(refusal(), "refers to dynamic size 9223372036854775807");
}

TEST_F(Table, device) {
  args[1].device = 3;
  EXPECT_CONTAINS(refusal(), "argument 'y' is on the unknown device 3.");
}

TEST_F(Table, sizes) {
  shape[0] = INT64_MAX;
  EXPECT_CONTAINS(refusal(), "is larger than any memory.");
}

TEST_F(Table, kernels) {
  kernel.n_images = 0;
  EXPECT_CONTAINS(refusal(), "kernel 'k' has no image.");
  kernel.n_images = 1;
  kernel.cluster[1] = 0;
  EXPECT_CONTAINS(refusal(), "kernel 'k' has an empty block or cluster.");
  kernel.cluster[1] = 1;
  image.size = 4;
  EXPECT_CONTAINS(refusal(), "kernel 'k' has portable code without an end.");
  image.size = 0;
  EXPECT_CONTAINS(refusal(), "kernel 'k' has an empty image.");
  kernel.name = nullptr;
  EXPECT_CONTAINS(refusal(), "a kernel has no name.");
  table.kernels = nullptr;
  EXPECT_CONTAINS(refusal(), "1 kernels at a null pointer.");
}

} // namespace
