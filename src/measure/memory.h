// Exact accounting of what one device's allocator holds, by tag.
// "Peak" is the high-water mark of live bytes since the start of a scope minus what was live at its
// start; never what is live when it is read (architecture.md).
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <memory>
#include <string_view>

#include "measure/tag.h"

namespace peakbench::measure {

class TimelineRecorder; // timeline.h
struct Timeline;

struct LiveBytes {
  std::int64_t total = 0;
  TagBytes by_tag{}; // sums to total
};

struct MemoryReading {
  std::int64_t peak_bytes = 0; // beyond what was live at the scope's start
  TagBytes peak_by_tag{}; // composition at the moment of the peak, minus start; sums to peak_bytes
  LiveBytes start;        // live when the scope began
  std::int64_t live_bytes = 0;  // live when read, minus start
  std::int64_t allocations = 0; // number of allocations since the start
};

// The allocator of one device. The CPU's is our own c10 allocator, exact to the requested byte; the
// CUDA one reads c10's caching allocator (its peak statistics, its trace events for the tags).
class DeviceMemory {
public:
  virtual ~DeviceMemory() = default;
  // One object per device for the life of the process (allocators cannot be taken back). Call for
  // the CPU before the first tensor is made, so that every byte is seen.
  static DeviceMemory& of(c10::Device device);

  virtual c10::Device device() const = 0;
  virtual LiveBytes live() const = 0;
  // Bytes in use on the whole device by everybody (context, NCCL, other processes); for the CPU the
  // resident set of the process.
  virtual std::int64_t device_used_bytes() const = 0;
  // Waits for the device's pending work; nothing on the CPU.
  virtual void synchronize() const = 0;
  // Gives the system back what the allocator keeps for reuse. Live blocks and figures stay as they
  // are.
  virtual void release_unused() = 0;

  // Every event from now on goes to the recorder, one at a time; without one that is a comparison.
  // Within a scope, and ended before it. std::logic_error if one is there already.
  virtual void start_timeline(TimelineRecorder& recorder) = 0;
  virtual Timeline stop_timeline() = 0;
  // Tells a recorder, if there is one, that a part of the work begins (timeline.h).
  virtual void mark(std::string_view phase) = 0;

protected:
  friend class MemoryScope;
  // Scopes nest; ids are given back in reverse order.
  virtual int open_scope() = 0;
  virtual MemoryReading read_scope(int scope) const = 0;
  virtual void close_scope(int scope) = 0;
};

class MemoryScope {
public:
  explicit MemoryScope(DeviceMemory& memory);
  ~MemoryScope();
  MemoryScope(const MemoryScope&) = delete;
  MemoryScope& operator=(const MemoryScope&) = delete;
  // Since the construction; can be read any number of times.
  MemoryReading read() const;

private:
  DeviceMemory& memory_;
  int scope_;
};

} // namespace peakbench::measure
