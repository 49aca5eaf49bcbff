#include <gtest/gtest.h>

#include <cmath>

#include "eab/generation.h"

namespace peakbench::eab {
namespace {

Sample sample(std::vector<std::int32_t> tokens, double log_prob, std::string text) {
  return {.leaf = 0, .log_prob = log_prob, .tokens = std::move(tokens), .text = std::move(text)};
}

TEST(Quality, DistinctByHand) {
  Trace trace;
  trace.samples = {sample({1, 2, 3}, -1, "x"), sample({1, 2, 4}, -2, "y"),
                   sample({1, 2, 4}, -2, "y")};
  const Quality quality = quality_of(trace);
  EXPECT_EQ(quality.distinct_texts, 2);
  EXPECT_DOUBLE_EQ(quality.distinct_1, 4.0 / 9);
  EXPECT_DOUBLE_EQ(quality.distinct_2, 3.0 / 6);
  EXPECT_DOUBLE_EQ(quality.mean_log_prob, -5.0 / 3);
  EXPECT_NEAR(quality.spread_log_prob, std::sqrt(1.0 / 3), 1e-12);
}

TEST(Quality, SelfBleuOfCopiesIsOneAndOfStrangersNearZero) {
  Trace copies;
  for (int i = 0; i < 3; ++i)
    copies.samples.push_back(sample({1, 2, 3, 4, 5}, -1, "x"));
  EXPECT_NEAR(quality_of(copies).self_bleu, 1, 1e-12);
  Trace strangers;
  for (int i = 0; i < 3; ++i)
    strangers.samples.push_back(
        sample({10 * i, 10 * i + 1, 10 * i + 2, 10 * i + 3, 10 * i + 4}, -1, "x"));
  EXPECT_LT(quality_of(strangers).self_bleu, 0.05);
}

// Two samples, each the other's reference. a = 1 2 3 4 5, b = 1 2 3 9: precisions of a 3/5, 2/4,
// 1/3, .1/2, of b 3/4, 2/3, 1/2, .1/1; b is shorter: penalty exp(1 - 5/4).
TEST(Quality, SelfBleuByHand) {
  Trace trace;
  trace.samples = {sample({1, 2, 3, 4, 5}, -1, "x"), sample({1, 2, 3, 9}, -1, "y")};
  const double a = std::pow(3.0 / 5 * 2 / 4 * 1 / 3 * 0.1 / 2, 0.25);
  const double b = std::exp(1 - 5.0 / 4) * std::pow(3.0 / 4 * 2 / 3 * 1 / 2 * 0.1, 0.25);
  EXPECT_NEAR(quality_of(trace).self_bleu, (a + b) / 2, 1e-12);
}

// Probabilities 1/2 and (1/4 + 1/4) by text: one bit. The same sequence drawn twice counts once.
TEST(Quality, AnswerEntropyByHand) {
  Trace trace;
  trace.samples = {sample({1}, std::log(0.5), "yes"), sample({2}, std::log(0.25), "no"),
                   sample({3}, std::log(0.25), "no"), sample({1}, std::log(0.5), "yes")};
  EXPECT_NEAR(quality_of(trace).answer_entropy, std::log(2.0), 1e-12);
}

// A branch into three is one decision; two unbranched nodes under one parent are two.
TEST(Quality, MeansAreOverDecisions) {
  Trace trace;
  const auto add = [&](std::int32_t parent, std::int32_t position, double entropy, bool branched) {
    trace.nodes.push_back({.node = static_cast<std::int32_t>(trace.nodes.size()),
                           .parent = parent,
                           .position = position,
                           .entropy = entropy,
                           .branched = branched});
  };
  for (int i = 0; i < 3; ++i)
    add(-1, 0, 0.9, true);
  for (int i = 0; i < 2; ++i)
    add(0, 1, 0.6, true);
  add(1, 1, 0.1, false);
  add(2, 1, 0.2, false);
  const Quality quality = quality_of(trace);
  EXPECT_NEAR(quality.mean_entropy, (0.9 + 0.6 + 0.1 + 0.2) / 4, 1e-12);
  EXPECT_DOUBLE_EQ(quality.branch_rate, 0.5);
  Trace independent;
  independent.nodes = {{.node = 0, .entropy = 0.5}, {.node = 1, .entropy = 0.5}};
  EXPECT_EQ(quality_of(independent).mean_entropy, 0.5);
}

TEST(Quality, WhatIsUndefinedIsNotANumber) {
  Trace trace;
  trace.samples = {sample({1}, -1, "x")};
  const Quality quality = quality_of(trace);
  EXPECT_TRUE(std::isnan(quality.self_bleu));
  EXPECT_TRUE(std::isnan(quality.spread_log_prob));
  EXPECT_TRUE(std::isnan(quality.distinct_2));
  EXPECT_EQ(quality.answer_entropy, 0);
}

} // namespace
} // namespace peakbench::eab
