// Every operation against a plain loop over what each rank gave.
#include "cluster/collectives.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "cluster/devices.h"

namespace peakbench::cluster {
namespace {

constexpr std::int64_t kOddSizes[] = {1, 2, 3, 5, 17, 1023, 100003};
constexpr double kLimitSeconds = 60;

// What rank `rank` gives at a position: small whole numbers, so that sums are exact in float32.
double given(int rank, std::int64_t position) {
  return static_cast<double>((position * 7 + rank * 13) % 101);
}

class CollectivesTest : public ::testing::TestWithParam<GatherBy> {
protected:
  void SetUp() override {
    if (GetParam() == GatherBy::nccl) {
      try {
        device_ = choose_device(session_, "cuda");
        use_device(device_);
      } catch (const UserError& error) {
        GTEST_SKIP() << "needs a GPU per rank: " << error.what();
      }
    }
    collectives_ = make_collectives(session_, GetParam(), device_, kLimitSeconds);
  }

  at::Tensor buffer(std::int64_t count, at::ScalarType type) const {
    return at::full({count}, -1, at::TensorOptions(type).device(collectives_->device()));
  }
  at::Tensor given_by(int rank, std::int64_t count, at::ScalarType type) const {
    at::Tensor values = at::empty({count}, at::kDouble);
    for (std::int64_t i = 0; i < count; ++i)
      values.mutable_data_ptr<double>()[i] = given(rank, i);
    return values.to(type).to(collectives_->device());
  }
  at::Tensor mine(std::int64_t count, at::ScalarType type) const {
    return given_by(session_.rank(), count, type);
  }
  double sum_at(std::int64_t position) const {
    double sum = 0;
    for (int rank = 0; rank < session_.size(); ++rank)
      sum += given(rank, position);
    return sum;
  }
  // The first position where the two differ, or -1.
  template <class Expected>
  static std::int64_t first_wrong(const at::Tensor& result, Expected expected) {
    const at::Tensor host = result.cpu().to(at::kDouble);
    for (std::int64_t i = 0; i < host.numel(); ++i)
      if (host.const_data_ptr<double>()[i] != expected(i))
        return i;
    return -1;
  }

  int argc_ = 0;
  char** argv_ = nullptr;
  Session session_{argc_, argv_};
  c10::Device device_{c10::kCPU};
  std::unique_ptr<Collectives> collectives_;
};

INSTANTIATE_TEST_SUITE_P(Backends, CollectivesTest,
                         ::testing::Values(GatherBy::mpi, GatherBy::nccl),
                         [](const auto& backend) { return std::string(name_of(backend.param)); });

TEST_P(CollectivesTest, AllGatherPutsEveryRanksPartInItsPlace) {
  for (const at::ScalarType type : {at::kFloat, at::kDouble})
    for (const std::int64_t count : kOddSizes) {
      at::Tensor all = buffer(count * session_.size(), type);
      collectives_->all_gather(mine(count, type), all);
      collectives_->wait();
      EXPECT_EQ(
          first_wrong(
              all, [&](std::int64_t i) { return given(static_cast<int>(i / count), i % count); }),
          -1)
          << count;
    }
}

TEST_P(CollectivesTest, AllReduceSumsOnEveryRank) {
  for (const at::ScalarType type : {at::kFloat, at::kDouble})
    for (const std::int64_t count : kOddSizes) {
      at::Tensor sum = buffer(count, type);
      collectives_->all_reduce(mine(count, type), sum);
      collectives_->wait();
      EXPECT_EQ(first_wrong(sum, [&](std::int64_t i) { return sum_at(i); }), -1) << count;
    }
}

TEST_P(CollectivesTest, BroadcastComesFromAnyRoot) {
  for (int root = 0; root < session_.size(); ++root)
    for (const std::int64_t count : kOddSizes) {
      at::Tensor values = mine(count, at::kFloat);
      collectives_->broadcast(values, root);
      collectives_->wait();
      EXPECT_EQ(first_wrong(values, [&](std::int64_t i) { return given(root, i); }), -1) << count;
    }
}

TEST_P(CollectivesTest, ReduceSumsOnTheRootAlone) {
  for (int root = 0; root < session_.size(); ++root)
    for (const std::int64_t count : kOddSizes) {
      at::Tensor sum = buffer(count, at::kDouble);
      collectives_->reduce(mine(count, at::kDouble), sum, root);
      collectives_->wait();
      const bool here = session_.rank() == root;
      EXPECT_EQ(first_wrong(sum, [&](std::int64_t i) { return here ? sum_at(i) : -1; }), -1)
          << count;
    }
}

// As the benchmark uses it: many operations, one wait.
TEST_P(CollectivesTest, OperationsFollowEachOther) {
  constexpr std::int64_t kCount = 33;
  const at::Tensor ones = buffer(kCount, at::kDouble).fill_(1);
  at::Tensor a = buffer(kCount, at::kDouble), b = buffer(kCount, at::kDouble);
  collectives_->all_reduce(ones, a);
  for (int i = 0; i < 5; ++i) {
    collectives_->all_reduce(a, b);
    collectives_->all_reduce(b, a);
  }
  collectives_->wait();
  EXPECT_EQ(first_wrong(a, [&](std::int64_t) { return std::pow(session_.size(), 11); }), -1);
}

TEST_P(CollectivesTest, APartOfTheRanksMayWorkAlone) {
  const int ranks = (session_.size() + 1) / 2;
  const auto part = session_.of_first(ranks);
  if (part) {
    const auto few = make_collectives(*part, GetParam(), device_, kLimitSeconds);
    at::Tensor sum = buffer(7, at::kDouble);
    few->all_reduce(buffer(7, at::kDouble).fill_(2), sum);
    few->wait();
    EXPECT_EQ(first_wrong(sum, [&](std::int64_t) { return 2 * ranks; }), -1);
  }
  session_.barrier();
}

TEST(LockStepTest, TellsTheGreatestOfAllRanks) {
  int argc = 0;
  char** argv = nullptr;
  const Session session(argc, argv);
  const LockStep step(session);
  step.barrier();
  const double last = session.size() - 1;
  EXPECT_THAT(step.greatest({1.0 * session.rank(), -1.0 * session.rank(), 0.25}),
              ::testing::ElementsAre(last, 0, 0.25));
}

} // namespace
} // namespace peakbench::cluster
