//===- Generator.cpp - Inputs drawn as models have them ---*-  -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/src/Type.h"
#include "tools/ssd-run/Arguments.h"

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace ssd;
using namespace ssd::run;

namespace {

bool isInteger(DLDataType type) {
  return type.code == kDLInt || type.code == kDLUInt;
}

/// Random tokens change their segment this often.
constexpr double kSegmentChange = 1.0 / 16;

} // namespace

Generator::Generator(uint64_t seed, const ssd_entry &entry, const Sizes &sizes)
    : entry(entry), sizes(sizes), engine(seed) {}

double Generator::uniform(double low, double high) {
  return std::uniform_real_distribution<double>(low, high)(engine);
}

bool Generator::hasArgument(const std::string &name) const {
  return findArgument(entry, name) != nullptr;
}

Array Generator::make(const ssd_argument &argument, const std::string &source) {
  Array array = Array::zeros(argument.dtype, sizes.shapeOf(argument));
  if (source == "random")
    fillRandom(array, argument);
  for (int64_t i = 0; i < array.elementCount(); ++i) {
    if (source == "ones")
      array.setElement(i, 1);
    if (source != "iota")
      continue;
    // Where only some values are legal, count through those.
    int64_t low = argument.min_value, high = argument.max_value;
    bool bounded = isInteger(argument.dtype) && low <= high;
    array.setElement(i, double(bounded ? low + i % (high - low + 1) : i));
  }
  return array;
}

void Generator::fillRandom(Array &array, const ssd_argument &argument) {
  if (isInteger(argument.dtype))
    fillIntegers(array, argument);
  else
    fillFloats(array, argument.name);
}

/// Steps are log-uniform in [1e-3, 0.1] and rates uniform in [-16, -1], as
/// Mamba-2 initialises them; a decay without a rate is the product of both.
void Generator::fillFloats(Array &array, const std::string &name) {
  std::normal_distribution<double> normal;
  for (int64_t i = 0; i < array.elementCount(); ++i) {
    double value = 0;
    if (name == "rate")
      value = -uniform(1, 16);
    else if (name == "decay" || name == "scale")
      value = std::exp(uniform(std::log(1e-3), std::log(0.1)));
    else
      value = normal(engine);
    if (name == "decay" && !hasArgument("rate"))
      value *= -uniform(1, 16);
    array.setElement(i, value);
  }
}

void Generator::fillIntegers(Array &array, const ssd_argument &argument) {
  std::string name = argument.name;
  if (name == "segment_ids")
    return fillSegments(array);
  if (name == "offsets")
    return fillOffsets(array);
  if (name == "slots")
    return fillSlots(array);
  // Unbounded integers are sizes or indices of something: zero is safest.
  if (argument.min_value > argument.max_value)
    return;
  std::uniform_int_distribution<int64_t> range(argument.min_value,
                                               argument.max_value);
  for (int64_t i = 0; i < array.elementCount(); ++i)
    array.setElement(i, static_cast<double>(range(engine)));
}

void Generator::fillSegments(Array &array) {
  int64_t length = array.shape.empty() ? 1 : array.shape.back();
  int64_t id = 0;
  for (int64_t i = 0; i < array.elementCount(); ++i) {
    if (i % length == 0)
      id = 0;
    else if (uniform(0, 1) < kSegmentChange)
      ++id;
    array.setElement(i, static_cast<double>(id));
  }
}

void Generator::fillOffsets(Array &array) {
  std::vector<int64_t> x = sizes.shapeOf("x");
  int64_t length = x.size() > 1 ? x[1] : 0, count = array.elementCount();
  if (count == 0)
    return;
  std::vector<int64_t> cuts(static_cast<size_t>(count), 0);
  std::uniform_int_distribution<int64_t> position(0, length);
  for (int64_t &cut : cuts)
    cut = position(engine);
  std::sort(cuts.begin(), cuts.end());
  cuts.front() = 0;
  cuts.back() = length;
  for (int64_t i = 0; i < count; ++i)
    array.setElement(i, static_cast<double>(cuts[i]));
}

void Generator::fillSlots(Array &array) {
  std::vector<int64_t> pool = sizes.shapeOf("state0");
  if (pool.empty())
    pool = sizes.shapeOf("state");
  std::vector<int64_t> rows(pool.empty() ? 0 : pool[0]);
  std::iota(rows.begin(), rows.end(), 0);
  std::shuffle(rows.begin(), rows.end(), engine);
  for (int64_t i = 0; i < array.elementCount(); ++i)
    array.setElement(i, i < int64_t(rows.size()) ? static_cast<double>(rows[i])
                                                 : -1);
}
