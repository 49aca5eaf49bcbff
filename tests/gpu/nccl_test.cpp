// NCCL of one rank on one GPU: what can be shown without a second GPU. Several ranks, each with its
// own: tests/mpi (collectives, tensor channel, summary).
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "cluster/collectives.h"
#include "cluster/devices.h"
#include "cluster/nccl.h"
#include "cluster/tensor_channel.h"
#include "measure/memory.h"

namespace peakbench::cluster {
namespace {

constexpr double kLimitSeconds = 60;

class NcclTest : public ::testing::Test {
protected:
  void SetUp() override {
    if (!at::hasCUDA() || !nccl_available())
      GTEST_SKIP() << "needs a GPU that CUDA can use, and NCCL";
    use_device(device_);
  }
  // One for all tests: MPI ends with its session, for good.
  static const Session& session() {
    static int argc = 0;
    static char** argv = nullptr;
    static const Session only(argc, argv);
    return only;
  }
  c10::Device device_{c10::kCUDA, 0};
};

TEST_F(NcclTest, OneCommunicatorServesManyOperations) {
  const auto collectives = make_collectives(session(), GatherBy::nccl, device_, kLimitSeconds);
  const at::Tensor mine = at::arange(1000, at::TensorOptions(at::kFloat).device(device_));
  for (int round = 0; round < 20; ++round) {
    at::Tensor all = at::full_like(mine, -1), sum = at::full_like(mine, -1);
    collectives->all_gather(mine, all);
    collectives->all_reduce(mine, sum);
    collectives->broadcast(sum, 0);
    collectives->wait();
    EXPECT_TRUE(at::equal(all, mine));
    EXPECT_TRUE(at::equal(sum, mine));
  }
}

TEST_F(NcclTest, TheRunsChoice) {
  EXPECT_EQ(nccl_obstacle(session(), device_), "");
  EXPECT_EQ(choose_gather(session(), "nccl", device_), GatherBy::nccl);
  EXPECT_EQ(choose_gather(session(), "auto", device_), GatherBy::mpi) << "one rank gathers nothing";
}

// What it needs for itself is outside of what is counted for a case.
TEST_F(NcclTest, TheChannelTakesNothingFromTheCachingAllocator) {
  measure::DeviceMemory& memory = measure::DeviceMemory::of(device_);
  const auto before = memory.live().total;
  const auto channel = make_tensor_channel(session(), GatherBy::nccl, device_, kLimitSeconds);
  EXPECT_EQ(memory.live().total, before);
}

} // namespace
} // namespace peakbench::cluster
