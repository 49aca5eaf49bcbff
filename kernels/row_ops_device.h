// What the GPU's kernels of row_ops are launched with: device pointers, no LibTorch. Pointers to
// values of the compute type are void.
#pragma once

#include <cstdint>

#include "kernels/tree_attention_internal.h"

namespace peakbench::kernels {

struct DeviceNorm {
  Element element = Element::float32;
  float* residual = nullptr;     // [rows, width]
  const void* delta = nullptr;   // [rows, width] or null: added to the residual
  const float* weight = nullptr; // [width]
  void* out = nullptr;           // [rows, width]
  std::int64_t rows = 0;
  std::int32_t width = 0;
  float epsilon = 0;
};

// Where a row's key and value are written: their slot in the first layer's keys.
struct SlotAddress {
  void* key = nullptr;    // null: nowhere, the row is padding
  std::int64_t slots = 0; // of its chunk
};

struct DeviceRotation {
  Element element = Element::float32;
  void* qkv = nullptr; // [rows, heads + 2 kv_heads, head_width]
  std::int64_t rows = 0;
  std::int32_t heads = 0, kv_heads = 0, head_width = 0;
  const float *query_norm = nullptr, *key_norm = nullptr; // [head_width] or null
  float epsilon = 0;
  const float *cosine = nullptr, *sine = nullptr; // [positions, head_width / 2]
  std::int64_t positions = 0;                     // row r is at r % positions
  // Keys and values go into `layer` of these slots, and keys are not turned in place; null: they
  // are.
  const SlotAddress* slots = nullptr;
  std::int64_t layer = 0;
};

struct DeviceSilu {
  Element element = Element::float32;
  const void* gate_up = nullptr; // [rows, 2 width]
  void* out = nullptr;           // [rows, width]
  std::int64_t rows = 0;
  std::int32_t width = 0;
};

// out [rows, width] = rows `ids` of table.
struct DeviceEmbedding {
  Element element = Element::float32;
  const void* table = nullptr;
  const std::int32_t* ids = nullptr;
  float* out = nullptr;
  std::int64_t rows = 0;
  std::int32_t width = 0;
};

// All run on `stream` (a cudaStream_t) of the current device and throw std::runtime_error if they
// cannot be launched.
void launch_norm(const DeviceNorm& arguments, void* stream);
void launch_rotation(const DeviceRotation& arguments, void* stream);
void launch_silu(const DeviceSilu& arguments, void* stream);
void launch_embedding(const DeviceEmbedding& arguments, void* stream);

} // namespace peakbench::kernels
