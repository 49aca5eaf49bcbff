// The lists that the GPU's kernels of tree_attention work through, made from a plan. Plain C++, so
// that tests see what a GPU would.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "kernels/tree_attention_device.h"

namespace peakbench::kernels {

struct AttentionSplitting {
  std::int32_t group = 1, kv_heads = 1;
  std::int32_t rows = kWideRows; // of a block at most
  std::int32_t blocks = 264;     // that a GPU runs at once: what the work is split for
  // Fewer tokens than this are read with what follows, once per child, rather than made a list of
  // their own: a block takes as long for one token as for a tile, and each list is merged.
  std::int32_t shortest = 32;
  std::int32_t least_tiles = 2; // of a split, if there are so many
};

class AttentionLists {
public:
  AttentionLists(const TreeAttentionPlan& plan, const AttentionSplitting& splitting);

  // Rows of the partial results, for each kv head.
  std::int64_t partial_rows() const { return partial_rows_; }
  std::span<const AttentionItem> items() const { return items_; }
  // `paths` may be more than the plan has: those attend to nothing.
  std::size_t bytes(std::size_t chunks, std::int32_t paths) const;
  void write(std::span<const ChunkView> chunks, std::int32_t paths, std::byte* to) const;

private:
  struct List; // tokens that some neighbouring paths read
  void add(const List& list, std::int32_t tiles_of_split);

  AttentionSplitting splitting_;
  std::int32_t paths_;
  std::vector<AttentionRun> runs_;
  std::vector<AttentionItem> items_;
  std::vector<std::int32_t> first_merges_, merges_;
  std::vector<std::pair<std::int32_t, std::int32_t>> unsorted_; // path, partial row
  std::int64_t partial_rows_ = 0;
};

} // namespace peakbench::kernels
