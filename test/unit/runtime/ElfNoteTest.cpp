//===- ElfNoteTest.cpp - Reading ELF files that may be broken ---*-  -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/src/ElfNote.h"
#include "test/unit/runtime/TestSupport.h"

#include <cstring>
#include <elf.h>

using namespace ssd;
using namespace ssd::test;

namespace {

ArtifactNote read(const std::string &file) {
  // An exact heap copy, so that a sanitizer sees any read outside of it.
  std::vector<uint8_t> bytes(file.begin(), file.end());
  return readArtifactNote(bytes.data(), bytes.size(), "f");
}

std::string corruptionOf(const std::string &file) {
  return failureOf(SSD_ERROR_CORRUPT, [&] { read(file); });
}

/// The smallest file with one note segment; tests spoil its parts.
struct SmallElf {
  Elf64_Ehdr header = {};
  Elf64_Phdr segment = {};
  Elf64_Nhdr note = {};
  char name[12] = SSD_NOTE_NAME;
  uint32_t version = 1;
  char target[8] = "x86-64";

  SmallElf() {
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_type = ET_DYN;
    header.e_machine = EM_X86_64;
    header.e_phoff = sizeof(header);
    header.e_phnum = 1;
    header.e_phentsize = sizeof(segment);
    segment.p_type = PT_NOTE;
    segment.p_offset = sizeof(header) + sizeof(segment);
    segment.p_align = 4;
    note = {sizeof(SSD_NOTE_NAME), sizeof(version) + sizeof("x86-64"),
            SSD_NOTE_TYPE};
    segment.p_filesz = noteBytes();
  }

  static size_t noteBytes() {
    return sizeof(note) + sizeof(name) + sizeof(version) + sizeof(target);
  }

  std::string str() const {
    std::string text;
    auto add = [&](const void *data, size_t size) {
      text.append(static_cast<const char *>(data), size);
    };
    add(&header, sizeof(header));
    add(&segment, sizeof(segment));
    add(&note, sizeof(note));
    add(name, sizeof(name));
    add(&version, sizeof(version));
    add(target, sizeof(target));
    return text;
  }
};

TEST(ElfNote, reads_version_and_target) {
  ArtifactNote note = read(SmallElf().str());
  EXPECT_EQ(note.abiVersion, 1u);
  EXPECT_EQ(note.target, "x86-64");
}

TEST(ElfNote, reads_a_target_without_terminator) {
  SmallElf elf;
  elf.note.n_descsz = sizeof(elf.version) + 6;
  EXPECT_EQ(read(elf.str()).target, "x86-64");
}

TEST(ElfNote, refuses_every_truncation) {
  std::string whole = SmallElf().str();
  for (size_t size = 0; size < whole.size(); ++size)
    corruptionOf(whole.substr(0, size));
}

TEST(ElfNote, refuses_other_machines_and_kinds) {
  SmallElf elf;
  elf.header.e_machine = EM_AARCH64;
  EXPECT_CONTAINS(corruptionOf(elf.str()), "for another machine");
  elf = SmallElf();
  elf.header.e_ident[EI_CLASS] = ELFCLASS32;
  EXPECT_CONTAINS(corruptionOf(elf.str()), "for another machine");
  elf = SmallElf();
  elf.header.e_type = ET_REL;
  EXPECT_CONTAINS(corruptionOf(elf.str()), "expected a shared object");
  elf = SmallElf();
  elf.header.e_phentsize = 8;
  EXPECT_CONTAINS(corruptionOf(elf.str()), "program headers of 8 bytes");
}

TEST(ElfNote, refuses_offsets_that_overflow) {
  SmallElf elf;
  elf.header.e_phoff = UINT64_MAX - 8;
  EXPECT_CONTAINS(corruptionOf(elf.str()), "program headers are outside");
  elf = SmallElf();
  elf.header.e_shoff = UINT64_MAX;
  elf.header.e_shnum = 65535;
  elf.header.e_shentsize = 65535;
  EXPECT_CONTAINS(corruptionOf(elf.str()), "section headers are outside");
  elf = SmallElf();
  elf.segment.p_offset = UINT64_MAX - 4;
  EXPECT_CONTAINS(corruptionOf(elf.str()), "segment 0 is outside");
  elf = SmallElf();
  elf.segment.p_filesz = UINT64_MAX;
  EXPECT_CONTAINS(corruptionOf(elf.str()), "segment 0 is outside");
}

TEST(ElfNote, refuses_notes_longer_than_their_segment) {
  SmallElf elf;
  elf.note.n_namesz = 0xffffffff;
  EXPECT_CONTAINS(corruptionOf(elf.str()), "longer than its segment");
  elf = SmallElf();
  elf.note.n_descsz = 0xffffffff;
  EXPECT_CONTAINS(corruptionOf(elf.str()), "longer than its segment");
}

TEST(ElfNote, refuses_a_description_without_target) {
  SmallElf elf;
  elf.note.n_descsz = 4;
  EXPECT_CONTAINS(corruptionOf(elf.str()), "too short");
  elf = SmallElf();
  elf.target[2] = '\n';
  EXPECT_CONTAINS(corruptionOf(elf.str()), "not printable");
}

TEST(ElfNote, passes_over_other_notes) {
  SmallElf elf;
  elf.note.n_type = 2;
  EXPECT_CONTAINS(corruptionOf(elf.str()), "without an ssd-mlir note");
  elf = SmallElf();
  elf.name[0] = 'S';
  EXPECT_CONTAINS(corruptionOf(elf.str()), "without an ssd-mlir note");
  // Another note in front of ours, in the same segment.
  SmallElf two;
  std::string other = two.str().substr(two.segment.p_offset);
  other[sizeof(Elf64_Nhdr)] = 'S';
  two.segment.p_filesz = 2 * SmallElf::noteBytes();
  std::string text = two.str();
  text.insert(two.segment.p_offset, other);
  EXPECT_EQ(read(text).target, "x86-64");
}

} // namespace
