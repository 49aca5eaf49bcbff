// Sequences of launches on a GPU, captured as CUDA graphs and replayed, so that a step costs one
// call instead of hundreds.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace peakbench::llm {

class StepGraphs {
public:
  // Not on a CUDA device, or not `enabled`: run() just calls.
  StepGraphs(c10::Device device, bool enabled);
  ~StepGraphs();
  StepGraphs(const StepGraphs&) = delete;
  StepGraphs& operator=(const StepGraphs&) = delete;

  // What a sequence depends on: it must do the same, to the same addresses, for equal keys.
  using Key = std::vector<std::uintptr_t>;
  // Does what `launches` does, which must not wait for the device. Called the first time with a
  // key, captured the second, replayed from then on. Returns the bytes that the sequence allocates
  // and frees again: a graph keeps them where the allocator's statistics do not show it.
  std::int64_t run(const Key& key, const std::function<void()>& launches);

  // How often a graph was replayed, for tests.
  std::int64_t replays() const { return replays_; }

  // The stream (a cudaStream_t) that launches go to now; null on the CPU.
  void* stream() const;
  // A copy from pinned memory was queued there; and wait until it is done.
  void mark_sent();
  void wait_until_sent();

private:
  class Graph;
  class Streams;
  struct Known {
    Key key;
    std::unique_ptr<Graph> graph; // null: seen once
  };
  static constexpr std::size_t kMostKnown = 48;

  std::unique_ptr<Streams> streams_; // null on the CPU
  bool enabled_;
  std::vector<Known> known_; // the last used last
  std::int64_t replays_ = 0;
};

} // namespace peakbench::llm
