#include "cluster/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/error.h"
#include "cluster/devices.h"

namespace peakbench::cluster {
namespace {

class SummaryTest : public ::testing::Test {
protected:
  int argc_ = 0;
  char** argv_ = nullptr;
  Session session_{argc_, argv_};
};

TEST_F(SummaryTest, EveryRankGetsEveryRow) {
  const std::vector<double> mine{1.0 * session_.rank(), -0.5,
                                 std::numeric_limits<double>::infinity()};
  const auto rows = gather_summary(session_, GatherBy::mpi, c10::Device(c10::kCPU), mine);
  ASSERT_EQ(rows.size(), static_cast<std::size_t>(session_.size()));
  for (int rank = 0; rank < session_.size(); ++rank)
    EXPECT_THAT(rows[static_cast<std::size_t>(rank)],
                ::testing::ElementsAre(1.0 * rank, -0.5, std::numeric_limits<double>::infinity()));
}

// On a machine with GPUs: NCCL gives what MPI gives.
TEST_F(SummaryTest, NcclGivesTheSame) {
  c10::Device device(c10::kCPU);
  try {
    device = choose_device(session_, "cuda");
    use_device(device);
  } catch (const UserError& error) {
    GTEST_SKIP() << "needs a GPU per rank: " << error.what();
  }
  ASSERT_EQ(choose_gather(session_, "nccl", device), GatherBy::nccl);
  const std::vector<double> mine{3.5 + session_.rank(), 1e300};
  EXPECT_EQ(gather_summary(session_, GatherBy::nccl, device, mine),
            gather_summary(session_, GatherBy::mpi, device, mine));
}

} // namespace
} // namespace peakbench::cluster
