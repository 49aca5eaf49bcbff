// What the GPU's kernels of tree_attention are told: which tokens to read for which queries, as
// flat lists in one block of bytes (attention_lists.h makes them), and where everything lies. No
// LibTorch.
#pragma once

#include <cstdint>

#include "kernels/tree_attention_internal.h"

namespace peakbench::kernels {

// Consecutive slots of one chunk, as part of a list of tokens.
struct AttentionRun {
  std::int32_t start; // tokens of the list before this run
  std::int32_t chunk;
  std::int32_t first; // slot
};

// What one block does, once per kv head: some tokens of a list for some queries. Row r of a kv head
// is head r % group of path r / group.
struct AttentionItem {
  std::int32_t first_run, last_run; // that hold the tokens; one past
  std::int32_t first_token, tokens; // of the list, counted as AttentionRun::start does
  std::int32_t first_row, rows;     // at most kWideRows
  std::int32_t partial;             // row of the partial results that first_row goes to
};

// Begins the block of bytes; the arrays lie behind it, at these offsets from it.
struct AttentionHeader {
  std::int32_t items, paths;
  std::int32_t chunks_at;       // ChunkView
  std::int32_t runs_at;         // AttentionRun
  std::int32_t items_at;        // AttentionItem
  std::int32_t first_merges_at; // int32 [paths + 1]: where the merges of a path begin
  std::int32_t merges_at;       // int32: partial row of the path's first query row
  std::int32_t unused;
};

// More rows than the first take a block's warps apart by rows, fewer by tokens.
inline constexpr std::int32_t kNarrowRows = 16;
inline constexpr std::int32_t kWideRows = 64;
inline constexpr std::int32_t kTileTokens = 64; // splits are multiples of it

struct AttendArguments {
  Element element = Element::float32;
  const AttentionHeader* lists = nullptr; // and what lies behind it
  const void* query = nullptr;            // [paths, heads, head_width], 16-byte aligned
  std::int64_t query_stride = 0;          // elements from one path to the next, a multiple of 8
  void* out = nullptr;                    // [paths, heads, head_width]
  std::int32_t paths = 0;                 // of out: as many as the lists were written for
  std::int32_t heads = 0, kv_heads = 0, head_width = 0; // a multiple of 8, at most 256
  std::int64_t layer = 0;
  float scale = 1; // of scores in powers of two: times log2(e)
  // Partial results [partial rows, kv heads]: the sums of values [head_width]; highest score and
  // sum of the exponentials.
  float* sums = nullptr;
  float* statistics = nullptr;

  // In room for `rows` times partial_floats(), 16-byte aligned.
  void place_partials(float* room, std::int64_t rows) {
    sums = room;
    statistics = room + rows * kv_heads * head_width;
  }
};

inline constexpr std::int32_t kWidestHead = 256;

// Floats of partial results per row of AttentionLists::partial_rows().
constexpr std::int64_t partial_floats(std::int64_t kv_heads, std::int64_t head_width) {
  return kv_heads * (head_width + 2);
}
// Rows of a block at most: AttentionSplitting::rows.
constexpr std::int32_t attention_rows(Element element, std::int32_t head_width) {
  return element == Element::float32 && head_width > 128 ? kNarrowRows : kWideRows;
}

// Both run on `stream` (a cudaStream_t) of the current device and throw std::runtime_error if they
// cannot be launched.
// Partial results of all items by `blocks` blocks, which share them out.
void launch_attend(const AttendArguments& arguments, std::int32_t blocks, void* stream);
// Their sum for every path and head, by log-sum-exp.
void launch_merge(const AttendArguments& arguments, void* stream);
// How many blocks of launch_attend the current device runs at once.
std::int32_t attend_blocks(Element element, std::int32_t head_width);

} // namespace peakbench::kernels
