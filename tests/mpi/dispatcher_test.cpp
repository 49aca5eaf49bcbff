#include "cluster/dispatcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <numeric>
#include <random>
#include <sstream>
#include <thread>

namespace peakbench::cluster {
namespace {

using ::testing::ElementsAreArray;

std::vector<WorkItem> random_items(unsigned seed, std::size_t count) {
  std::mt19937 random(seed);
  std::vector<WorkItem> items;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string model = "m" + std::to_string(random() % 3);
    const bool grouped = random() % 3 > 0;
    items.push_back({static_cast<double>(random() % 1000),
                     grouped ? model + "/" + std::to_string(random() % 4) : "",
                     grouped ? model : ""});
  }
  return items;
}

class DispatcherTest : public ::testing::Test {
protected:
  // On rank 0, all ranks' items in order.
  std::vector<std::size_t> together(const std::vector<std::size_t>& mine) const {
    std::string text;
    for (const std::size_t item : mine)
      text += std::to_string(item) + " ";
    std::vector<std::size_t> all;
    for (const std::string& one : session_.gather(text)) {
      std::istringstream in(one);
      for (std::size_t item = 0; in >> item;)
        all.push_back(item);
    }
    std::sort(all.begin(), all.end());
    return all;
  }
  void expect_each_once(const std::vector<std::size_t>& mine, std::size_t count) const {
    const std::vector<std::size_t> all = together(mine);
    std::vector<std::size_t> wanted(count);
    std::iota(wanted.begin(), wanted.end(), std::size_t{0});
    if (session_.rank() == 0) {
      EXPECT_THAT(all, ElementsAreArray(wanted));
    }
  }
  void expect_none_twice(const std::vector<std::size_t>& mine) const {
    const std::vector<std::size_t> all = together(mine);
    EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end());
  }
  int last() const { return session_.size() - 1; }

  int argc_ = 0;
  char** argv_ = nullptr;
  Session session_{argc_, argv_};
};

void pause(std::mt19937& random, int longest_microseconds) {
  if (random() % 3 == 0)
    std::this_thread::sleep_for(
        std::chrono::microseconds(random() % static_cast<unsigned>(longest_microseconds)));
}

std::vector<std::size_t> take_all(WorkSource& source, std::mt19937& random) {
  std::vector<std::size_t> mine;
  while (const auto item = source.next()) {
    mine.push_back(*item);
    pause(random, 2000);
  }
  return mine;
}

TEST_F(DispatcherTest, HandsOutEveryItemExactlyOnceWhateverTheDelays) {
  for (unsigned seed = 0; seed < 12; ++seed) {
    const std::vector<WorkItem> items = random_items(seed, (seed * 17) % 90);
    std::mt19937 random(seed * 100 + static_cast<unsigned>(session_.rank()));
    Dispatcher source(session_, items);
    pause(random, 5000);
    const std::vector<std::size_t> mine = take_all(source, random);
    source.finish();
    expect_each_once(mine, items.size());
  }
}

TEST_F(DispatcherTest, SoDoesDealingOut) {
  const std::vector<WorkItem> items = random_items(1, 50);
  std::mt19937 random(1);
  for (const char* share : {"static", "dynamic"}) {
    const auto source = make_work_source(session_, items, share);
    const std::vector<std::size_t> mine = take_all(*source, random);
    source->finish();
    expect_each_once(mine, items.size());
  }
}

TEST_F(DispatcherTest, AnswersWhileRankZeroIsBusy) {
  const std::vector<WorkItem> items(40);
  Dispatcher source(session_, items);
  std::vector<std::size_t> mine;
  std::mt19937 random(1);
  if (session_.rank() == 0)
    if (const auto item = source.next())
      mine.push_back(*item);
  // Rank 0 has an item and asks for nothing until the others are through with the rest.
  session_.barrier();
  if (session_.rank() != 0)
    mine = take_all(source, random);
  session_.barrier();
  const std::vector<std::size_t> more = take_all(source, random);
  if (session_.size() > 1) {
    EXPECT_TRUE(more.empty());
  }
  mine.insert(mine.end(), more.begin(), more.end());
  source.finish();
  expect_each_once(mine, items.size());
}

TEST_F(DispatcherTest, ARankThatFinishesEarlyEndsItForAll) {
  for (int early = 0; early < session_.size(); ++early) {
    const std::vector<WorkItem> items(1000);
    std::mt19937 random(1);
    Dispatcher source(session_, items);
    std::vector<std::size_t> mine;
    if (session_.rank() == early)
      for (int i = 0; i < 3; ++i)
        mine.push_back(source.next().value());
    session_.barrier(); // the others could be through before it has its three
    if (session_.rank() != early)
      mine = take_all(source, random); // comes to its end although nobody does the rest
    source.finish();
    expect_none_twice(mine);
    if (session_.rank() == 0 && session_.size() == 1) {
      EXPECT_EQ(mine.size(), 3u);
    }
  }
}

TEST_F(DispatcherTest, ARankThatWaitsCanBeStopped) {
  // Whether the answer is on its way by then or not, nobody hangs and nothing comes twice.
  for (int round = 0; round < 40; ++round) {
    const std::vector<WorkItem> items(20);
    Dispatcher source(session_, items);
    std::mt19937 random(static_cast<unsigned>(round * 10 + session_.rank()));
    std::vector<std::size_t> mine;
    int patience = static_cast<int>(random() % 6);
    while (const auto item = source.next([&] { return --patience < 0; })) {
      mine.push_back(*item);
      patience = static_cast<int>(random() % 6);
    }
    source.finish();
    expect_none_twice(mine);
  }
}

TEST_F(DispatcherTest, OthersDoNotWaitForALostRank) {
  if (session_.size() < 2)
    return; // nobody else; the runs on more ranks test it
  const std::vector<WorkItem> items(30);
  std::mt19937 random(3);
  Dispatcher source(session_, items);
  std::vector<std::size_t> mine;
  if (session_.rank() == last())
    mine.push_back(source.next().value()); // and is never heard of again
  session_.barrier();
  if (session_.rank() == 0)
    std::thread([&] { source.forget(last()); }).join();
  if (session_.rank() != last()) {
    mine = take_all(source, random);
    source.finish();
  }
  expect_each_once(mine, items.size());
}

TEST_F(DispatcherTest, NobodyHasToAsk) {
  Dispatcher source(session_, random_items(1, 5));
  source.finish();
}

TEST_F(DispatcherTest, ManagesWithoutWork) {
  Dispatcher source(session_, {});
  EXPECT_EQ(source.next(), std::nullopt);
  EXPECT_EQ(source.next(), std::nullopt);
  source.finish();
}

} // namespace
} // namespace peakbench::cluster
