// The books of one device's allocator: live bytes by tag, and the high-water mark of every open
// scope.
#pragma once

#include <mutex>
#include <vector>

#include "measure/memory.h"
#include "measure/timeline.h"

namespace peakbench::measure {

// Every function may be called from any thread.
class Ledger {
public:
  void add(std::int64_t bytes, Tag tag);
  void remove(std::int64_t bytes, Tag tag);

  LiveBytes live() const;
  int open_scope();
  MemoryReading read_scope(int scope) const;
  void close_scope(int scope); // the innermost one

  void start_timeline(TimelineRecorder& recorder);
  Timeline stop_timeline();
  void mark(std::string_view phase);

private:
  // A scope's own peak covers the time in which it was the innermost one; what happened while an
  // inner scope was open is merged when that closes. So an allocation touches one scope, however
  // deep they nest.
  struct Scope {
    LiveBytes start;
    LiveBytes peak; // the first moment of the highest total
    std::int64_t allocations_before = 0;
  };

  mutable std::mutex mutex_;
  LiveBytes live_;
  std::int64_t allocations_ = 0;
  std::vector<Scope> scopes_;
  TimelineRecorder* recorder_ = nullptr;
};

} // namespace peakbench::measure
