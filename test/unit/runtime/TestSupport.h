//===- TestSupport.h - What the runtime's tests share ---*-  -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_TEST_UNIT_RUNTIME_TESTSUPPORT_H
#define SSD_TEST_UNIT_RUNTIME_TESTSUPPORT_H

#include "runtime/src/Error.h"
#include "runtime/src/Type.h"
#include "ssd_runtime.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

namespace ssd::test {

inline std::string artifactPath(const std::string &name) {
  return std::string(SSD_TEST_ARTIFACT_DIR) + "/" + name + ".so";
}

/// A folder that lives as long as its test.
class TemporaryFolder {
public:
  TemporaryFolder() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "ssd-XXXXXX").string();
    path = mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }

  std::string operator/(const std::string &name) const {
    return path + "/" + name;
  }

  std::string path;
};

inline void writeFile(const std::string &path, const std::string &content) {
  std::ofstream(path, std::ios::binary) << content;
}

inline std::string readFile(const std::string &path) {
  std::ifstream stream(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

struct Destroy {
  void operator()(ssd_program *p) const { ssd_program_destroy(p); }
  void operator()(ssd_context *c) const { ssd_context_destroy(c); }
  void operator()(ssd_state *s) const { ssd_state_destroy(s); }
};
using Program = std::unique_ptr<ssd_program, Destroy>;
using ContextHandle = std::unique_ptr<ssd_context, Destroy>;
using State = std::unique_ptr<ssd_state, Destroy>;

inline Program loadProgram(const std::string &name = "good") {
  ssd_program *program = nullptr;
  EXPECT_EQ(ssd_program_load(artifactPath(name).c_str(), &program), SSD_OK)
      << ssd_last_error();
  return Program(program);
}

inline ContextHandle makeContext(int32_t threads = 1) {
  ssd_context *context = nullptr;
  EXPECT_EQ(ssd_context_create(threads, &context), SSD_OK);
  return ContextHandle(context);
}

inline State makeState(const Program &program, int64_t batch) {
  ssd_state *state = nullptr;
  EXPECT_EQ(ssd_state_create(program.get(), batch, &state), SSD_OK)
      << ssd_last_error();
  return State(state);
}

template <typename T> constexpr DLDataType typeOf() {
  uint8_t code = std::is_floating_point_v<T> ? kDLFloat
                 : std::is_signed_v<T>       ? kDLInt
                                             : kDLUInt;
  return {code, sizeof(T) * 8, 1};
}

/// A tensor with its own memory, whose every field a test may spoil.
template <typename T> struct Tensor : DLTensor {
  explicit Tensor(std::vector<int64_t> sizes, std::vector<T> given = {})
      : DLTensor{}, values(std::move(given)), sizes(std::move(sizes)) {
    int64_t count = *denseBytes(this->sizes.data(), int32_t(this->sizes.size()),
                                typeOf<uint8_t>());
    values.resize(count);
    data = values.data();
    device = {kDLCPU, 0};
    ndim = int32_t(this->sizes.size());
    dtype = typeOf<T>();
    shape = this->sizes.data();
  }
  Tensor(const Tensor &) = delete;

  std::vector<T> values;
  std::vector<int64_t> sizes, steps;

  void setStrides(std::vector<int64_t> given) {
    steps = std::move(given);
    strides = steps.data();
  }
};

/// The status that a call returned and the sentence that it left.
#define EXPECT_FAILS(expression, status, part)                                 \
  do {                                                                         \
    EXPECT_EQ(expression, status) << ssd_last_error();                         \
    EXPECT_NE(std::string(ssd_last_error()).find(part), std::string::npos)     \
        << "  message: " << ssd_last_error() << "\n  expected: " << part;      \
  } while (false)

/// The message of the Failure that `body` throws; checks its status.
template <typename Body>
std::string failureOf(int32_t status, const Body &body) {
  try {
    body();
  } catch (const Failure &failure) {
    EXPECT_EQ(failure.status, status) << failure.message;
    return failure.message;
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

#define EXPECT_CONTAINS(text, part)                                            \
  EXPECT_NE(std::string(text).find(part), std::string::npos)                   \
      << "  text: " << (text) << "\n  expected: " << (part)

} // namespace ssd::test

#endif // SSD_TEST_UNIT_RUNTIME_TESTSUPPORT_H
