#include "cluster/devices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace peakbench::cluster {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(PickGpu, LocalRanksTakeTheGpusInTurn) {
  const std::vector<RankGpus> ranks{
      {"a", {"g0", "g1"}}, {"b", {"h0", "h1"}}, {"a", {"g0", "g1"}}, {"b", {"h0", "h1"}}};
  EXPECT_EQ(pick_gpu(ranks, 0), 0);
  EXPECT_EQ(pick_gpu(ranks, 1), 0);
  EXPECT_EQ(pick_gpu(ranks, 2), 1);
  EXPECT_EQ(pick_gpu(ranks, 3), 1);
}

TEST(PickGpu, RanksThatWereGivenOneGpuEachTakeIt) {
  const std::vector<RankGpus> ranks{{"a", {"g0"}}, {"a", {"g1"}}, {"a", {"g2"}}};
  for (std::size_t me = 0; me < ranks.size(); ++me)
    EXPECT_EQ(pick_gpu(ranks, me), 0);
}

TEST(PickGpu, RefusesMoreLocalRanksThanGpus) {
  const std::vector<RankGpus> ranks{{"a", {"g0"}}, {"a", {"g0"}}};
  EXPECT_THAT([&] { pick_gpu(ranks, 1); },
              ThrowsMessage<UserError>(HasSubstr("2 ranks on a but 1 GPU visible")));
  // Rank 0 too, though there is a GPU for it: nobody's memory could be measured.
  EXPECT_THROW(pick_gpu(ranks, 0), UserError);
}

TEST(PickGpu, RefusesGpusThatOverlapInPart) {
  const std::vector<RankGpus> ranks{{"a", {"g0", "g1"}}, {"a", {"g1"}}};
  EXPECT_THROW(pick_gpu(ranks, 0), UserError);
}

TEST(PickGpu, RefusesAHostWithoutGpus) {
  const std::vector<RankGpus> ranks{{"a", {"g0"}}, {"b", {}}};
  EXPECT_EQ(pick_gpu(ranks, 0), 0);
  EXPECT_THAT([&] { pick_gpu(ranks, 1); }, ThrowsMessage<UserError>(HasSubstr("0 GPUs visible")));
}

TEST(ShareOfCores, DividesWhatIsShared) {
  const std::vector<int> all{0, 1, 2, 3, 4, 5, 6, 7};
  const std::vector<std::vector<int>> ranks(4, all);
  for (std::size_t me = 0; me < 4; ++me)
    EXPECT_EQ(share_of_cores(ranks, me, 0), 2);
}

TEST(ShareOfCores, LeavesBoundRanksTheirOwn) {
  const std::vector<std::vector<int>> ranks{{0, 1, 2, 3}, {4, 5, 6}};
  EXPECT_EQ(share_of_cores(ranks, 0, 0), 4);
  EXPECT_EQ(share_of_cores(ranks, 1, 0), 3);
}

TEST(ShareOfCores, IsAtLeastOne) {
  const std::vector<std::vector<int>> ranks(4, std::vector<int>{0, 1});
  EXPECT_EQ(share_of_cores(ranks, 0, 0), 1);
  EXPECT_EQ(share_of_cores({{{}}}, 0, 0), 1);
}

TEST(ShareOfCores, RespectsTheContainersQuota) {
  const std::vector<std::vector<int>> ranks(2, std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7});
  EXPECT_EQ(share_of_cores(ranks, 0, 4), 2);
  EXPECT_EQ(share_of_cores(ranks, 0, 0.5), 1);
  EXPECT_EQ(share_of_cores(ranks, 0, 100), 4);
}

TEST(SingleDevice, TheCpuIsAlwaysThere) {
  EXPECT_TRUE(single_device("cpu").is_cpu());
  EXPECT_TRUE(facts_of(c10::Device(c10::kCPU)).identity.empty());
}

} // namespace
} // namespace peakbench::cluster
