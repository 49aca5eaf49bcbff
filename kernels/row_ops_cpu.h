// CPU versions of row_ops on plain pointers: rows [begin, end) of each operation.
#pragma once

#include <cstdint>

namespace peakbench::kernels {

// bf16: the compute type is bfloat16, else float32. Pointers to values of that type are void.
struct NormRows {
  bool bf16 = false;
  float* residual = nullptr;
  const void* delta = nullptr; // or null
  const float* weight = nullptr;
  void* out = nullptr;
  std::int64_t width = 0;
  float epsilon = 0;
};
void norm_rows(const NormRows& rows, std::int64_t begin, std::int64_t end);

struct RotateRows {
  bool bf16 = false;
  void* qkv = nullptr;
  std::int64_t row_stride = 0, heads = 0, kv_heads = 0, head_width = 0, positions = 0;
  const float *query_norm = nullptr, *key_norm = nullptr; // or null
  const float *cosine = nullptr, *sine = nullptr;         // [positions, head_width / 2]
  float epsilon = 0;
};
// scratch: head_width floats.
void rotate_rows(const RotateRows& rows, std::int64_t begin, std::int64_t end, float* scratch);

struct SiluRows {
  bool bf16 = false;
  const void* gate_up = nullptr;
  void* out = nullptr;
  std::int64_t width = 0;
};
void silu_rows(const SiluRows& rows, std::int64_t begin, std::int64_t end);

} // namespace peakbench::kernels
