#include "measure/counted_books.h"

#include <algorithm>
#include <stdexcept>

namespace peakbench::measure {

namespace {

void settle_difference(std::int64_t total, TagBytes& by_tag) {
  for (const std::int64_t bytes : by_tag)
    total -= bytes;
  by_tag[index_of(Tag::workspace)] += total;
}

} // namespace

void CountedBooks::allocated(std::size_t address, std::int64_t bytes) {
  const Tag tag = current_tag();
  const std::lock_guard lock(blocks_mutex_);
  blocks_[address] = {bytes, tag};
  ledger_.add(bytes, tag);
}

void CountedBooks::freed(std::size_t address) {
  const std::lock_guard lock(blocks_mutex_);
  const auto block = blocks_.find(address);
  if (block == blocks_.end())
    return;
  ledger_.remove(block->second.bytes, block->second.tag);
  blocks_.erase(block);
}

LiveBytes CountedBooks::live(const Counter& counter) const {
  LiveBytes live = ledger_.live();
  live.total = counter.current;
  settle_difference(live.total, live.by_tag);
  return live;
}

int CountedBooks::open_scope(const Counter& counter) {
  if (!scopes_.empty())
    scopes_.back().peak = std::max(scopes_.back().peak, counter.peak);
  scopes_.push_back({live(counter), counter.current});
  return ledger_.open_scope();
}

MemoryReading CountedBooks::read_scope(int scope, const Counter& counter) const {
  const auto own = scopes_.begin() + scope;
  std::int64_t peak = counter.peak;
  for (auto inner = own; inner != scopes_.end(); ++inner)
    peak = std::max(peak, inner->peak);

  MemoryReading reading = ledger_.read_scope(scope);
  reading.start = own->start;
  reading.peak_bytes = peak - own->start.total;
  settle_difference(reading.peak_bytes, reading.peak_by_tag);
  reading.live_bytes = counter.current - own->start.total;
  return reading;
}

Timeline CountedBooks::stop_timeline(const Counter& counter) {
  Timeline timeline = ledger_.stop_timeline();
  if (scopes_.empty())
    throw std::logic_error("a memory timeline must be within a memory scope");
  const MemoryReading reading = read_scope(static_cast<int>(scopes_.size()) - 1, counter);
  const auto settle = [](TimelinePoint& point, std::int64_t total) {
    point.total = total;
    settle_difference(total, point.by_tag);
  };
  const std::size_t peak = timeline.peak();
  settle(timeline.points.back(), reading.live_bytes);
  settle(timeline.points[peak], reading.peak_bytes);
  return timeline;
}

void CountedBooks::close_scope(int scope, const Counter& counter) {
  ledger_.close_scope(scope);
  const std::int64_t peak = std::max(scopes_.back().peak, counter.peak);
  scopes_.pop_back();
  if (!scopes_.empty())
    scopes_.back().peak = std::max(scopes_.back().peak, peak);
}

} // namespace peakbench::measure
