#include "cluster/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "base/error.h"
#include "cluster/devices.h"

namespace peakbench::cluster {
namespace {

using ::testing::StartsWith;

class SessionTest : public ::testing::Test {
protected:
  int argc_ = 0;
  char** argv_ = nullptr;
  Session session_{argc_, argv_};
};

TEST_F(SessionTest, KnowsItsRanks) {
  EXPECT_GE(session_.rank(), 0);
  EXPECT_LT(session_.rank(), session_.size());
  EXPECT_EQ(session_.local_size(), session_.size()) << "these tests run on one host";
  EXPECT_EQ(session_.local_rank(), session_.rank());
  EXPECT_FALSE(session_.host().empty());
}

TEST_F(SessionTest, BroadcastsAnyLengthFromAnyRoot) {
  for (const std::size_t length : {std::size_t{0}, std::size_t{1}, (std::size_t{16} << 20) + 7})
    for (int root = 0; root < session_.size(); ++root) {
      std::string expected(length, static_cast<char>('a' + root));
      if (length > 0)
        expected.back() = '!';
      EXPECT_TRUE(session_.broadcast(session_.rank() == root ? expected : "other", root) ==
                  expected)
          << length << " bytes from " << root;
    }
}

TEST_F(SessionTest, GathersAnyLengthInOrder) {
  const auto text = [](int rank) {
    const std::size_t length =
        rank == 1 ? (std::size_t{32} << 20) + 3 : static_cast<std::size_t>(rank) * 5;
    return std::string(length, static_cast<char>('a' + rank));
  };
  const auto all = session_.gather(text(session_.rank()));
  if (session_.rank() != 0) {
    EXPECT_TRUE(all.empty());
    return;
  }
  ASSERT_EQ(all.size(), static_cast<std::size_t>(session_.size()));
  for (int rank = 0; rank < session_.size(); ++rank)
    EXPECT_TRUE(all[static_cast<std::size_t>(rank)] == text(rank)) << rank;
}

TEST_F(SessionTest, AgreesThatAllIsWell) { EXPECT_NO_THROW(session_.agree(std::nullopt)); }

TEST_F(SessionTest, OneRanksErrorIsEverybodys) {
  const int last = session_.size() - 1;
  std::string text;
  try {
    session_.agree(session_.rank() == last ? std::optional<std::string>("no such file")
                                           : std::nullopt);
  } catch (const UserError& error) {
    text = error.what();
  }
  EXPECT_EQ(text, last == 0 ? "no such file" : "rank " + std::to_string(last) + ": no such file");
}

TEST_F(SessionTest, AnErrorThatAllShareIsToldOnce) {
  EXPECT_THAT([&] { session_.agree("bad key"); },
              ::testing::ThrowsMessage<UserError>(StartsWith("bad key")));
}

TEST_F(SessionTest, AnEmptyErrorIsAnErrorToo) { EXPECT_THROW(session_.agree(""), UserError); }

TEST_F(SessionTest, GoesOnAfterADisagreement) {
  EXPECT_THROW(session_.agree("first"), UserError);
  session_.barrier();
  EXPECT_EQ(session_.broadcast(session_.rank() == 0 ? "still here" : ""), "still here");
}

TEST_F(SessionTest, WaitsForTheLastRank) {
  // The ranks are on one host and have one clock.
  const auto now = [] { return std::chrono::steady_clock::now().time_since_epoch().count(); };
  const int last = session_.size() - 1;
  if (session_.rank() == last)
    std::this_thread::sleep_for(std::chrono::milliseconds(100)); // late on purpose
  const auto arrived = now();
  session_.barrier();
  const auto through = now();
  EXPECT_GE(through, std::stoll(session_.broadcast(std::to_string(arrived), last)))
      << "nobody gets through before the last one arrives";
}

TEST_F(SessionTest, ItsFirstRanksCanBeASessionOfTheirOwn) {
  for (int ranks = 1; ranks <= session_.size(); ++ranks) {
    const std::unique_ptr<Session> part = session_.of_first(ranks);
    ASSERT_EQ(part != nullptr, session_.rank() < ranks);
    if (!part)
      continue;
    EXPECT_EQ(part->size(), ranks);
    EXPECT_EQ(part->rank(), session_.rank());
    EXPECT_EQ(part->broadcast(part->rank() == ranks - 1 ? "last" : "", ranks - 1), "last");
    const auto all = part->gather(std::to_string(part->rank()));
    EXPECT_EQ(all.size(), part->rank() == 0 ? static_cast<std::size_t>(ranks) : 0u);
  }
  session_.barrier();
}

TEST_F(SessionTest, SharesTheCores) {
  const int threads = threads_per_rank(session_);
  EXPECT_GE(threads, 1);
  int total = 0;
  for (const std::string& one : session_.gather(std::to_string(threads)))
    total += std::stoi(one);
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  if (session_.rank() != 0)
    return;
  EXPECT_LE(total, std::max(cores, session_.size()));
}

TEST_F(SessionTest, TheCpuNeedsNoGpu) { EXPECT_TRUE(choose_device(session_, "cpu").is_cpu()); }

} // namespace
} // namespace peakbench::cluster
