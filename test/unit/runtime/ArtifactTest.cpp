//===- ArtifactTest.cpp - Loading artifacts, good and odd ---*-  -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/src/Artifact.h"
#include "runtime/src/CpuLevel.h"
#include "test/unit/runtime/TestSupport.h"

#include <nlohmann/json.hpp>

#include <unistd.h>

using namespace ssd;
using namespace ssd::test;

namespace {

int32_t load(const std::string &path) {
  ssd_program *program = nullptr;
  int32_t status = ssd_program_load(path.c_str(), &program);
  EXPECT_EQ(program != nullptr, status == SSD_OK);
  ssd_program_destroy(program);
  return status;
}

TEST(Artifact, loads_a_good_one) {
  Program program = loadProgram();
  ASSERT_TRUE(program);
  EXPECT_EQ(ssd_program_artifact(program.get())->n_entries, 10);
  const ssd_entry *entry = ssd_program_entry(program.get(), "multiply");
  ASSERT_TRUE(entry);
  EXPECT_STREQ(entry->name, "multiply");
}

TEST(Artifact, a_relative_path_is_a_file_not_a_library_name) {
  std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(SSD_TEST_ARTIFACT_DIR);
  EXPECT_EQ(load("good.so"), SSD_OK) << ssd_last_error();
  std::filesystem::current_path(before);
}

TEST(Artifact, names_an_entry_that_is_missing_and_lists_the_others) {
  Program program = loadProgram();
  EXPECT_EQ(ssd_program_entry(program.get(), "nothing"), nullptr);
  EXPECT_CONTAINS(ssd_last_error(), "has no entry 'nothing'. Its entries: "
                                    "'multiply', 'accumulate'");
  EXPECT_EQ(ssd_program_entry(program.get(), nullptr), nullptr);
}

TEST(Artifact, a_replaced_file_is_another_artifact) {
  TemporaryFolder folder;
  std::string path = folder / "model.so";
  auto replaceAndLoad = [&](const char *artifact) {
    writeFile(path, readFile(artifactPath(artifact))); // the same inode
    ssd_program *program = nullptr;
    EXPECT_EQ(ssd_program_load(path.c_str(), &program), SSD_OK);
    return Program(program);
  };
  Program first = replaceAndLoad("good");
  Program second = replaceAndLoad("other_state");
  ASSERT_TRUE(first && second);
  EXPECT_TRUE(ssd_program_entry(first.get(), "multiply"));
  EXPECT_FALSE(ssd_program_entry(second.get(), "multiply"));
}

TEST(Artifact, missing_file) {
  EXPECT_FAILS(load("/nowhere/model.so"), SSD_ERROR_NOT_FOUND,
               "'/nowhere/model.so'");
}

TEST(Artifact, not_elf) {
  TemporaryFolder folder;
  writeFile(folder / "a.so", "int main() { return 0; }");
  EXPECT_FAILS(load(folder / "a.so"), SSD_ERROR_CORRUPT,
               "is not an ELF shared object");
  writeFile(folder / "empty.so", "");
  EXPECT_FAILS(load(folder / "empty.so"), SSD_ERROR_CORRUPT,
               "is not an ELF shared object");
}

TEST(Artifact, truncated) {
  TemporaryFolder folder;
  std::string whole = readFile(artifactPath("good"));
  for (size_t size : {size_t(10), size_t(64), size_t(200), whole.size() / 2,
                      whole.size() - 1}) {
    writeFile(folder / "cut.so", whole.substr(0, size));
    EXPECT_FAILS(load(folder / "cut.so"), SSD_ERROR_CORRUPT, "truncated");
  }
}

TEST(Artifact, older_version) {
  Program program = loadProgram("version_1");
  EXPECT_EQ(ssd_program_artifact(program.get())->abi_version, 1u);
}

TEST(Artifact, newer_note) {
  EXPECT_FAILS(load(artifactPath("newer_note")), SSD_ERROR_ABI_VERSION,
               "speaks version 3 of the artifact ABI, but this runtime knows "
               "versions up to 2");
}

TEST(Artifact, newer_table) {
  EXPECT_FAILS(load(artifactPath("newer_table")), SSD_ERROR_ABI_VERSION,
               "speaks version 3");
}

TEST(Artifact, table_of_another_version_than_the_note) {
  EXPECT_FAILS(load(artifactPath("older_table")), SSD_ERROR_CORRUPT,
               "ABI version 2 in its note, 0 in its table");
}

TEST(Artifact, unknown_cpu_level) {
  EXPECT_FAILS(load(artifactPath("unknown_cpu")), SSD_ERROR_CPU_LEVEL,
               "CPU level 'x86-64-v9', which this runtime doesn't know");
}

TEST(Artifact, table_of_another_target_than_the_note) {
  EXPECT_FAILS(load(artifactPath("other_target")), SSD_ERROR_CORRUPT,
               "target 'x86-64-v2' in its note, 'x86-64' in its table");
}

TEST(Artifact, no_table_for_this_version) {
  EXPECT_FAILS(load(artifactPath("null_table")), SSD_ERROR_ABI_VERSION,
               "has no table for version 2");
}

TEST(Artifact, no_note) {
  EXPECT_FAILS(load(artifactPath("no_note")), SSD_ERROR_CORRUPT,
               "without an ssd-mlir note");
}

TEST(Artifact, no_query) {
  EXPECT_FAILS(load(artifactPath("no_query")), SSD_ERROR_CORRUPT,
               "doesn't export ssd_artifact_query");
}

TEST(Artifact, unresolved_symbol) {
  EXPECT_FAILS(load(artifactPath("unresolved")), SSD_ERROR_CORRUPT,
               "missing_everywhere");
}

TEST(Artifact, nulls) {
  ssd_program *program = nullptr;
  EXPECT_FAILS(ssd_program_load(nullptr, &program), SSD_ERROR_INVALID_ARGUMENT,
               "null");
  EXPECT_FAILS(ssd_program_load("x", nullptr), SSD_ERROR_INVALID_ARGUMENT,
               "null");
  EXPECT_EQ(ssd_program_artifact(nullptr), nullptr);
  EXPECT_EQ(ssd_program_entry(nullptr, "x"), nullptr);
  EXPECT_STREQ(ssd_program_describe(nullptr), "{}");
  ssd_program_destroy(nullptr);
}

TEST(Artifact, one_file_can_be_loaded_twice) {
  Program first = loadProgram(), second = loadProgram();
  first.reset();
  EXPECT_TRUE(ssd_program_entry(second.get(), "multiply"));
}

TEST(Describe, shows_the_whole_table) {
  Program program = loadProgram();
  auto json = nlohmann::json::parse(ssd_program_describe(program.get()));
  EXPECT_EQ(json["abi_version"], SSD_ABI_VERSION);
  EXPECT_EQ(json["target"], "x86-64");
  EXPECT_EQ(json["metadata"]["vocabulary"], 10);
  const auto &multiply = json["entries"][0];
  EXPECT_EQ(multiply["mixers"][0]["form"], "chunked");
  EXPECT_EQ(multiply["arguments"][0]["shape"].dump(), "[\"d0\",4]");
  EXPECT_EQ(multiply["arguments"][1]["role"], "parameter");
  EXPECT_EQ(multiply["arguments"][1]["dtype"], "f32");
  const auto &ids = json["entries"][1]["arguments"][0];
  EXPECT_EQ(ids["range"].dump(), "[0,9]");
  EXPECT_EQ(json["entries"][2]["arguments"][0]["strided"], true);
  EXPECT_TRUE(json["kernels"].empty());
}

TEST(CpuLevel, names_what_is_missing) {
  auto without = [](const std::string &absent) {
    return [absent](const std::string &feature) { return feature != absent; };
  };
  EXPECT_CONTAINS(
      failureOf(SSD_ERROR_CPU_LEVEL,
                [&] { checkCpuLevel("x86-64-v4", "f", without("avx512bw")); }),
      "'f' is compiled for x86-64-v4, but this CPU lacks avx512bw");
  EXPECT_NO_THROW(checkCpuLevel("x86-64-v3", "f", without("avx512bw")));
  // A level contains the ones below it.
  EXPECT_CONTAINS(
      failureOf(SSD_ERROR_CPU_LEVEL,
                [&] { checkCpuLevel("x86-64-v4", "f", without("fma")); }),
      "lacks fma");
  EXPECT_CONTAINS(failureOf(SSD_ERROR_CPU_LEVEL,
                            [&] {
                              checkCpuLevel(
                                  "x86-64-v3", "f",
                                  [](const std::string &) { return false; });
                            }),
                  "sse3, ssse3");
}

TEST(CpuLevel, the_lowest_level_runs_everywhere) {
  EXPECT_NO_THROW(checkCpuLevel("x86-64", "f"));
  EXPECT_FALSE(hasCpuFeature("no such feature"));
}

} // namespace
