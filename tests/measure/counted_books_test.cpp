#include "measure/counted_books.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>
#include <vector>

namespace peakbench::measure {
namespace {

std::int64_t sum(const TagBytes& by_tag) {
  return std::accumulate(by_tag.begin(), by_tag.end(), std::int64_t{0});
}

// An allocator with one peak counter that reports its events, as CUDA's caching allocator does. A
// block may be larger than its event says.
class FakeAllocator {
public:
  explicit FakeAllocator(CountedBooks& books) : books_(books) {}
  std::size_t allocate(std::int64_t bytes, std::int64_t rest = 0) {
    const std::size_t address = next_address_++;
    books_.allocated(address, bytes);
    blocks_[address] = bytes + rest;
    counter.current += bytes + rest;
    counter.peak = std::max(counter.peak, counter.current);
    return address;
  }
  void free(std::size_t address) {
    counter.current -= blocks_.at(address);
    blocks_.erase(address);
    books_.freed(address);
  }
  int open_scope() {
    const int scope = books_.open_scope(counter);
    counter.peak = counter.current;
    return scope;
  }
  std::map<std::size_t, std::int64_t> blocks_;
  Counter counter;

private:
  CountedBooks& books_;
  std::size_t next_address_ = 1;
};

TEST(CountedBooks, TagsSumToTheAllocatorsTotal) {
  CountedBooks books;
  FakeAllocator allocator(books);
  const int scope = allocator.open_scope();
  std::size_t weights = 0, cache = 0;
  {
    const TagScope tag(Tag::weights);
    weights = allocator.allocate(512);
  }
  {
    const TagScope tag(Tag::kv_cache);
    cache = allocator.allocate(4096, 1000); // the rest was not split off
  }
  allocator.free(weights);
  const MemoryReading reading = books.read_scope(scope, allocator.counter);
  EXPECT_EQ(reading.peak_bytes, 512 + 4096 + 1000);
  EXPECT_EQ(reading.peak_by_tag[index_of(Tag::weights)], 512);
  EXPECT_EQ(reading.peak_by_tag[index_of(Tag::kv_cache)], 4096);
  EXPECT_EQ(reading.peak_by_tag[index_of(Tag::workspace)], 1000);
  EXPECT_EQ(reading.live_bytes, 5096);
  EXPECT_EQ(reading.allocations, 2);
  allocator.free(cache);
  EXPECT_EQ(books.live(allocator.counter).by_tag, TagBytes{});
}

TEST(CountedBooks, BlocksOlderThanTheBooksAreWorkspace) {
  CountedBooks books;
  Counter counter{.current = 700, .peak = 900};
  const int scope = books.open_scope(counter);
  counter = {.current = 700, .peak = 700};
  EXPECT_EQ(books.live(counter).by_tag[index_of(Tag::workspace)], 700);
  books.freed(12345);
  counter.current = 0;
  EXPECT_EQ(books.live(counter).total, 0);
  EXPECT_EQ(sum(books.live(counter).by_tag), 0);
  EXPECT_EQ(books.read_scope(scope, counter).peak_bytes, 0);
  EXPECT_EQ(books.read_scope(scope, counter).live_bytes, -700);
}

// Random blocks and nested scopes; every open scope's peak against one kept for it alone. The
// negative control reads the counter as it stands, which an inner scope has reset.
TEST(CountedBooks, OneCounterServesNestedScopes) {
  struct Expected {
    std::int64_t start, peak;
  };
  std::mt19937 random(3);
  CountedBooks books;
  FakeAllocator allocator(books);
  std::vector<Expected> scopes;
  bool plain_counter_agrees = true;
  for (int step = 0; step < 20000; ++step) {
    const auto choice = random() % 8;
    if (choice < 3) {
      const TagScope tag(static_cast<Tag>(random() % kTagCount));
      allocator.allocate(512 * (1 + random() % 20), random() % 3 == 0 ? 512 * (random() % 9) : 0);
      for (Expected& scope : scopes)
        scope.peak = std::max(scope.peak, allocator.counter.current);
    } else if (choice < 6 && !allocator.blocks_.empty()) {
      auto block = allocator.blocks_.begin();
      std::advance(block, random() % allocator.blocks_.size());
      allocator.free(block->first);
    } else if (choice == 6 && scopes.size() < 5) {
      allocator.open_scope();
      scopes.push_back({allocator.counter.current, allocator.counter.current});
    } else if (choice == 7 && !scopes.empty()) {
      books.close_scope(static_cast<int>(scopes.size()) - 1, allocator.counter);
      scopes.pop_back();
    }
    for (std::size_t scope = 0; scope < scopes.size(); ++scope) {
      const MemoryReading reading = books.read_scope(static_cast<int>(scope), allocator.counter);
      ASSERT_EQ(reading.peak_bytes, scopes[scope].peak - scopes[scope].start) << step;
      ASSERT_EQ(sum(reading.peak_by_tag), reading.peak_bytes) << step;
      plain_counter_agrees &= allocator.counter.peak == scopes[scope].peak;
    }
  }
  EXPECT_FALSE(plain_counter_agrees);
}

TEST(CountedBooks, ATimelinesPeakAndEndAreTheCounters) {
  CountedBooks books;
  FakeAllocator allocator(books);
  TimelineRecorder recorder;
  EXPECT_THROW(
      {
        books.start_timeline(recorder);
        books.stop_timeline(allocator.counter);
      },
      std::logic_error);
  const int scope = allocator.open_scope();
  books.start_timeline(recorder);
  const std::size_t kept = allocator.allocate(512, 100);
  allocator.free(allocator.allocate(4096, 1000));
  const MemoryReading reading = books.read_scope(scope, allocator.counter);
  const Timeline timeline = books.stop_timeline(allocator.counter);
  ASSERT_EQ(timeline.points.size(), 5u);
  EXPECT_EQ(timeline.points[1].total, 512); // an event does not tell what was not split off
  const TimelinePoint& peak = timeline.points[timeline.peak()];
  EXPECT_EQ(peak.total, 512 + 100 + 4096 + 1000);
  EXPECT_EQ(peak.total, reading.peak_bytes);
  EXPECT_EQ(peak.by_tag, reading.peak_by_tag);
  EXPECT_EQ(timeline.points.back().total, 612);
  EXPECT_EQ(sum(timeline.points.back().by_tag), 612);
  books.close_scope(scope, allocator.counter);
  allocator.free(kept);
}

} // namespace
} // namespace peakbench::measure
