//===- CostModelTest.cpp - The cost model as a function --------*- C++ -*-===//
//
// Part of ssd-mlir, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/analysis/CostModel.h"

#include "gtest/gtest.h"

using namespace ssd;

static MixerShape mamba2(int64_t length) {
  MixerShape shape;
  shape.length = length;
  shape.heads = 24, shape.headDim = 64, shape.stateDim = 128;
  return shape;
}

static double seconds(const MixerShape &shape, const Form &form) {
  return estimateCost(shape, form, CPUNumbers()).seconds;
}

TEST(CostModel, EmptySequencesCostNothing) {
  for (const Form &form : candidateForms(mamba2(2048), CPUNumbers())) {
    Cost cost = estimateCost(mamba2(0), form, CPUNumbers());
    EXPECT_EQ(cost.seconds, 0) << toString(form);
    EXPECT_EQ(cost.flops, 0) << toString(form);
  }
}

TEST(CostModel, OneTokenIsRecurrent) {
  EXPECT_EQ(chooseForm(mamba2(1), CPUNumbers()).kind, FormKind::recurrent);
}

TEST(CostModel, ShortPromptsAreOneChunk) {
  for (int64_t length : {8, 16})
    EXPECT_EQ(chooseForm(mamba2(length), CPUNumbers()).kind,
              FormKind::quadratic)
        << length;
}

TEST(CostModel, RowsOfTheStateCostTheRecurrentForm) {
  // As many elements of the state, in fewer and longer rows.
  MixerShape tall = mamba2(256), wide = mamba2(256);
  tall.headDim = 128, tall.stateDim = 16;
  wide.headDim = 16, wide.stateDim = 128;
  EXPECT_GT(seconds(tall, {FormKind::recurrent, 0}),
            seconds(wide, {FormKind::recurrent, 0}));
}

TEST(CostModel, ChunksCostMoreWhereOperandsStream) {
  MixerShape shape = mamba2(256);
  CPUNumbers large, small;
  large.cacheBytes = 1e9, small.cacheBytes = 1e3;
  Form chunked = {FormKind::chunked, 16}, recurrent = {FormKind::recurrent, 0};
  double rows = 24 * 16 * 128 * small.stateRowTime; // heads, chunks, rows
  EXPECT_NEAR(estimateCost(shape, chunked, small).seconds -
                  estimateCost(shape, chunked, large).seconds,
              rows, 1e-9);
  // A token's rows do where one sequence alone streams.
  double tokens = 24 * 256 * 64 * small.streamedRowTime; // heads, tokens, rows
  EXPECT_NEAR(estimateCost(shape, recurrent, small).seconds -
                  estimateCost(shape, recurrent, large).seconds,
              tokens, 1e-9);
  shape.batch = 64;
  CPUNumbers middle; // for one sequence, not for all of them
  middle.cacheBytes = 1e7;
  EXPECT_EQ(estimateCost(shape, recurrent, middle).seconds,
            estimateCost(shape, recurrent, large).seconds);
  EXPECT_GT(estimateCost(shape, chunked, middle).seconds,
            estimateCost(shape, chunked, large).seconds);
}

TEST(CostModel, LongSequencesAreChunked) {
  for (int64_t length : {1024, 4096, 65536})
    EXPECT_EQ(chooseForm(mamba2(length), CPUNumbers()).kind, FormKind::chunked)
        << length;
}

TEST(CostModel, DiagonalDecaysHaveOneForm) {
  MixerShape shape = mamba2(4096);
  shape.diagonalDecay = true;
  ASSERT_EQ(candidateForms(shape, CPUNumbers()).size(), 1u);
  EXPECT_EQ(chooseForm(shape, CPUNumbers()).kind, FormKind::recurrent);
}

TEST(CostModel, ChunksShorterThanTheSequenceOnly) {
  for (const Form &form : candidateForms(mamba2(64), CPUNumbers()))
    if (form.kind == FormKind::chunked)
      EXPECT_LT(form.chunk, 64);
}

TEST(CostModel, OneChunkIsTheQuadraticForm) {
  MixerShape shape = mamba2(128);
  EXPECT_DOUBLE_EQ(seconds(shape, {FormKind::chunked, 128}),
                   seconds(shape, {FormKind::quadratic, 0}));
}

TEST(CostModel, QuadraticGrowsQuadratically) {
  Form form = {FormKind::quadratic, 0};
  double ratio = seconds(mamba2(65536), form) / seconds(mamba2(32768), form);
  EXPECT_GT(ratio, 3.5);
  EXPECT_LT(ratio, 4.1);
}

TEST(CostModel, OtherFormsGrowLinearlyAndKeepTheirMemory) {
  for (const Form &form :
       {Form{FormKind::recurrent, 0}, Form{FormKind::chunked, 64}}) {
    double ratio = seconds(mamba2(65536), form) / seconds(mamba2(32768), form);
    EXPECT_NEAR(ratio, 2, 0.05) << toString(form);
    EXPECT_EQ(estimateCost(mamba2(65536), form, CPUNumbers()).memory,
              estimateCost(mamba2(32768), form, CPUNumbers()).memory);
  }
}

TEST(CostModel, WorkersShareWork) {
  CPUNumbers one, two;
  two.workers = 2;
  Form form = {FormKind::chunked, 64};
  double ratio = estimateCost(mamba2(4096), form, one).seconds /
                 estimateCost(mamba2(4096), form, two).seconds;
  EXPECT_GT(ratio, 1.9);
  EXPECT_LE(ratio, 2.0);
}

TEST(CostModel, SplitsWhereHeadsAreFewerThanWorkers) {
  CPUNumbers many;
  many.workers = 16;
  MixerShape shape = mamba2(16384);
  shape.heads = 2;
  Form form = chooseForm(shape, many);
  EXPECT_EQ(form.kind, FormKind::chunked);
  EXPECT_EQ(form.parts, 8);
  Form whole = form;
  whole.parts = 1;
  EXPECT_GT(estimateCost(shape, form, many).flops,
            estimateCost(shape, whole, many).flops);
  EXPECT_EQ(estimateCost(shape, form, many).launches, 3);
  shape.batch = 8; // as many tasks as workers
  EXPECT_EQ(chooseForm(shape, many).parts, 1);
}

TEST(CostModel, PartsDoNotTakeTurns) {
  CPUNumbers many;
  many.workers = 16;
  MixerShape shape = mamba2(65536);
  shape.heads = 3;
  EXPECT_EQ(chooseForm(shape, many).parts, 5);
  shape.heads = 9; // 18 parts would be two rounds
  EXPECT_EQ(chooseForm(shape, many).parts, 1);
}

TEST(CostModel, DynamicBatchesAreSplitIntoTasks) {
  CPUNumbers many;
  many.workers = 16;
  MixerShape shape = mamba2(16384);
  shape.heads = 2;
  shape.batchIs = MixerShape::Batch::dynamic;
  Form form = chooseForm(shape, many);
  EXPECT_EQ(form.tasks, 16);
  EXPECT_EQ(form.parts, 8); // of one sequence
  shape.batchIs = MixerShape::Batch::any;
  for (const Form &form : candidateForms(shape, many)) {
    EXPECT_EQ(form.parts, 1) << toString(form);
    EXPECT_EQ(form.tasks, 0) << toString(form);
  }
}

TEST(CostModel, NothingIsFasterThanItsBytes) {
  CPUNumbers target;
  for (int64_t length : {1, 100, 10000})
    for (const Form &form : candidateForms(mamba2(length), CPUNumbers())) {
      Cost cost = estimateCost(mamba2(length), form, target);
      EXPECT_GE(cost.seconds, cost.bytes / target.bandwidth) << toString(form);
    }
}

TEST(CostModel, RangesOfLengthsIncreaseAndEndUnbounded) {
  std::vector<LengthRange> ranges =
      chooseForLengths(mamba2(0), CPUNumbers());
  ASSERT_GE(ranges.size(), 2u);
  EXPECT_EQ(ranges.front().form.kind, FormKind::recurrent);
  EXPECT_EQ(ranges.back().form.kind, FormKind::chunked);
  EXPECT_EQ(ranges.back().upTo, INT64_MAX);
  for (size_t i = 1; i < ranges.size(); ++i)
    EXPECT_LT(ranges[i - 1].upTo, ranges[i].upTo);
}
