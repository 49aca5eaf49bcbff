#include "cluster/collector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <random>
#include <stdexcept>
#include <thread>

#include "support/processes.h"

namespace peakbench::cluster {
namespace {

class CollectorTest : public ::testing::Test {
protected:
  std::size_t ranks() const { return static_cast<std::size_t>(session_.size()); }
  int argc_ = 0;
  char** argv_ = nullptr;
  Session session_{argc_, argv_};
};

// Sooner or later, however busy the machine is.
template <class Condition>
bool soon(Condition condition) {
  return peakbench::testing::within(60, condition);
}

std::string numbered(int rank, int number) {
  return std::to_string(rank) + "/" + std::to_string(number) +
         std::string(static_cast<std::size_t>(number % 977), '.');
}

TEST_F(CollectorTest, LosesNothingWhateverTheDelays) {
  constexpr int kMessages = 200;
  std::map<int, std::vector<std::string>> seen;
  Collector collector(session_, [&](int rank, const std::string& message) {
    EXPECT_EQ(session_.rank(), 0) << "the sink runs on rank 0 only";
    seen[rank].push_back(message);
  });
  std::mt19937 random(static_cast<unsigned>(session_.rank()));
  for (int i = 0; i < kMessages; ++i) {
    if (random() % 8 == 0)
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 3000));
    collector.send(numbered(session_.rank(), i));
  }
  collector.finish();
  EXPECT_FALSE(collector.stopped());
  if (session_.rank() != 0)
    return;
  ASSERT_EQ(seen.size(), ranks());
  for (const auto& [rank, messages] : seen) {
    ASSERT_EQ(messages.size(), static_cast<std::size_t>(kMessages)) << rank;
    for (int i = 0; i < kMessages; ++i)
      EXPECT_EQ(messages[static_cast<std::size_t>(i)], numbered(rank, i));
  }
}

TEST_F(CollectorTest, TakesBigAndEmptyMessages) {
  const std::size_t big = (std::size_t{40} << 20) + 11;
  std::size_t bytes = 0, messages = 0;
  Collector collector(session_, [&](int rank, const std::string& message) {
    bytes += message.size();
    ++messages;
    for (const std::size_t at : {std::size_t{0}, message.size() / 2, message.size() - 1})
      if (!message.empty()) {
        EXPECT_EQ(message[at], static_cast<char>('a' + rank));
      }
  });
  collector.send("");
  collector.send(std::string(big, static_cast<char>('a' + session_.rank())));
  collector.send("");
  collector.finish();
  if (session_.rank() == 0) {
    EXPECT_EQ(bytes, big * ranks());
    EXPECT_EQ(messages, 3 * ranks());
  }
}

TEST_F(CollectorTest, SendDoesNotWaitForTheSink) {
  // The sink takes nothing before every rank has queued all of its messages.
  std::atomic<bool> all_queued{false};
  std::size_t written = 0;
  Collector collector(session_, [&](int, const std::string&) {
    EXPECT_TRUE(soon([&] { return all_queued.load(); })) << "somebody waits for the sink";
    ++written;
  });
  for (int i = 0; i < 10; ++i)
    collector.send("x");
  session_.barrier();
  all_queued = true;
  collector.finish();
  if (session_.rank() == 0) {
    EXPECT_EQ(written, 10 * ranks());
  }
}

TEST_F(CollectorTest, AFailingSinkStopsEveryRankAndIsRethrownOnRankZero) {
  Collector collector(session_,
                      [](int, const std::string&) { throw std::runtime_error("disk full"); });
  if (session_.rank() == session_.size() - 1)
    collector.send("one");
  EXPECT_TRUE(soon([&] { return collector.stopped(); }));
  collector.send("too late");
  if (session_.rank() == 0) {
    EXPECT_THAT([&] { collector.finish(); },
                ::testing::ThrowsMessage<std::runtime_error>("disk full"));
  } else {
    EXPECT_NO_THROW(collector.finish());
  }
}

TEST_F(CollectorTest, AnyRankCanAskAllToStop) {
  for (int asking = 0; asking < session_.size(); ++asking) {
    Collector collector(session_, [](int, const std::string&) {});
    if (session_.rank() == asking)
      collector.request_stop();
    EXPECT_TRUE(soon([&] { return collector.stopped(); })) << "asked by " << asking;
    collector.finish();
  }
}

TEST_F(CollectorTest, AStopRightBeforeTheEndIsNotLost) {
  for (int round = 0; round < 20; ++round) {
    Collector collector(session_, [](int, const std::string&) {});
    if (session_.rank() == round % session_.size())
      collector.request_stop();
    collector.finish();
    EXPECT_TRUE(collector.stopped());
  }
}

TEST_F(CollectorTest, ManagesWithoutAnyMessage) {
  int calls = 0;
  Collector collector(session_, [&](int, const std::string&) { ++calls; });
  collector.finish();
  EXPECT_EQ(calls, 0);
}

TEST_F(CollectorTest, TwoMayLiveAtOnce) {
  std::string first, second;
  Collector a(session_, [&](int, const std::string& message) { first += message; });
  Collector b(session_, [&](int, const std::string& message) { second += message; });
  b.send("b");
  a.send("a");
  b.finish();
  a.finish();
  if (session_.rank() == 0) {
    EXPECT_EQ(first, std::string(ranks(), 'a'));
    EXPECT_EQ(second, std::string(ranks(), 'b'));
  }
}

TEST_F(CollectorTest, TellsWhatTheSinkHasTaken) {
  std::atomic<bool> open{false};
  Collector collector(session_, [&](int, const std::string&) {
    while (!open) // on rank 0
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  });
  collector.send("a");
  collector.send("b");
  session_.barrier();
  EXPECT_EQ(collector.taken(), 0u) << "sent is not taken";
  session_.barrier();
  open = true;
  EXPECT_TRUE(soon([&] { return collector.taken() == 2; }));
  session_.barrier();
  collector.finish();
}

TEST_F(CollectorTest, WhatTheSinkRefusesIsNotTaken) {
  Collector collector(session_,
                      [](int, const std::string&) { throw std::runtime_error("disk full"); });
  collector.send("a");
  EXPECT_TRUE(soon([&] { return collector.stopped(); }));
  try {
    collector.finish();
  } catch (const std::runtime_error&) {
  }
  EXPECT_EQ(collector.taken(), 0u);
}

TEST_F(CollectorTest, RankZeroKnowsWhatEveryRankDoes) {
  std::mutex mutex;
  std::vector<std::uint64_t> seen;
  CollectorWatch watch;
  watch.lost_after_seconds = 60;
  watch.every_second = [&](const std::vector<RankSign>& signs) {
    const std::lock_guard lock(mutex);
    seen.clear();
    for (const RankSign& sign : signs) {
      EXPECT_FALSE(sign.lost);
      seen.push_back(sign.doing);
    }
  };
  Collector collector(
      session_, [](int, const std::string&) {}, watch);
  collector.doing(100 + static_cast<std::uint64_t>(session_.rank()));
  if (session_.rank() == 0) {
    std::vector<std::uint64_t> expected;
    for (std::uint64_t rank = 0; rank < ranks(); ++rank)
      expected.push_back(100 + rank);
    EXPECT_TRUE(soon([&] {
      const std::lock_guard lock(mutex);
      return seen == expected;
    }));
  }
  session_.barrier();
  collector.finish();
  EXPECT_FALSE(collector.anyone_lost());
}

// Quiet is not lost: signs of life come by themselves.
TEST_F(CollectorTest, ARankThatSaysNothingForLongIsNotLost) {
  CollectorWatch watch;
  watch.lost_after_seconds = 3;
  watch.lost = [](int rank, const RankSign&) { ADD_FAILURE() << "rank " << rank; };
  Collector collector(
      session_, [](int, const std::string&) {}, watch);
  std::this_thread::sleep_for(std::chrono::milliseconds(4500));
  collector.finish();
  EXPECT_FALSE(collector.anyone_lost());
}

} // namespace
} // namespace peakbench::cluster
