//===- MixCheck.h - A mixer against the float64 recurrence ---*-  -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SSD_TOOLS_SSD_RUN_MIXCHECK_H
#define SSD_TOOLS_SSD_RUN_MIXCHECK_H

#include "runtime/reference/Reference.h"
#include "tools/ssd-run/Arguments.h"

namespace ssd::run {

/// Compares a run of a function that is one mixer with the reference. Made
/// before the run, because the initial state is overwritten by it.
class MixCheck {
public:
  MixCheck(const Options &options, CallArguments &call, const ssd_state *state);

  /// Prints one line per result; true if all are within the tolerance.
  bool compare(CallArguments &call, const ssd_state *state) const;

private:
  void readOperands(CallArguments &call, const ssd_state *state);
  bool report(const char *name, const Array &found,
              const std::vector<double> &expected) const;

  const Options &options;
  reference::MixOperands operands;
  double tolerance;
};

} // namespace ssd::run

#endif // SSD_TOOLS_SSD_RUN_MIXCHECK_H
