#include "cluster/gather.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "cluster/nccl.h"

namespace peakbench::cluster {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

class GatherTest : public ::testing::Test {
protected:
  int argc_ = 0;
  char** argv_ = nullptr;
  Session session_{argc_, argv_};
  c10::Device cpu_{c10::kCPU};
};

TEST_F(GatherTest, OnCpusItIsMpi) {
  EXPECT_EQ(choose_gather(session_, "auto", cpu_), GatherBy::mpi);
  EXPECT_EQ(choose_gather(session_, "mpi", cpu_), GatherBy::mpi);
  EXPECT_THAT([&] { choose_gather(session_, "nccl", cpu_); },
              ThrowsMessage<UserError>(AllOf(HasSubstr("gather: nccl is not possible"),
                                             HasSubstr("say gather: mpi or auto"))));
}

TEST_F(GatherTest, TheObstacleIsToldAlikeOnEveryRank) {
  const std::string why = nccl_obstacle(session_, cpu_);
  EXPECT_EQ(why, nccl_available() ? "a rank has no GPU" : "this program was built without NCCL");
  EXPECT_EQ(session_.broadcast(why), why);
}

TEST_F(GatherTest, WhereTensorsAreInOtherProcessesAutoAsksNobody) {
  // Not collective then: one rank alone comes back.
  if (session_.rank() == 0) {
    EXPECT_EQ(choose_gather(session_, "auto", cpu_, false), GatherBy::mpi);
  }
}

} // namespace
} // namespace peakbench::cluster
