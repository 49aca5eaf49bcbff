#include "llm/bpe_merges.h"

#include <array>
#include <bit>
#include <queue>

namespace peakbench::llm {

namespace {

constexpr std::size_t kShort = 32; // symbols; up to here a scan beats a heap

std::uint64_t pair_of(std::int32_t left, std::int32_t right) {
  return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
         static_cast<std::uint32_t>(right);
}

std::size_t slot_of(std::uint64_t pair, int shift) {
  return static_cast<std::size_t>(pair * 0x9E3779B97F4A7C15U >> shift); // Fibonacci hashing
}

} // namespace

MergeTable::MergeTable(std::span<const Merge> merges) {
  const std::size_t capacity = std::bit_ceil(2 * merges.size() + 2);
  entries_.resize(capacity);
  shift_ = 64 - std::countr_zero(capacity);
  std::int32_t rank = 0;
  for (const Merge& merge : merges) {
    const std::uint64_t pair = pair_of(merge.left, merge.right);
    std::size_t slot = slot_of(pair, shift_);
    while (entries_[slot].pair != kNoPair && entries_[slot].pair != pair)
      slot = (slot + 1) & (capacity - 1);
    if (entries_[slot].pair == kNoPair) {
      entries_[slot] = {pair, rank, merge.merged};
      ++size_;
    }
    ++rank;
  }
}

const MergeTable::Entry* MergeTable::find(std::int32_t left, std::int32_t right) const {
  const std::uint64_t pair = pair_of(left, right);
  for (std::size_t slot = slot_of(pair, shift_);; slot = (slot + 1) & (entries_.size() - 1)) {
    if (entries_[slot].pair == pair)
      return &entries_[slot];
    if (entries_[slot].pair == kNoPair)
      return nullptr;
  }
}

void MergeTable::apply(std::vector<std::int32_t>& symbols, MergeWork* work) const {
  MergeWork ignored;
  if (symbols.size() < 2 || size_ == 0)
    return;
  if (symbols.size() <= kShort)
    apply_short(symbols, work ? *work : ignored);
  else
    apply_long(symbols, work ? *work : ignored);
}

void MergeTable::apply_short(std::vector<std::int32_t>& symbols, MergeWork& work) const {
  std::array<std::int32_t, kShort> ranks, merged; // of the pair that begins at a symbol
  std::size_t count = symbols.size();
  const auto look = [&](std::size_t i) {
    const Entry* entry = find(symbols[i], symbols[i + 1]);
    ranks[i] = entry ? entry->rank : kNoRank;
    if (entry)
      merged[i] = entry->merged;
    ++work.lookups;
  };
  for (std::size_t i = 0; i + 1 < count; ++i)
    look(i);
  while (count > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < count; ++i)
      if (ranks[i] < ranks[best])
        best = i;
    work.moves += static_cast<std::int64_t>(count);
    if (ranks[best] == kNoRank)
      break;
    symbols[best] = merged[best];
    for (std::size_t i = best + 1; i + 1 < count; ++i) {
      symbols[i] = symbols[i + 1];
      ranks[i] = ranks[i + 1];
      merged[i] = merged[i + 1];
    }
    --count;
    if (best > 0)
      look(best - 1);
    if (best + 1 < count)
      look(best);
  }
  symbols.resize(count);
}

void MergeTable::apply_long(std::vector<std::int32_t>& symbols, MergeWork& work) const {
  // A list through the arrays; a symbol that was merged away is kGone. `ranks` and `merged` are of
  // the pair that begins at a symbol. The heap holds rank and position in one number: small, since
  // its cache misses are most of the time. What it says is out of date where it differs from
  // `ranks`.
  constexpr std::int32_t kGone = -1;
  const auto count = static_cast<std::int32_t>(symbols.size());
  std::vector<std::int32_t> previous(symbols.size()), next(symbols.size());
  std::vector<std::int32_t> ranks(symbols.size(), kNoRank), merged(symbols.size());
  const auto look = [&](std::int32_t i) {
    const std::int32_t j = next[i];
    const Entry* entry = j < count ? find(symbols[i], symbols[j]) : nullptr;
    ranks[i] = entry ? entry->rank : kNoRank;
    if (entry)
      merged[i] = entry->merged;
    ++work.lookups;
    return pair_of(ranks[i], i);
  };
  for (std::int32_t i = 0; i < count; ++i) {
    previous[i] = i - 1;
    next[i] = i + 1;
  }
  std::vector<std::uint64_t> start;
  start.reserve(symbols.size());
  for (std::int32_t i = 0; i < count; ++i)
    if (const std::uint64_t found = look(i); ranks[i] != kNoRank)
      start.push_back(found);
  std::priority_queue heap(std::greater<std::uint64_t>(), std::move(start));
  while (!heap.empty()) {
    const std::uint64_t best = heap.top();
    heap.pop();
    ++work.moves;
    const auto left = static_cast<std::int32_t>(best & 0xffffffffU);
    if (ranks[left] != static_cast<std::int32_t>(best >> 32))
      continue;
    const std::int32_t right = next[left], before = previous[left];
    symbols[left] = merged[left];
    symbols[right] = kGone;
    ranks[right] = kNoRank;
    next[left] = next[right];
    if (next[right] < count)
      previous[next[right]] = left;
    if (const std::uint64_t found = look(left); ranks[left] != kNoRank)
      heap.push(found);
    if (before < 0)
      continue;
    if (const std::uint64_t found = look(before); ranks[before] != kNoRank)
      heap.push(found);
  }
  std::size_t kept = 0;
  for (std::int32_t symbol : symbols)
    if (symbol != kGone)
      symbols[kept++] = symbol;
  symbols.resize(kept);
}

} // namespace peakbench::llm
