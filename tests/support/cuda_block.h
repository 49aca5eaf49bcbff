// A block of CUDA threads as fibers of one CPU thread: the scheduler, and what watches the shared
// memory. For support/cuda_on_cpu.h, which says what it can show.
#pragma once

#include <ucontext.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <source_location>
#include <stdexcept>
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

// The block that is being run.
class Block {
public:
  Block(Dimensions block, std::size_t shared_bytes)
      : memory_((shared_bytes + 15) / 16), words_(memory_.size() * 4),
        threads_(block.x * block.y * block.z), warps_((threads_.size() + 31) / 32) {
    if (threads_.size() % 32 != 0)
      throw std::runtime_error("a block of half a warp");
    for (Thread& thread : threads_)
      thread.stack = std::make_unique<char[]>(kStackBytes);
  }

  void run(const std::function<void()>& kernel) {
    kernel_ = &kernel;
    std::memset(memory_.data(), 0xFF, memory_.size() * sizeof(memory_[0])); // NaN
    words_.assign(words_.size(), Word());
    failure_.clear();
    for (Warp& warp : warps_)
      warp = Warp();
    barrier_ = Meeting();
    left_ = 0;
    for (Thread& thread : threads_) {
      thread.left = false;
      thread.copies.clear();
      thread.committed = 0;
      getcontext(&thread.context);
      thread.context.uc_stack.ss_sp = thread.stack.get();
      thread.context.uc_stack.ss_size = kStackBytes;
      thread.context.uc_link = nullptr;
      makecontext(&thread.context, &Block::begin, 0);
    }
    switch_to(0, main_, &main_sanitizer_stack_);
    if (!failure_.empty())
      throw std::runtime_error(failure_);
  }

  unsigned char* memory() { return reinterpret_cast<unsigned char*>(memory_.data()); }
  std::int64_t bank_conflicts = 0;

  void barrier(Where where) {
    if (left_ > 0)
      fail("a barrier, but a thread has left", where);
    meet(barrier_, threads_.size(), nullptr, where, [&](const auto&) { ++epoch_; });
  }
  void warp_barrier(Where where) {
    Warp& warp = warps_[current_ / 32];
    together(nullptr, where, [&](const auto&) { ++warp.epoch; });
  }
  // What all lanes of the warp brought is given to `act` once.
  template <class Act>
  void together(void* mine, Where where, const Act& act) {
    meet(warps_[current_ / 32].meeting, 32, mine, where, act);
  }

  void read(const void* from, std::size_t bytes, Where where) {
    const auto thread = static_cast<int>(current_);
    for_words(from, bytes, where, [&](Word& word) {
      if (word.writer < 0)
        fail("a read of shared memory that nothing wrote", where);
      if (word.under_way)
        fail("a read before the copy has arrived", where);
      const Warp& warp = warps_[current_ / 32];
      const bool same_warp = word.writer / 32 == thread / 32;
      if (word.writer != thread && word.written == epoch_ &&
          !(same_warp && word.warp_epoch < warp.epoch))
        fail("a read of what another thread wrote since the last barrier", where);
      if (word.read != epoch_)
        word.reader = thread;
      else if (word.reader != thread)
        word.reader = kMany;
      word.read = epoch_;
    });
  }
  void write(const void* to, std::size_t bytes, Where where, bool under_way = false) {
    const auto thread = static_cast<int>(current_);
    for_words(to, bytes, where, [&](Word& word) {
      if (word.under_way)
        fail("a write where a copy is under way", where);
      if (word.read == epoch_ && word.reader != thread)
        fail("a write over what another thread read since the last barrier", where);
      if (word.writer >= 0 && word.writer != thread && word.written == epoch_)
        fail("a write over what another thread wrote since the last barrier", where);
      word.writer = thread;
      word.written = epoch_;
      word.warp_epoch = warps_[current_ / 32].epoch;
      word.under_way = under_way;
    });
  }

  // Copies arrive when they are waited for, no sooner.
  void copy(void* to, const void* from, bool there, Where where) {
    if (reinterpret_cast<std::uintptr_t>(from) % 16 != 0)
      fail("a copy from an address that is not a multiple of 16", where);
    write(to, 16, where, true);
    Thread& thread = threads_[current_];
    thread.copies.push_back({thread.committed, to, {}});
    if (there)
      std::memcpy(thread.copies.back().bytes.data(), from, 16);
  }
  void commit() { ++threads_[current_].committed; }
  void wait(int pending) {
    Thread& thread = threads_[current_];
    while (!thread.copies.empty() && thread.copies.front().group < thread.committed - pending) {
      const Copy& copy = thread.copies.front();
      std::memcpy(copy.to, copy.bytes.data(), 16);
      for_words(copy.to, 16, Where::current(), [&](Word& word) {
        word.under_way = false;
        word.written = epoch_;
        word.warp_epoch = warps_[current_ / 32].epoch;
      });
      thread.copies.pop_front();
    }
  }

  [[noreturn]] void fail(const std::string& what, Where where) const {
    throw std::runtime_error(what + ": thread " + std::to_string(current_) + " of block (" +
                             std::to_string(blockIdx.x) + ", " + std::to_string(blockIdx.y) +
                             "), line " + std::to_string(where.line()) + " of " +
                             where.file_name());
  }

  static Block*& running() {
    static Block* block = nullptr;
    return block;
  }

private:
  static constexpr std::size_t kStackBytes = 256 * 1024;
  static constexpr int kMany = -2;
  struct Word {
    int writer = -1, reader = -1;
    std::uint32_t written = 0, warp_epoch = 0, read = 0; // when: numbers of barriers
    bool under_way = false;
  };
  struct Copy {
    std::int64_t group;
    void* to;
    std::array<char, 16> bytes;
  };
  struct Thread {
    ucontext_t context{};
    std::unique_ptr<char[]> stack;
    void* sanitizer_stack = nullptr;
    bool left = false;
    std::deque<Copy> copies;
    std::int64_t committed = 0;
  };
  struct Meeting {
    std::vector<void*> brought = {}; // by each thread
    std::size_t arrived = 0;
    Where where = {};
    std::int64_t round = 0;
  };
  struct Warp {
    Meeting meeting;
    std::uint32_t epoch = 1;
  };

  template <class Act>
  void meet(Meeting& meeting, std::size_t threads, void* mine, Where where, const Act& act) {
    meeting.brought.resize(threads);
    if (meeting.arrived == 0)
      meeting.where = where;
    else if (meeting.where.line() != where.line())
      fail("threads wait for each other at line " + std::to_string(meeting.where.line()) + " and",
           where);
    meeting.brought[current_ % threads] = mine;
    ++progress_;
    if (++meeting.arrived == threads) {
      act(meeting.brought);
      meeting.arrived = 0;
      ++meeting.round;
      return;
    }
    const std::int64_t round = meeting.round;
    while (meeting.round == round) {
      const std::int64_t before = progress_;
      yield();
      if (meeting.round == round && progress_ == before)
        fail("a wait for threads that do not come", where);
    }
  }

  template <class Each>
  void for_words(const void* at, std::size_t bytes, Where where, const Each& each) {
    const auto offset = static_cast<const unsigned char*>(at) - memory();
    if (offset < 0 || offset + bytes > memory_.size() * 16)
      fail("an access outside of the block's shared memory", where);
    if (static_cast<std::size_t>(offset) % bytes != 0 || bytes % 4 != 0)
      fail("an access to shared memory that is not aligned", where);
    for (std::size_t i = 0; i < bytes / 4; ++i)
      each(words_[static_cast<std::size_t>(offset) / 4 + i]);
  }

  void yield() {
    std::size_t next = current_;
    do
      next = (next + 1) % threads_.size();
    while (threads_[next].left);
    if (next != current_)
      switch_to(next, threads_[current_].context, &threads_[current_].sanitizer_stack);
  }

  void switch_to(std::size_t next, ucontext_t& save, void** sanitizer_stack) {
    current_ = next;
    const auto index = static_cast<unsigned>(next);
    threadIdx = {index % blockDim.x, index / blockDim.x % blockDim.y,
                 index / blockDim.x / blockDim.y};
    leave(sanitizer_stack, threads_[next].stack.get(), kStackBytes);
    swapcontext(&save, &threads_[next].context);
    arrive(sanitizer_stack ? *sanitizer_stack : nullptr);
  }
  // The address sanitizer wants to know which stack is in use.
  void leave([[maybe_unused]] void** save, [[maybe_unused]] const void* stack,
             [[maybe_unused]] std::size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(save, stack, bytes);
#endif
  }
  void arrive([[maybe_unused]] void* saved) {
#if defined(__SANITIZE_ADDRESS__)
    const void* stack = nullptr;
    std::size_t bytes = 0;
    __sanitizer_finish_switch_fiber(saved, &stack, &bytes);
    if (main_stack_ == nullptr) // the first switch of all comes from there
      main_stack_ = stack, main_stack_bytes_ = bytes;
#endif
  }

  static void begin() { running()->thread_body(); }
  void thread_body() {
    arrive(nullptr);
    const std::size_t self = current_;
    try {
      (*kernel_)();
      if (!threads_[self].copies.empty())
        fail("a copy that nobody waits for", Where::current());
    } catch (const std::exception& error) {
      failure_ = error.what();
    }
    threads_[self].left = true;
    ++left_;
    ++progress_;
    if (failure_.empty() && left_ < threads_.size())
      yield();
    leave(nullptr, main_stack_, main_stack_bytes_);
    setcontext(&main_);
  }

  std::vector<std::array<std::uint64_t, 2>> memory_;
  std::vector<Word> words_;
  std::vector<Thread> threads_;
  std::vector<Warp> warps_;
  Meeting barrier_;
  ucontext_t main_{};
  void* main_sanitizer_stack_ = nullptr;
  const void* main_stack_ = nullptr;
  std::size_t main_stack_bytes_ = 0;
  const std::function<void()>* kernel_ = nullptr;
  std::size_t current_ = 0, left_ = 0;
  std::uint32_t epoch_ = 1;
  std::int64_t progress_ = 0;
  std::string failure_;
};

inline Block& block() { return *Block::running(); }

// Calls `kernel` on every thread of every block. Returns the bank conflicts of ldmatrix.
inline std::int64_t launch(Dimensions grid, Dimensions threads, std::size_t shared_bytes,
                           const std::function<void()>& kernel) {
  gridDim = grid;
  blockDim = threads;
  Block one(threads, shared_bytes);
  Block::running() = &one;
  for (blockIdx.z = 0; blockIdx.z < grid.z; ++blockIdx.z)
    for (blockIdx.y = 0; blockIdx.y < grid.y; ++blockIdx.y)
      for (blockIdx.x = 0; blockIdx.x < grid.x; ++blockIdx.x)
        one.run(kernel);
  Block::running() = nullptr;
  return one.bank_conflicts;
}

} // namespace peakbench::testing::cuda
