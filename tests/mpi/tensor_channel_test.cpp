// Tensors beside messages: the way of traces from the ranks' devices into rank 0's file.
#include "cluster/tensor_channel.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <stdexcept>
#include <thread>

#include "base/error.h"
#include "cluster/collector.h"
#include "cluster/devices.h"

namespace peakbench::cluster {
namespace {

constexpr double kLimitSeconds = 60;

// What rank `rank` sends as its `number`-th: of another length each time.
std::vector<double> numbered(int rank, int number) {
  std::vector<double> values;
  for (int i = 0; i < 1 + (number * 37 + rank) % 300; ++i)
    values.push_back(rank * 1e6 + number * 1e3 + i + 0.25);
  return values;
}

class TensorChannelTest : public ::testing::TestWithParam<GatherBy> {
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
    channel_ = make_tensor_channel(session_, GetParam(), device_, kLimitSeconds);
  }
  at::Tensor tensor_of(const std::vector<double>& values) const {
    return at::tensor(at::ArrayRef<double>(values), at::kDouble).to(device_);
  }
  std::vector<double> received(int from, std::size_t count) const {
    std::vector<double> values(count);
    EXPECT_TRUE(channel_->receive(from, values));
    return values;
  }

  int argc_ = 0;
  char** argv_ = nullptr;
  Session session_{argc_, argv_};
  c10::Device device_{c10::kCPU};
  std::unique_ptr<TensorChannel> channel_;
};

INSTANTIATE_TEST_SUITE_P(Backends, TensorChannelTest,
                         ::testing::Values(GatherBy::mpi, GatherBy::nccl),
                         [](const auto& backend) { return std::string(name_of(backend.param)); });

TEST_P(TensorChannelTest, EveryRanksTensorsArriveWholeAndInOrder) {
  constexpr int kTensors = 5;
  if (session_.rank() != 0) {
    for (int i = 0; i < kTensors; ++i)
      channel_->send(tensor_of(numbered(session_.rank(), i)));
    return;
  }
  for (int from = session_.size() - 1; from > 0; --from) // not in the order of ranks
    for (int i = 0; i < kTensors; ++i) {
      const std::vector<double> expected = numbered(from, i);
      EXPECT_EQ(received(from, expected.size()), expected) << from << ", " << i;
    }
}

TEST_P(TensorChannelTest, ABigTensorTravelsInPieces) {
  constexpr std::int64_t kValues = (std::int64_t{5} << 20) + 3; // 40 MB
  if (session_.rank() != 0) {
    channel_->send(at::arange(kValues, at::TensorOptions(at::kDouble).device(device_)));
    return;
  }
  for (int from = 1; from < session_.size(); ++from) {
    const std::vector<double> values = received(from, kValues);
    std::int64_t wrong = 0;
    for (std::int64_t i = 0; i < kValues; ++i)
      wrong += values[static_cast<std::size_t>(i)] != static_cast<double>(i);
    EXPECT_EQ(wrong, 0);
  }
}

TEST_P(TensorChannelTest, TheCollectorBringsTensorAndMessageTogether) {
  constexpr int kMessages = 40;
  std::map<int, int> seen;
  Collector collector(
      session_,
      [&](int from, const std::string& message, const std::vector<double>& tensor) {
        const int number = seen[from]++;
        EXPECT_EQ(message, std::to_string(from) + "/" + std::to_string(number));
        const bool with = number % 3 != 0;
        EXPECT_EQ(tensor, with ? numbered(from, number) : std::vector<double>()) << message;
      },
      *channel_);
  std::int64_t bytes = 0;
  for (int i = 0; i < kMessages; ++i) {
    const std::string message = std::to_string(session_.rank()) + "/" + std::to_string(i);
    bytes += static_cast<std::int64_t>(message.size());
    if (i % 3 == 0) {
      collector.send(message);
    } else {
      const std::vector<double> values = numbered(session_.rank(), i);
      bytes += static_cast<std::int64_t>(values.size() * sizeof(double));
      collector.send(message, tensor_of(values));
    }
  }
  collector.finish();
  const Traffic sent = collector.sent();
  EXPECT_EQ(sent.bytes, session_.rank() == 0 ? 0 : bytes);
  EXPECT_EQ(sent.seconds > 0, session_.rank() != 0);
  if (session_.rank() == 0) {
    for (int from = 0; from < session_.size(); ++from)
      EXPECT_EQ(seen[from], kMessages) << from;
  }
}

// A disk that is full must not leave a rank waiting for its tensor to be taken.
TEST_P(TensorChannelTest, AfterAFailedSinkTensorsAreStillTaken) {
  Collector collector(
      session_,
      [](int, const std::string&, const std::vector<double>&) {
        throw std::runtime_error("disk full");
      },
      *channel_);
  for (int i = 0; i < 5; ++i)
    collector.send("x", tensor_of(numbered(session_.rank(), i)));
  if (session_.rank() == 0) {
    EXPECT_THAT([&] { collector.finish(); },
                ::testing::ThrowsMessage<std::runtime_error>("disk full"));
  } else {
    EXPECT_NO_THROW(collector.finish());
  }
  EXPECT_TRUE(collector.stopped());
}

// Whoever has sent may then free its memory. The ranks are on one host and have one clock.
TEST_P(TensorChannelTest, SendingEndsAfterRankZeroHasBegunToTake) {
  const auto now = [] { return std::chrono::steady_clock::now().time_since_epoch().count(); };
  const at::Tensor tensor = tensor_of({1, 2, 3});
  session_.barrier();
  if (session_.rank() == 0)
    std::this_thread::sleep_for(std::chrono::milliseconds(50)); // late on purpose
  const auto before = now();
  if (session_.rank() == 0) {
    for (int from = 1; from < session_.size(); ++from)
      EXPECT_EQ(received(from, 3), (std::vector<double>{1, 2, 3}));
  } else {
    channel_->send(tensor);
  }
  const auto after = now();
  const auto begun = std::stoll(session_.broadcast(std::to_string(before)));
  EXPECT_GT(after, begun);
}

// A rank that died after it had announced a tensor: nobody waits for it for ever.
TEST_P(TensorChannelTest, RankZeroMayGiveUp) {
  if (session_.rank() == 0 && session_.size() > 1) {
    static std::vector<double> values(7); // lives on
    int asked = 0;
    EXPECT_FALSE(channel_->receive(1, values, [&] { return ++asked == 3; }));
  }
  session_.barrier();
}

TEST(ValuesOf, TakesAnyTypeAndLayout) {
  const at::Tensor table = at::tensor({1.5f, 2.5f, 3.5f, 4.5f}).view({2, 2}).t();
  EXPECT_EQ(values_of(table), (std::vector<double>{1.5, 3.5, 2.5, 4.5}));
  EXPECT_TRUE(values_of(at::empty({0}, at::kDouble)).empty());
}

} // namespace
} // namespace peakbench::cluster
