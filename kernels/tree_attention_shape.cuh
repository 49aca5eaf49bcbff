// Shapes of the blocks of tree_attention.cuh, and where a token's key and value lie.
#pragma once

#include "kernels/device.cuh"
#include "kernels/tree_attention_device.h"

namespace peakbench::kernels::device {

constexpr int kWarps = 4;
constexpr int kThreads = 32 * kWarps;
constexpr float kLowest = -1e30F; // of a score: finite, so that differences are

// A block's shape; kWidth: of a head in registers and shared memory, zeros beyond the real one.
template <typename T, int kWidth_, int kRowWarps_>
struct Shape {
  static constexpr int kWidth = kWidth_, kRowWarps = kRowWarps_;
  static constexpr int kTokenWarps = kWarps / kRowWarps;
  static constexpr int kRows = 16 * kRowWarps;
  static constexpr bool kTensorCores = sizeof(T) == 2;
  // Of a tile; wide blocks of wide heads take half, to fit into 100 KB of shared memory.
  static constexpr bool kHalf = kRowWarps > 1 && kWidth * sizeof(T) > 384;
  static constexpr int kTokens = (kTensorCores ? 64 : 32) / (kHalf ? 2 : 1);
  static constexpr int kWarpTokens = kTokens / kTokenWarps;
  static constexpr int kVector = 16 / static_cast<int>(sizeof(T)); // elements of 16 bytes
  static constexpr int kVectors = kWidth / kVector;                // of a row
  // An odd number of 16 bytes: eight neighbouring rows lie in different banks.
  static constexpr int kPitch = kWidth + kVector;
  static constexpr int kQueryBytes = kRows * kPitch * static_cast<int>(sizeof(T));
  static constexpr int kTileBytes = kTokens * kPitch * static_cast<int>(sizeof(T));
  static constexpr int kSourceBytes = 2 * kTokens * 16;
  // Two tiles of keys, two of values, then where their rows come from.
  static constexpr int kBytes = kQueryBytes + 4 * kTileBytes + kSourceBytes;
  // Narrow: each warp's statistics and sums, where the tiles were.
  static constexpr int kSumPitch = kWidth + 8;
  static_assert(kTokenWarps == 1 || kTokenWarps * 16 * (kSumPitch + 2) * 4 <= 4 * kTileBytes);
  static_assert(kVectors % 2 == 0 && kWidth % 32 == 0);
};

// Warps with rows of their own in the wide shape.
template <typename T, int kWidth>
constexpr int kWideWarps = sizeof(T) == 4 && kWidth > 128 ? 1 : 4;

// Where a token's key lies, and its value from there; null: there is no such token.
template <typename T>
struct alignas(16) Source {
  const T* key;
  std::int64_t to_value;
};

template <typename X>
__device__ inline const X* behind(const AttentionHeader* header, int offset) {
  return reinterpret_cast<const X*>(reinterpret_cast<const unsigned char*>(header) + offset);
}

// The last run that starts at or before the token holds it.
template <typename T>
__device__ inline Source<T> locate(const AttendArguments& a, const AttentionItem& item, int token,
                                   int kv_head) {
  const AttentionRun* runs = behind<AttentionRun>(a.lists, a.lists->runs_at);
  int first = item.first_run, last = item.last_run;
  while (last - first > 1) {
    const int middle = (first + last) / 2;
    if (runs[middle].start <= token)
      first = middle;
    else
      last = middle;
  }
  const AttentionRun run = runs[first];
  const ChunkView chunk = behind<ChunkView>(a.lists, a.lists->chunks_at)[run.chunk];
  const std::int64_t slot_stride = static_cast<std::int64_t>(a.kv_heads) * a.head_width;
  const std::int64_t slot = 2 * a.layer * chunk.slots + run.first + (token - run.start);
  return {static_cast<const T*>(chunk.base) + slot * slot_stride + kv_head * a.head_width,
          chunk.slots * slot_stride};
}

} // namespace peakbench::kernels::device
