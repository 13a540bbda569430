//===- ElfNote.cpp - Reading an artifact before it is loaded ----*- C++ -*-===//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "runtime/src/ElfNote.h"
#include "runtime/src/Error.h"

#include <cstring>
#include <elf.h>
#include <optional>

using namespace ssd;

namespace {

/// Bounds-checked, alignment-free access to a file in memory.
class ElfReader {
public:
  ElfReader(const uint8_t *data, size_t size, const std::string &path)
      : data(data), size(size), path(path) {}

  ArtifactNote read();

private:
  template <typename... Parts>
  [[noreturn]] void corrupt(const Parts &...parts) {
    fail(SSD_ERROR_CORRUPT, "'", path, "' ", parts...);
  }
  bool contains(uint64_t offset, uint64_t bytes) const {
    return offset <= size && bytes <= size - offset;
  }
  template <typename T> T load(uint64_t offset) {
    if (!contains(offset, sizeof(T)))
      corrupt("is truncated: it ends at byte ", size, ".");
    T value;
    std::memcpy(&value, data + offset, sizeof(T));
    return value;
  }
  void checkHeader(const Elf64_Ehdr &header);
  void checkTables(const Elf64_Ehdr &header);
  std::optional<ArtifactNote> scanNotes(const Elf64_Phdr &segment);
  ArtifactNote readDescription(uint64_t offset, uint64_t bytes);

  const uint8_t *data;
  size_t size;
  const std::string &path;
};

void ElfReader::checkHeader(const Elf64_Ehdr &header) {
  if (header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_machine != EM_X86_64)
    corrupt("is an ELF file for another machine; expected 64-bit x86.");
  if (header.e_type != ET_DYN)
    corrupt("is an ELF file of type ", header.e_type,
            "; expected a shared object.");
  if (header.e_phentsize != sizeof(Elf64_Phdr))
    corrupt("has program headers of ", header.e_phentsize, " bytes; expected ",
            sizeof(Elf64_Phdr), ".");
}

/// Both tables and all loaded bytes must be in the file. Linkers place section
/// headers last, so the second check finds almost every truncation.
void ElfReader::checkTables(const Elf64_Ehdr &header) {
  if (!contains(header.e_phoff, uint64_t(header.e_phnum) * sizeof(Elf64_Phdr)))
    corrupt("is truncated: its program headers are outside the file.");
  if (header.e_shoff != 0 &&
      !contains(header.e_shoff, uint64_t(header.e_shnum) * header.e_shentsize))
    corrupt("is truncated: its section headers are outside the file.");
  for (uint64_t i = 0; i < header.e_phnum; ++i) {
    auto segment = load<Elf64_Phdr>(header.e_phoff + i * sizeof(Elf64_Phdr));
    if ((segment.p_type == PT_LOAD || segment.p_type == PT_NOTE ||
         segment.p_type == PT_DYNAMIC) &&
        !contains(segment.p_offset, segment.p_filesz))
      corrupt("is truncated: segment ", i, " is outside the file.");
  }
}

ArtifactNote ElfReader::readDescription(uint64_t offset, uint64_t bytes) {
  ArtifactNote note;
  if (bytes <= sizeof(note.abiVersion))
    corrupt("has an ssd-mlir note of ", bytes, " bytes, which is too short.");
  note.abiVersion = load<uint32_t>(offset);
  const char *text =
      reinterpret_cast<const char *>(data + offset + sizeof(uint32_t));
  note.target.assign(text, strnlen(text, bytes - sizeof(uint32_t)));
  for (char c : note.target)
    if (c <= ' ' || c > '~')
      corrupt("has an ssd-mlir note whose target is not printable.");
  return note;
}

std::optional<ArtifactNote> ElfReader::scanNotes(const Elf64_Phdr &segment) {
  // Parts are padded to 4 bytes, in segments aligned to 8 to 8 (as GNU's).
  uint64_t alignment = segment.p_align == 8 ? 8 : 4;
  auto padded = [&](uint64_t value) {
    return (value + alignment - 1) / alignment * alignment;
  };
  uint64_t cursor = segment.p_offset;
  uint64_t end = segment.p_offset + segment.p_filesz;
  while (end - cursor >= sizeof(Elf64_Nhdr)) {
    auto head = load<Elf64_Nhdr>(cursor);
    uint64_t name = cursor + sizeof(head);
    // Offsets are relative to the note, whose parts are 32-bit sizes: no sum
    // here can overflow.
    uint64_t description =
        cursor + padded(sizeof(head) + uint64_t(head.n_namesz));
    if (description + head.n_descsz > end)
      corrupt("has an ELF note that is longer than its segment.");
    if (head.n_type == SSD_NOTE_TYPE &&
        head.n_namesz == sizeof(SSD_NOTE_NAME) &&
        std::memcmp(data + name, SSD_NOTE_NAME, sizeof(SSD_NOTE_NAME)) == 0)
      return readDescription(description, head.n_descsz);
    uint64_t next = description + padded(head.n_descsz);
    if (next > end)
      break;
    cursor = next;
  }
  return std::nullopt;
}

ArtifactNote ElfReader::read() {
  if (size < SELFMAG || std::memcmp(data, ELFMAG, SELFMAG) != 0)
    corrupt("is not an ELF shared object. Artifacts are made by ssd-compile.");
  auto header = load<Elf64_Ehdr>(0);
  checkHeader(header);
  checkTables(header);
  for (uint64_t i = 0; i < header.e_phnum; ++i) {
    auto segment = load<Elf64_Phdr>(header.e_phoff + i * sizeof(Elf64_Phdr));
    if (segment.p_type != PT_NOTE)
      continue;
    if (std::optional<ArtifactNote> note = scanNotes(segment))
      return *note;
  }
  corrupt("is a shared object without an ssd-mlir note. Artifacts are made by "
          "ssd-compile.");
}

} // namespace

ArtifactNote ssd::readArtifactNote(const uint8_t *data, size_t size,
                                   const std::string &path) {
  return ElfReader(data, size, path).read();
}
