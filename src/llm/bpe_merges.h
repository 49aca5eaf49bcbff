// The merge step of byte-pair encoding: of all neighbouring symbols, the pair of lowest rank is
// merged, leftmost first, until none is left.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace peakbench::llm {

struct Merge {
  std::int32_t left = 0, right = 0, merged = 0;
};

// How much was done, so that tests can tell linear from quadratic without a clock.
struct MergeWork {
  std::int64_t lookups = 0; // of pairs
  std::int64_t moves = 0;   // symbols looked at or moved, and heap operations
};

class MergeTable {
public:
  MergeTable() = default;
  // In order of rank. A pair that comes twice keeps its first rank.
  explicit MergeTable(std::span<const Merge> merges);

  // Merges the symbols in place. O(n log n).
  void apply(std::vector<std::int32_t>& symbols, MergeWork* work = nullptr) const;
  std::int64_t size() const { return size_; }

private:
  struct Entry {
    std::uint64_t pair = kNoPair;
    std::int32_t rank = 0, merged = 0;
  };
  static constexpr std::uint64_t kNoPair = ~std::uint64_t{0};
  static constexpr std::int32_t kNoRank = 0x7fffffff;

  const Entry* find(std::int32_t left, std::int32_t right) const;
  void apply_short(std::vector<std::int32_t>& symbols, MergeWork& work) const;
  void apply_long(std::vector<std::int32_t>& symbols, MergeWork& work) const;

  std::vector<Entry> entries_; // open addressing, a power of two, at most half full
  int shift_ = 64;
  std::int64_t size_ = 0;
};

} // namespace peakbench::llm
