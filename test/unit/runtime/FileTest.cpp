//===- FileTest.cpp - Mappings and atomic replacement ---*-  -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/src/File.h"
#include "test/unit/runtime/TestSupport.h"

#include <thread>

using namespace ssd;
using namespace ssd::test;

namespace {

size_t fileCount(const TemporaryFolder &folder) {
  size_t count = 0;
  for (auto &entry : std::filesystem::directory_iterator(folder.path)) {
    (void)entry;
    ++count;
  }
  return count;
}

TEST(File, maps_what_is_there) {
  TemporaryFolder folder;
  writeFile(folder / "a", "content");
  MappedFile file(folder / "a");
  EXPECT_EQ(std::string(file.data(), file.data() + file.size()), "content");
}

TEST(File, maps_an_empty_file) {
  TemporaryFolder folder;
  writeFile(folder / "empty", "");
  EXPECT_EQ(MappedFile(folder / "empty").size(), 0u);
}

TEST(File, names_a_file_that_is_missing) {
  std::string message =
      failureOf(SSD_ERROR_NOT_FOUND, [] { MappedFile("/nowhere/at/all"); });
  EXPECT_CONTAINS(message, "'/nowhere/at/all'");
}

TEST(File, refuses_a_directory) {
  TemporaryFolder folder;
  failureOf(SSD_ERROR_IO, [&] { MappedFile(folder.path); });
}

TEST(File, replaces_only_on_commit) {
  TemporaryFolder folder;
  writeFile(folder / "a", "old");
  {
    AtomicFile file(folder / "a");
    file.write("new", 3);
    EXPECT_EQ(readFile(folder / "a"), "old");
  }
  EXPECT_EQ(readFile(folder / "a"), "old");
  EXPECT_EQ(fileCount(folder), 1u) << "the temporary file stayed";
  AtomicFile file(folder / "a");
  file.write("new", 3);
  file.commit();
  EXPECT_EQ(readFile(folder / "a"), "new");
  EXPECT_EQ(fileCount(folder), 1u);
}

TEST(File, names_a_folder_that_is_missing) {
  failureOf(SSD_ERROR_NOT_FOUND, [] { AtomicFile("/nowhere/at/all"); });
}

TEST(File, a_reader_sees_one_version_or_the_other) {
  TemporaryFolder folder;
  std::string path = folder / "a";
  writeFile(path, std::string(100000, 'a'));
  std::vector<std::thread> writers;
  for (char letter : {'a', 'b'})
    writers.emplace_back([&, letter] {
      std::string content(100000, letter);
      for (int i = 0; i < 20; ++i) {
        AtomicFile file(path);
        file.write(content.data(), content.size());
        file.commit();
      }
    });
  for (int i = 0; i < 50; ++i) {
    std::string content = readFile(path);
    ASSERT_EQ(content.size(), 100000u);
    ASSERT_EQ(content, std::string(100000, content[0]));
  }
  for (std::thread &writer : writers)
    writer.join();
  EXPECT_EQ(fileCount(folder), 1u);
}

} // namespace
