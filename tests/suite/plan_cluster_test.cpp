#include "suite/plan_cluster.h"

#include <gmock/gmock.h>

#include <set>

#include "base/error.h"

namespace peakbench::suite {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Plan plan_of(const std::string& yaml, int ranks) {
  return make_plan(parse_config(yaml, "c.yaml", {}), {}, ranks);
}

std::vector<std::int64_t> ranks_of(const std::vector<ScalingPlanned>& scaling) {
  std::vector<std::int64_t> ranks;
  for (const ScalingPlanned& one : scaling)
    ranks.push_back(one.record.ranks);
  return ranks;
}

constexpr const char* kScaling =
    "scaling: {mode: strong}\nep: {arms: ep_fused, depths: [2, 3], width: 8, batch: 2}\n";

TEST(PlanCluster, CollectivesAreTheProductOfTheirAxes) {
  const Plan plan = plan_of("comm: {operation: [reduce, broadcast], backend: mpi, bytes: [8, 64], "
                            "ranks: [2, 4]}",
                            4);
  EXPECT_EQ(plan.comm.size(), 8u);
  ASSERT_EQ(plan.cases.size(), 8u);
  std::set<std::string> ids;
  for (const PlannedCase& one : plan.cases) {
    EXPECT_EQ(one.kind, Kind::comm);
    ids.insert(one.id);
  }
  EXPECT_EQ(ids.size(), 8u);
  EXPECT_EQ(plan.label(plan.cases[0]), "comm reduce mpi 8 bytes, 2 ranks");
}

TEST(PlanCluster, CollectivesAreBetweenAllRanksUnlessToldOtherwise) {
  const Plan two = plan_of("comm: {bytes: 8}", 2), three = plan_of("comm: {bytes: 8}", 3);
  EXPECT_EQ(two.comm.at(0).record.ranks, 2);
  EXPECT_EQ(three.comm.at(0).record.ranks, 3);
  EXPECT_NE(two.hash, three.hash) << "another number of ranks is another measurement";
}

TEST(PlanCluster, ScalingDoublesUpToAllRanks) {
  EXPECT_THAT(ranks_of(plan_of(kScaling, 1).scaling), ElementsAre(1));
  EXPECT_THAT(ranks_of(plan_of(kScaling, 4).scaling), ElementsAre(1, 2, 4));
  EXPECT_THAT(ranks_of(plan_of(kScaling, 6).scaling), ElementsAre(1, 2, 4, 6));
}

TEST(PlanCluster, TheWorkloadIsSharedAndNotRecorded) {
  const Plan plan = plan_of(kScaling, 2);
  EXPECT_TRUE(plan.ep.empty());
  for (const PlannedCase& one : plan.cases)
    EXPECT_EQ(one.kind, Kind::scaling);
  const Config config = parse_config(kScaling, "c.yaml", {});
  const Plan once = make_plan(workload_of(config, 1)), thrice = make_plan(workload_of(config, 3));
  EXPECT_EQ(once.ep.size(), 2u);
  EXPECT_EQ(thrice.ep.size(), 6u);
  EXPECT_EQ(plan.scaling.at(0).record.workload, once.hash);
}

TEST(PlanCluster, AnotherWorkloadIsAnotherCase) {
  const std::string deeper =
      std::string(kScaling).replace(std::string(kScaling).find("[2, 3]"), 6, "[2, 4]");
  EXPECT_NE(plan_of(kScaling, 1).cases.at(0).id, plan_of(deeper, 1).cases.at(0).id);
}

TEST(PlanCluster, AWorkloadThatCannotRunIsRefusedAtOnce) {
  EXPECT_THAT([] { plan_of("scaling: {}\neab: {model: no.gguf, prompts: {text: [a]}}", 1); },
              ::testing::ThrowsMessage<UserError>(HasSubstr("no.gguf")));
}

} // namespace
} // namespace peakbench::suite
