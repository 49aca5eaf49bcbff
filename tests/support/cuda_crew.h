// Which fiber of which block runs, and who waits for whom: for support/cuda_block.h.
#pragma once

#include <ucontext.h>

#include <cstdint>
#include <functional>
#include <source_location>
#include <string>
#include <vector>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

struct Dimensions {
  unsigned x = 1, y = 1, z = 1;
};
inline Dimensions threadIdx, blockIdx, blockDim, gridDim;

namespace peakbench::testing::cuda {

using Where = std::source_location;

class Block;

// Threads that wait for each other.
struct Meeting {
  std::vector<void*> brought = {}; // by each thread
  std::size_t arrived = 0;
  Where where = {};
  std::int64_t round = 0;
};

// The blocks that are there at once, and which of them has the thread that runs.
struct Crew {
  std::vector<Block*> blocks = {};
  std::size_t current = 0; // of blocks
  const std::function<void()>* kernel = nullptr;
  std::int64_t progress = 0;
  std::size_t threads_left = 0, threads = 0;
  Meeting barrier = {}; // of all blocks
  std::string failure = {};
  ucontext_t main{};
  void* main_sanitizer_stack = nullptr;
  const void* main_stack = nullptr;
  std::size_t main_stack_bytes = 0;

  static Crew*& running() {
    static Crew* crew = nullptr;
    return crew;
  }
};

// Blocks that see each other's shared memory, and their barrier in two halves.
struct Cluster {
  std::vector<Block*> blocks = {};
  std::size_t arrived = 0;
  Where where = {};
  std::uint32_t epoch = 1;
};

// The address sanitizer wants to know which stack is in use.
inline void leave([[maybe_unused]] void** save, [[maybe_unused]] const void* stack,
                  [[maybe_unused]] std::size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(save, stack, bytes);
#endif
}
inline void arrive([[maybe_unused]] void* saved) {
#if defined(__SANITIZE_ADDRESS__)
  const void* stack = nullptr;
  std::size_t bytes = 0;
  __sanitizer_finish_switch_fiber(saved, &stack, &bytes);
  if (Crew* crew = Crew::running(); crew != nullptr && crew->main_stack == nullptr)
    crew->main_stack = stack, crew->main_stack_bytes = bytes; // the first switch of all
#endif
}

} // namespace peakbench::testing::cuda
