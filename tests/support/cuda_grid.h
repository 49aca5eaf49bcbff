// Cooperative launches on the CPU: all blocks are there at once, in clusters, and wait for each
// other at barriers and flags. For support/cuda_on_cpu.h.
//
// Global memory that blocks exchange is watched: every block has a vector clock, which barriers and
// flags carry to others, and an access to what another block wrote or read fails unless such a
// chain lies in between, whichever block came first in this run. Threads of one block are not told
// apart.
#pragma once

#include <algorithm>
#include <unordered_map>

#include "support/cuda_block.h"

namespace peakbench::testing::cuda {

class GlobalWatch {
public:
  explicit GlobalWatch(std::size_t blocks)
      : clocks_(blocks, Clock(blocks, 0)), everyone_(blocks, 0) {
    for (std::size_t i = 0; i < blocks; ++i)
      clocks_[i][i] = 1;
  }

  void read(const void* from, std::size_t bytes, Where where) {
    each_word(from, bytes, [&](Word& word, Clock& mine, std::size_t me) {
      if (word.writer != me && word.written > mine[word.writer])
        block().fail("a read of global memory that another block writes, and nothing in between",
                     where);
      word.read.resize(clocks_.size());
      word.read[me] = mine[me];
    });
  }
  void write(const void* to, std::size_t bytes, Where where) {
    each_word(to, bytes, [&](Word& word, Clock& mine, std::size_t me) {
      bool ordered = word.writer == me || word.written <= mine[word.writer];
      for (std::size_t i = 0; i < word.read.size(); ++i)
        ordered = ordered && (i == me || word.read[i] <= mine[i]);
      if (!ordered)
        block().fail("a write of global memory that another block uses, and nothing in between",
                     where);
      word.read.clear();
      word.writer = me;
      word.written = mine[me];
    });
  }

  void signal(const void* flag) {
    Clock& mine = clocks_[block().number];
    Clock& carried = flags_[flag];
    carried.resize(mine.size());
    join(carried, mine);
    ++mine[block().number];
  }
  void await(const void* flag) {
    const auto found = flags_.find(flag);
    if (found != flags_.end())
      join(clocks_[block().number], found->second);
  }
  // Once per barrier, of these blocks.
  void barrier(const std::vector<Block*>& blocks) {
    std::fill(everyone_.begin(), everyone_.end(), 0);
    for (const Block* each : blocks)
      join(everyone_, clocks_[each->number]);
    for (const Block* each : blocks) {
      clocks_[each->number] = everyone_;
      ++clocks_[each->number][each->number];
    }
  }

  // Of the cooperative launch that runs; null if none does.
  static GlobalWatch*& running() {
    static GlobalWatch* watch = nullptr;
    return watch;
  }

private:
  using Clock = std::vector<std::uint32_t>;
  struct Word {
    std::size_t writer = 0;
    std::uint32_t written = 0; // 0: before the launch
    Clock read = {};
  };
  static void join(Clock& to, const Clock& from) {
    for (std::size_t i = 0; i < to.size(); ++i)
      to[i] = std::max(to[i], from[i]);
  }
  template <class Each>
  void each_word(const void* at, std::size_t bytes, const Each& each) {
    const std::size_t me = block().number;
    for (std::size_t i = 0; i < bytes; i += 4)
      each(words_[reinterpret_cast<std::uintptr_t>(at) + i], clocks_[me], me);
  }

  std::vector<Clock> clocks_;
  Clock everyone_;
  std::unordered_map<std::uintptr_t, Word> words_;
  std::unordered_map<const void*, Clock> flags_;
};

inline void watch_read(const void* from, std::size_t bytes, Where where) {
  if (GlobalWatch* watch = GlobalWatch::running())
    watch->read(from, bytes, where);
}
inline void watch_write(const void* to, std::size_t bytes, Where where) {
  if (GlobalWatch* watch = GlobalWatch::running())
    watch->write(to, bytes, where);
}

enum class Order { forward, reverse }; // in which blocks get their turns

// Calls `kernel` on every thread of every block, blocks side by side; `cluster` neighbours see each
// other's shared memory.
inline void launch_together(unsigned blocks, unsigned cluster, unsigned threads,
                            std::size_t shared_bytes, Order order,
                            const std::function<void()>& kernel) {
  gridDim = {blocks};
  blockDim = {threads};
  if (cluster == 0 || blocks % cluster != 0)
    throw std::runtime_error("blocks do not divide into clusters");
  std::vector<std::unique_ptr<Block>> all;
  std::vector<Cluster> clusters(blocks / cluster);
  std::vector<Block*> turns;
  for (unsigned i = 0; i < blocks; ++i) {
    all.push_back(std::make_unique<Block>(blockDim, shared_bytes));
    Block& one = *all.back();
    one.index = {i, 0, 0};
    one.number = i;
    one.cluster = &clusters[i / cluster];
    one.rank = static_cast<int>(i % cluster);
    one.cluster->blocks.push_back(&one);
    turns.push_back(&one);
  }
  if (order == Order::reverse)
    std::reverse(turns.begin(), turns.end());
  GlobalWatch watch(blocks);
  GlobalWatch::running() = &watch;
  try {
    Block::run(turns, kernel);
  } catch (...) {
    GlobalWatch::running() = nullptr;
    throw;
  }
  GlobalWatch::running() = nullptr;
}

} // namespace peakbench::testing::cuda
