// The books of an allocator that keeps statistics of its own: it knows the totals, we know the
// tags.
#pragma once

#include <mutex>
#include <unordered_map>
#include <vector>

#include "measure/ledger.h"

namespace peakbench::measure {

// Bytes that the allocator says are allocated: now, and the highest since its counter was reset.
struct Counter {
  std::int64_t current = 0, peak = 0;
};

// Totals are the allocator's. Tags come from its events, which may carry less (rests of blocks that
// were not split; blocks older than the books); the difference is booked as `workspace`, so that
// tags sum to the total.
class CountedBooks {
public:
  // Events, from any thread. The tag is the calling thread's.
  void allocated(std::size_t address, std::int64_t bytes);
  void freed(std::size_t address); // unknown addresses are older than the books

  LiveBytes live(const Counter& counter) const;
  // There is one counter, but scopes nest: the caller resets it right after opening one, and what
  // it showed until then is kept here for the scope around it.
  int open_scope(const Counter& counter);
  MemoryReading read_scope(int scope, const Counter& counter) const;
  void close_scope(int scope, const Counter& counter);

  // Between events the counter cannot be asked (its lock is held), so points are the events' sums.
  // The greatest one and the last are settled with the counter, as peaks and live bytes are: the
  // timeline's peak is that of the innermost scope.
  void start_timeline(TimelineRecorder& recorder) { ledger_.start_timeline(recorder); }
  Timeline stop_timeline(const Counter& counter);
  void mark(std::string_view phase) { ledger_.mark(phase); }

private:
  struct Block {
    std::int64_t bytes;
    Tag tag;
  };
  struct Scope {
    LiveBytes start;
    std::int64_t peak; // highest total, without what the counter has seen since its last reset
  };

  std::mutex blocks_mutex_;
  std::unordered_map<std::size_t, Block> blocks_; // by address
  Ledger ledger_;
  std::vector<Scope> scopes_;
};

} // namespace peakbench::measure
