// Blocks of CUDA threads as fibers of one CPU thread: the scheduler, and what watches their shared
// memory. For support/cuda_on_cpu.h, which says what it can show.
#pragma once

#include <array>
#include <cstring>
#include <deque>
#include <memory>
#include <stdexcept>

#include "support/cuda_crew.h"

namespace peakbench::testing::cuda {

// Threads, and their shared memory.
class Block {
public:
  Block(Dimensions size, std::size_t shared_bytes)
      : memory_((shared_bytes + 15) / 16), words_(memory_.size() * 4),
        threads_(size.x * size.y * size.z), warps_((threads_.size() + 31) / 32) {
    if (threads_.size() % 32 != 0)
      throw std::runtime_error("a block of half a warp");
    for (Thread& thread : threads_)
      thread.stack = std::make_unique_for_overwrite<char[]>(kStackBytes);
  }

  // Runs all threads of the blocks. A block that is run alone is a cluster of its own.
  static void run(const std::vector<Block*>& blocks, const std::function<void()>& kernel) {
    Crew crew;
    crew.blocks = blocks;
    crew.kernel = &kernel;
    for (Block* block : blocks) {
      block->begin(crew);
      crew.threads += block->threads_.size();
    }
    Crew::running() = &crew;
    switch_to(*blocks[0], 0, crew.main, &crew.main_sanitizer_stack);
    Crew::running() = nullptr;
    if (!crew.failure.empty())
      throw std::runtime_error(crew.failure);
  }

  Dimensions index;           // blockIdx
  std::size_t number = 0;     // of the launch's blocks
  Cluster* cluster = nullptr; // null: one of its own
  int rank = 0;               // in the cluster
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
    const std::uint32_t now = epoch(), cluster_now = cluster_epoch();
    for_words(from, bytes, where, [&](Word& word) {
      if (word.writer == kNobody)
        fail("a read of shared memory that nothing wrote", where);
      if (word.under_way)
        fail("a read before the copy has arrived", where);
      if (word.writer == kOtherBlock && word.cluster_written >= cluster_now)
        fail("a read of what another block wrote since the last barrier of the cluster", where);
      const Warp& warp = warps_[current_ / 32];
      const bool same_warp = word.writer / 32 == thread / 32;
      if (word.writer >= 0 && word.writer != thread && word.written >= now &&
          !(same_warp && word.warp_epoch < warp.epoch))
        fail("a read of what another thread wrote since the last barrier", where);
      if (word.read < now)
        word.reader = thread;
      else if (word.reader != thread)
        word.reader = kMany;
      word.read = now;
      word.cluster_used = cluster_now;
    });
  }
  void write(const void* to, std::size_t bytes, Where where, bool under_way = false) {
    const auto thread = static_cast<int>(current_);
    const std::uint32_t now = epoch(), cluster_now = cluster_epoch();
    for_words(to, bytes, where, [&](Word& word) {
      if (word.under_way)
        fail("a write where a copy is under way", where);
      if (word.read >= now && word.reader != thread)
        fail("a write over what another thread read since the last barrier", where);
      if (word.writer >= 0 && word.writer != thread && word.written >= now)
        fail("a write over what another thread wrote since the last barrier", where);
      if (word.writer == kOtherBlock && word.cluster_written >= cluster_now)
        fail("a write over what another block wrote since the last barrier of the cluster", where);
      word.writer = thread;
      word.written = now;
      word.warp_epoch = warps_[current_ / 32].epoch;
      word.cluster_used = cluster_now;
      word.under_way = under_way;
    });
  }

  // To the same place in the shared memory of another block of the cluster.
  void write_to(int to_rank, float* to, float value, Where where) {
    if (to_rank == rank) {
      write(to, sizeof(float), where);
      *to = value;
      return;
    }
    if (cluster == nullptr || to_rank < 0 ||
        static_cast<std::size_t>(to_rank) >= cluster->blocks.size())
      fail("a write to a block that is not in the cluster", where);
    Block& other = *cluster->blocks[static_cast<std::size_t>(to_rank)];
    const std::uint32_t now = cluster_epoch();
    if (now == 1)
      fail("a write to a block that may not have begun", where);
    if (other.left_ > 0)
      fail("a write to a block that has left", where);
    const auto offset = reinterpret_cast<unsigned char*>(to) - memory();
    for_words(to, sizeof(float), where, [&](Word& mine) {
      Word& word = other.words_[static_cast<std::size_t>(&mine - words_.data())];
      if (word.under_way)
        fail("a write where a copy is under way", where);
      if (word.cluster_used >= now)
        fail("a write over what another block used since the last barrier of the cluster", where);
      if (word.writer == kOtherBlock && word.cluster_written >= now)
        fail("a second write to another block since the last barrier of the cluster", where);
      word.writer = kOtherBlock;
      word.cluster_written = now;
    });
    std::memcpy(other.memory() + offset, &value, sizeof value);
  }

  // A barrier of the cluster is one of the block, too. `act`, given its blocks, is done once.
  template <class Act>
  void cluster_arrive(Where where, const Act& act) {
    Cluster& all = own_cluster();
    Thread& thread = threads_[current_];
    if (thread.inside)
      fail("a second arrival at a barrier of the cluster", where);
    thread.inside = thread.arrived = true;
    if (all.arrived == 0)
      all.where = where;
    else if (all.where.line() != where.line())
      fail("threads wait for each other at line " + std::to_string(all.where.line()) + " and",
           where);
    ++crew_->progress;
    if (++all.arrived < all.blocks.size() * threads_.size())
      return;
    all.arrived = 0;
    ++all.epoch;
    for (Block* block : all.blocks) {
      if (block->left_ > 0)
        fail("a barrier, but a thread has left", where);
      ++block->epoch_;
      for (Thread& each : block->threads_)
        each.arrived = false;
    }
    act(all.blocks);
  }
  void cluster_wait(Where where) {
    Cluster& all = own_cluster();
    Thread& thread = threads_[current_];
    if (!thread.inside)
      fail("a wait at a barrier of the cluster without an arrival", where);
    const std::uint32_t before = all.epoch;
    if (thread.arrived)
      wait_until([&] { return all.epoch != before; }, where);
    thread.inside = false;
  }

  // The barrier of all blocks. `act` is done once.
  template <class Act>
  void grid_barrier(Where where, const Act& act) {
    if (crew_->threads_left > 0)
      fail("a barrier, but a thread has left", where);
    meet(crew_->barrier, crew_->threads, nullptr, where, [&](const auto&) {
      for (Block* block : crew_->blocks)
        ++block->epoch_;
      act(crew_->blocks);
    });
  }
  // Others run until it is so.
  template <class Condition>
  void wait_until(const Condition& condition, Where where) {
    while (!condition()) {
      const std::int64_t before = crew_->progress;
      yield();
      if (crew_->progress == before && !condition())
        fail("a wait for threads that do not come", where);
    }
  }
  void progress() { ++crew_->progress; }

  // Copies arrive when they are waited for, no sooner.
  void copy(void* to, const void* from, bool there, Where where, std::size_t bytes = 16) {
    if (reinterpret_cast<std::uintptr_t>(from) % bytes != 0)
      fail("a copy from an address that is not a multiple of " + std::to_string(bytes), where);
    write(to, bytes, where, true);
    Thread& thread = threads_[current_];
    thread.copies.push_back({thread.committed, to, bytes, {}});
    if (there)
      std::memcpy(thread.copies.back().bytes.data(), from, bytes);
  }
  void commit() { ++threads_[current_].committed; }
  void wait(int pending) {
    Thread& thread = threads_[current_];
    while (!thread.copies.empty() && thread.copies.front().group < thread.committed - pending) {
      const Copy& copy = thread.copies.front();
      std::memcpy(copy.to, copy.bytes.data(), copy.size);
      for_words(copy.to, copy.size, Where::current(), [&](Word& word) {
        word.under_way = false;
        word.written = epoch();
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

  static Block& running() { return *Crew::running()->blocks[Crew::running()->current]; }

private:
  static constexpr std::size_t kStackBytes = 256 * 1024;
  static constexpr int kNobody = -1, kMany = -2, kOtherBlock = -3;
  struct Word {
    int writer = kNobody, reader = kNobody;
    std::uint32_t written = 0, warp_epoch = 0, read = 0; // when: numbers of barriers
    std::uint32_t cluster_written = 0, cluster_used = 0; // by another block; by its own
    bool under_way = false;
  };
  struct Copy {
    std::int64_t group;
    void* to;
    std::size_t size;
    std::array<char, 16> bytes;
  };
  struct Thread {
    ucontext_t context{};
    std::unique_ptr<char[]> stack;
    void* sanitizer_stack = nullptr;
    bool left = false;
    // Between the halves of a barrier of the cluster, and while others have not come to it.
    bool inside = false, arrived = false;
    std::deque<Copy> copies;
    std::int64_t committed = 0;
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
    ++crew_->progress;
    if (++meeting.arrived == threads) {
      act(meeting.brought);
      meeting.arrived = 0;
      ++meeting.round;
      return;
    }
    const std::int64_t round = meeting.round;
    wait_until([&] { return meeting.round != round; }, where);
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

  // Where the thread is in the order of barriers: past one once it has arrived there.
  std::uint32_t epoch() const { return epoch_ + (threads_[current_].arrived ? 1 : 0); }
  std::uint32_t cluster_epoch() const {
    return (cluster == nullptr ? own_.epoch : cluster->epoch) +
           (threads_[current_].arrived ? 1 : 0);
  }
  Cluster& own_cluster() { return cluster == nullptr ? own_ : *cluster; }

  void begin(Crew& crew) {
    crew_ = &crew;
    std::memset(memory_.data(), 0xFF, memory_.size() * sizeof(memory_[0])); // NaN
    words_.assign(words_.size(), Word());
    for (Warp& warp : warps_)
      warp = Warp();
    barrier_ = Meeting();
    own_ = Cluster{{this}};
    left_ = 0;
    for (Thread& thread : threads_) {
      thread.left = thread.inside = thread.arrived = false;
      thread.copies.clear();
      thread.committed = 0;
      getcontext(&thread.context);
      thread.context.uc_stack.ss_sp = thread.stack.get();
      thread.context.uc_stack.ss_size = kStackBytes;
      thread.context.uc_link = nullptr;
      makecontext(&thread.context, &Block::start_thread, 0);
    }
  }

  // The next thread in turn, of this block or the next one.
  void yield() {
    std::size_t block = crew_->current, next = current_;
    do
      if (++next == crew_->blocks[block]->threads_.size()) {
        block = (block + 1) % crew_->blocks.size();
        next = 0;
      }
    while (crew_->blocks[block]->threads_[next].left);
    if (block != crew_->current || next != current_) {
      Thread& mine = threads_[current_];
      crew_->current = block;
      switch_to(*crew_->blocks[block], next, mine.context, &mine.sanitizer_stack);
    }
  }

  static void switch_to(Block& block, std::size_t next, ucontext_t& save, void** sanitizer_stack) {
    block.current_ = next;
    const auto at = static_cast<unsigned>(next);
    threadIdx = {at % blockDim.x, at / blockDim.x % blockDim.y, at / blockDim.x / blockDim.y};
    blockIdx = block.index;
    leave(sanitizer_stack, block.threads_[next].stack.get(), kStackBytes);
    swapcontext(&save, &block.threads_[next].context);
    arrive(sanitizer_stack ? *sanitizer_stack : nullptr);
  }
  static void start_thread() { running().thread_body(); }
  void thread_body() {
    arrive(nullptr);
    const std::size_t self = current_;
    try {
      (*crew_->kernel)();
      if (!threads_[self].copies.empty())
        fail("a copy that nobody waits for", Where::current());
    } catch (const std::exception& error) {
      crew_->failure = error.what();
    }
    threads_[self].left = true;
    ++left_;
    ++crew_->progress;
    if (++crew_->threads_left < crew_->threads && crew_->failure.empty())
      yield();
    leave(nullptr, crew_->main_stack, crew_->main_stack_bytes);
    setcontext(&crew_->main);
  }

  std::vector<std::array<std::uint64_t, 2>> memory_;
  std::vector<Word> words_;
  std::vector<Thread> threads_;
  std::vector<Warp> warps_;
  Meeting barrier_;
  Cluster own_;
  Crew* crew_ = nullptr;
  std::size_t current_ = 0, left_ = 0;
  std::uint32_t epoch_ = 1;
};

inline Block& block() { return Block::running(); }

// Calls `kernel` on every thread of every block, one block after the other. Returns the bank
// conflicts of ldmatrix.
inline std::int64_t launch(Dimensions grid, Dimensions threads, std::size_t shared_bytes,
                           const std::function<void()>& kernel) {
  gridDim = grid;
  blockDim = threads;
  Block one(threads, shared_bytes);
  for (one.index.z = 0; one.index.z < grid.z; ++one.index.z)
    for (one.index.y = 0; one.index.y < grid.y; ++one.index.y)
      for (one.index.x = 0; one.index.x < grid.x; ++one.index.x)
        Block::run({&one}, kernel);
  return one.bank_conflicts;
}

} // namespace peakbench::testing::cuda
