// Every verdict from figures chosen by hand: met, missed, and lacking.
#include "report/ep_criteria.h"

#include <gmock/gmock.h>

#include "report/examples.h"
#include "report/sections.h"

namespace peakbench::report {
namespace {

using namespace testing;
using ::testing::HasSubstr;

constexpr std::int64_t kSet = 66048;   // a layer's parameters
constexpr std::int64_t kState = 16384; // a layer's states

EpCase published_case(const std::string& arm, std::int64_t depth, std::int64_t per_layer) {
  EpCase row = ep_case(arm, depth, 1e-3, 1000000 + per_layer * depth);
  row.batch = 32;
  row.optimizer = "muon";
  row.init = "torch";
  row.dtype = "float32";
  row.peak = {.weights = row.weights_bytes, // beyond them what follows
              .gradients = std::min(per_layer, kSet) * depth,
              .optimizer = std::clamp<std::int64_t>(per_layer - kSet, 0, kSet) * depth,
              .activations = 0,
              .states = std::max<std::int64_t>(per_layer - 2 * kSet, 0) * depth,
              .kv_cache = 0,
              .logits = 0,
              .workspace = 1000000};
  row.case_id = results::case_id_of(row);
  return row;
}

// A run that meets every goal, as the suite's own does.
results::RunData meeting() {
  results::RunData run;
  for (const std::int64_t depth : {50, 100, 500}) {
    for (const char* arm : {"backprop", "ep_autograd", "ep_manual"})
      run.ep.push_back(published_case(arm, depth, 2 * kSet));
    run.ep.push_back(published_case("ep_fused", depth, 0));
  }
  for (EpCase& row : run.ep)
    if (row.depth == 100 && row.arm == "ep_manual") {
      row.energy_difference = 1e-12;
      row.state_difference = 1e-9;
      row.loss_difference = 1e-6;
    }
  for (const std::int64_t depth : {500, 1000}) {
    EpCase row = published_case("ep_sweep_checkpoint", depth, 0);
    row.optimizer = "sgd";
    row.init = "orthogonal";
    row.reach = depth;
    run.ep.push_back(row);
  }
  EpCase row = published_case("ep_autograd", 500, kSet);
  row.optimizer = "sgd";
  row.init = "orthogonal";
  run.ep.push_back(row);
  const std::string id = run.ep[4].case_id; // backprop at depth 100
  run.ep_operations = {{id, "forward_module_no_grad", "live", -1, 1280, -1},
                       {id, "forward_module_grad", "live", -1, 1280 + 99 * kState, -1}};
  return run;
}

Criterion find(const Criteria& criteria, const std::string& name, const std::string& arm) {
  for (const Criterion& one : criteria.all)
    if (one.name == name && one.arm == arm)
      return one;
  throw std::runtime_error("no criterion " + name + " of " + arm);
}

EpCase& row_of(results::RunData& run, const std::string& arm, std::int64_t depth) {
  for (EpCase& row : run.ep)
    if (row.arm == arm && row.depth == depth)
      return row;
  throw std::runtime_error("no row");
}

TEST(EpCriteria, ARunThatMeetsThemAll) {
  for (const Criterion& one : ep_criteria(meeting()).all)
    EXPECT_EQ(one.verdict, one.arm == "ep_manual" && one.name == "slope with weights"
                               ? Verdict::explained
                               : Verdict::pass)
        << one.name << " of " << one.arm << ": " << one.measured;
  EXPECT_EQ(ep_criteria(meeting()).all.size(), 15u);
}

struct Spoiled {
  const char* criterion;
  const char* arm;
  void (*spoil)(results::RunData&);
};
class Spoil : public ::testing::TestWithParam<Spoiled> {};

// The negative controls: each figure made just too large fails its criterion.
TEST_P(Spoil, Fails) {
  results::RunData run = meeting();
  GetParam().spoil(run);
  EXPECT_EQ(find(ep_criteria(run), GetParam().criterion, GetParam().arm).verdict, Verdict::fail);
}

INSTANTIATE_TEST_SUITE_P(
    Figures, Spoil,
    ::testing::Values(
        Spoiled{"energy difference", "ep_manual",
                [](auto& run) { row_of(run, "ep_manual", 100).energy_difference = 1e-8; }},
        Spoiled{"settled states", "ep_manual",
                [](auto& run) { row_of(run, "ep_manual", 100).state_difference = 1e-5; }},
        Spoiled{"training loss", "ep_manual",
                [](auto& run) { row_of(run, "ep_manual", 100).loss_difference = 1e-3; }},
        Spoiled{
            "saving vs backprop", "ep_fused",
            [](auto& run) { row_of(run, "ep_fused", 500).peak_beyond_weights_bytes = 35000000; }},
        Spoiled{
            "saving vs ep_autograd", "ep_fused",
            [](auto& run) { row_of(run, "ep_fused", 500).peak_beyond_weights_bytes = 7000000; }},
        Spoiled{"saving vs ep_autograd (sgd)", "ep_sweep_checkpoint",
                [](auto& run) {
                  row_of(run, "ep_sweep_checkpoint", 500).peak_beyond_weights_bytes = 4000000;
                }},
        Spoiled{"growth from depth 2T on", "ep_fused",
                [](auto& run) { row_of(run, "ep_fused", 500).peak_beyond_weights_bytes += 1; }},
        Spoiled{"peak beyond weights", "ep_fused",
                [](auto& run) { row_of(run, "ep_fused", 50).peak_beyond_weights_bytes = 5500001; }},
        Spoiled{"peak beyond weights (sgd)", "ep_sweep_checkpoint",
                [](auto& run) {
                  row_of(run, "ep_sweep_checkpoint", 1000).peak_beyond_weights_bytes = 3000001;
                }},
        Spoiled{"reach", "ep_sweep_checkpoint",
                [](auto& run) { row_of(run, "ep_sweep_checkpoint", 1000).reach = 999; }},
        // 3 % more per layer, in a tag that explains nothing.
        Spoiled{"slope beyond weights", "backprop",
                [](auto& run) {
                  for (const std::int64_t depth : {50, 100, 500}) {
                    EpCase& row = row_of(run, "backprop", depth);
                    row.peak_beyond_weights_bytes += 4000 * depth;
                    row.peak.workspace += 4000 * depth;
                  }
                }},
        Spoiled{"saved activations", "backprop",
                [](auto& run) { run.ep_operations[1].bytes = 1280 + 96 * kState; }}));

TEST(EpCriteria, StatesAtThePeakExplainAnotherSlope) {
  results::RunData run = meeting();
  for (EpCase& row : run.ep)
    if (row.arm == "ep_autograd" && row.optimizer == "muon")
      row = published_case("ep_autograd", row.depth, 2 * kSet + 2 * kState);
  const Criterion slope = find(ep_criteria(run), "slope beyond weights", "ep_autograd");
  EXPECT_EQ(slope.verdict, Verdict::explained);
  EXPECT_THAT(slope.measured, HasSubstr("0.1649 = gradients 0.0660 + optimizer 0.0660 + states "
                                        "0.0328; published without the states: 0.1321"));
  // The same slope without tags that say so is a failure.
  for (EpCase& row : run.ep)
    row.peak.states = results::kAbsent;
  EXPECT_EQ(find(ep_criteria(run), "slope beyond weights", "ep_autograd").verdict, Verdict::fail);
}

// What the file lacks never passes.
TEST(EpCriteria, WhatIsNotThereIsNotMeasured) {
  results::RunData run;
  run.ep = {published_case("ep_fused", 100, 0)};
  const Criteria criteria = ep_criteria(run);
  for (const Criterion& one : criteria.all)
    EXPECT_EQ(one.verdict,
              one.name == "peak beyond weights" ? Verdict::pass : Verdict::not_measured)
        << one.name;
  EXPECT_GE(criteria.all.size(), 14u);
  EXPECT_TRUE(ep_criteria({}).all.empty());
}

TEST(EpCriteria, CasesThatFailedDoNotCount) {
  results::RunData run = meeting();
  for (EpCase& row : run.ep)
    if (row.arm == "ep_manual")
      row.status = "timed_out";
  EXPECT_EQ(find(ep_criteria(run), "energy difference", "EP arms").verdict, Verdict::not_measured);
}

TEST(EpCriteria, PublishedFiguresAreOfThePublishedSize) {
  results::RunData run = meeting();
  for (EpCase& row : run.ep)
    row.width = 64;
  const Criteria criteria = ep_criteria(run);
  EXPECT_EQ(find(criteria, "slope beyond weights", "backprop").verdict, Verdict::not_measured);
  EXPECT_EQ(find(criteria, "peak beyond weights", "ep_fused").verdict, Verdict::not_measured);
  EXPECT_EQ(find(criteria, "growth from depth 2T on", "ep_fused").verdict, Verdict::pass);
}

// No depth near 500: the saving is not judged at another one.
TEST(EpCriteria, SavingIsJudgedNearDepth500AndNamesIt) {
  results::RunData run = meeting();
  EXPECT_EQ(find(ep_criteria(run), "saving vs backprop", "ep_fused").at, "500");
  std::erase_if(run.ep, [](const EpCase& row) { return row.depth == 500; });
  EXPECT_EQ(find(ep_criteria(run), "saving vs backprop", "ep_fused").verdict,
            Verdict::not_measured);
}

TEST(EpCriteria, TheTableStandsBesideTheLightCone) {
  const auto tables = ep_criteria_tables(meeting());
  ASSERT_EQ(tables.size(), 1u);
  EXPECT_TRUE(has_note(tables[0], "Light cone"));
  EXPECT_TRUE(has_note(tables[0], "the published gradient, put in for the arm's"));
  EXPECT_TRUE(has_note(tables[0], "explained:"));
  EXPECT_EQ(tables[0].columns.size(), tables[0].rows[0].size());
  results::RunData nothing;
  nothing.ep = {ep_case("ep_analytic", 4, 1e-3, 1000)};
  EXPECT_TRUE(ep_criteria_tables(nothing).empty());
}

} // namespace
} // namespace peakbench::report
