//===- Options.cpp - Command line of ssd-run ---*-  -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/ssd-run/Options.h"

#include <charconv>
#include <functional>

using namespace ssd::run;

const char *const ssd::run::kUsage =
    R"(usage: ssd-run ARTIFACT [options]

Runs one entry of a compiled artifact.

  --describe              print the artifact's table as JSON and stop
  --entry=NAME            the entry to run (default: the only one)
  --device=cpu|cuda       where to run an entry that is there for both
                          (default: where the table lists it first, the CPU)
  --weights=PATH          .safetensors file or model directory; or: random
  --threads=N             worker threads (default 0: one per core)
  --dim K=SIZE            dynamic size number K, as --describe shows it (dK)
  --input NAME=SOURCE     file.npy, random (default), zeros, ones or iota
  --seed=N                of random inputs and weights (default 0)
  --output NAME=FILE.npy  write an output (or a state, after the run)
  --state-in=FILE         start from a saved state instead of zeros
  --state-out=FILE        save the state after the run
  --time=RUNS             time the entry: median and least of RUNS runs
  --check=ssd-mix         compare with the float64 recurrence; needs arguments
                          named x, b, c, y and, as the mixer has them, decay,
                          rate, scale, segment_ids, offsets, slots, state
                          (initial and final) or state0 (initial), checkpoints
  --tolerance=X           largest RMS error ratio (default: 1e-5 for f32
                          operands, 5e-3 for others)
  --reverse               the mixer runs in reverse direction
  --checkpoint-every=K    tokens between the mixer's checkpoints

Float arrays are rounded to the argument's type; bf16 is also read from NPY
files of type V2 or uint16, and written as V2.
)";

namespace {

template <typename T>
T parseNumber(const std::string &text, const std::string &option) {
  T value{};
  const char *end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end)
    throw UsageError(option + " takes a number; found '" + text + "'.");
  return value;
}

/// "NAME=VALUE" in two.
std::pair<std::string, std::string> splitPair(const std::string &text,
                                              const std::string &option) {
  size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
    throw UsageError(option + " takes NAME=VALUE; found '" + text + "'.");
  return {text.substr(0, equals), text.substr(equals + 1)};
}

using Setter = std::function<void(Options &, const std::string &value,
                                  const std::string &option)>;

template <typename T> Setter number(T Options::*field) {
  return [field](Options &options, const std::string &value,
                 const std::string &option) {
    options.*field = parseNumber<T>(value, option);
    if (options.*field < T(0))
      throw UsageError(option + " can't be negative.");
  };
}

Setter text(std::string Options::*field) {
  return [field](Options &options, const std::string &value,
                 const std::string &) { options.*field = value; };
}

Setter pairs(std::map<std::string, std::string> Options::*field) {
  return [field](Options &options, const std::string &value,
                 const std::string &option) {
    auto [name, target] = splitPair(value, option);
    if (!(options.*field).emplace(name, target).second)
      throw UsageError(option + " names '" + name + "' twice.");
  };
}

void setDim(Options &options, const std::string &value,
            const std::string &option) {
  auto [index, size] = splitPair(value, option);
  // "d0" is how --describe spells it.
  if (index[0] == 'd')
    index.erase(0, 1);
  options.dims[parseNumber<int32_t>(index, option)] =
      parseNumber<int64_t>(size, option);
}

const std::map<std::string, Setter> &valueOptions() {
  static const std::map<std::string, Setter> all = {
      {"--entry", text(&Options::entry)},
      {"--device", text(&Options::device)},
      {"--weights", text(&Options::weights)},
      {"--threads", number(&Options::threads)},
      {"--seed", number(&Options::seed)},
      {"--input", pairs(&Options::inputs)},
      {"--output", pairs(&Options::outputs)},
      {"--dim", setDim},
      {"--state-in", text(&Options::stateIn)},
      {"--state-out", text(&Options::stateOut)},
      {"--time", number(&Options::timeRuns)},
      {"--check", text(&Options::check)},
      {"--checkpoint-every", number(&Options::checkpointEvery)},
      {"--tolerance", [](Options &options, const std::string &value,
                         const std::string &option) {
         options.tolerance = parseNumber<double>(value, option);
       }}};
  return all;
}

const std::map<std::string, bool Options::*> &flags() {
  static const std::map<std::string, bool Options::*> all = {
      {"--describe", &Options::describe},
      {"--help", &Options::help},
      {"--reverse", &Options::reverse}};
  return all;
}

/// Parses one argument, and the next one where it holds the value.
void parseOne(Options &options, int &i, int argc, char **argv) {
  std::string argument = argv[i];
  if (argument.rfind("--", 0) != 0) {
    if (!options.artifact.empty())
      throw UsageError("There are two artifacts: '" + options.artifact +
                       "' and '" + argument + "'.");
    options.artifact = argument;
    return;
  }
  if (auto flag = flags().find(argument); flag != flags().end()) {
    options.*flag->second = true;
    return;
  }
  size_t equals = argument.find('=');
  std::string name = argument.substr(0, equals);
  auto option = valueOptions().find(name);
  if (option == valueOptions().end())
    throw UsageError("There is no option '" + name + "'.");
  if (equals == std::string::npos && i + 1 == argc)
    throw UsageError(name + " needs a value.");
  std::string value =
      equals == std::string::npos ? argv[++i] : argument.substr(equals + 1);
  option->second(options, value, name);
}

} // namespace

Options ssd::run::parseOptions(int argc, char **argv) {
  Options options;
  for (int i = 1; i < argc; ++i)
    parseOne(options, i, argc, argv);
  if (options.artifact.empty() && !options.help)
    throw UsageError("The artifact is missing.");
  if (!options.device.empty() && options.device != "cpu" &&
      options.device != "cuda")
    throw UsageError("--device is cpu or cuda; found '" + options.device +
                     "'.");
  if (!options.check.empty() && options.check != "ssd-mix")
    throw UsageError("--check knows ssd-mix only; found '" + options.check +
                     "'.");
  return options;
}
