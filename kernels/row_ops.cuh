// The GPU's kernels of row_ops, in CUDA C++ that tests run on the CPU, too. All are bound by
// memory: neighbouring lanes read neighbouring vectors of up to 16 bytes, arithmetic is float32.
#pragma once

#include "kernels/device.cuh"
#include "kernels/row_ops_device.h"

namespace peakbench::kernels::device {

constexpr int kRowThreads = 256;
constexpr int kHeadWarps = 4; // of a block of rotate
constexpr int kMostPairs = 4; // of a lane: heads of up to 256 elements

// Neighbours that are read or written at once.
template <typename T, int kCount>
struct alignas(sizeof(T) * kCount) Vector {
  T value[kCount];
};
template <int kCount, typename T>
__device__ inline void load(const T* from, float (&to)[kCount]) {
  const auto all = *reinterpret_cast<const Vector<T, kCount>*>(from);
  PEAKBENCH_UNROLL
  for (int i = 0; i < kCount; ++i)
    to[i] = to_float(all.value[i]);
}
template <int kCount, typename T>
__device__ inline void store(const float (&from)[kCount], T* to) {
  Vector<T, kCount> all;
  PEAKBENCH_UNROLL
  for (int i = 0; i < kCount; ++i)
    all.value[i] = from_float<T>(from[i]);
  *reinterpret_cast<Vector<T, kCount>*>(to) = all;
}

// Over all threads of the block, which must have kRowThreads.
__device__ inline float block_sum(float value) {
  float* const parts = reinterpret_cast<float*>(dynamic_shared());
  const int thread = static_cast<int>(threadIdx.x);
  value = warp_sum(value);
  if (thread % 32 == 0)
    store_shared(&parts[thread / 32], value);
  __syncthreads();
  float all = 0;
  PEAKBENCH_UNROLL
  for (int i = 0; i < kRowThreads / 32; ++i)
    all += load_shared(&parts[i]);
  return all;
}

// A block per row.
template <typename T, int kCount>
__device__ inline void norm(const DeviceNorm& a) {
  const std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * a.width;
  float* const residual = a.residual + row;
  const int first = static_cast<int>(threadIdx.x) * kCount;
  float squares = 0;
  for (int i = first; i < a.width; i += kRowThreads * kCount) {
    float value[kCount];
    load(residual + i, value);
    if (a.delta != nullptr) {
      float added[kCount];
      load(static_cast<const T*>(a.delta) + row + i, added);
      PEAKBENCH_UNROLL
      for (int j = 0; j < kCount; ++j)
        value[j] += added[j];
      store(value, residual + i);
    }
    PEAKBENCH_UNROLL
    for (int j = 0; j < kCount; ++j)
      squares = fmaf(value[j], value[j], squares);
  }
  const float scale = rsqrtf(block_sum(squares) / static_cast<float>(a.width) + a.epsilon);
  for (int i = first; i < a.width; i += kRowThreads * kCount) {
    float value[kCount], weight[kCount];
    load(residual + i, value); // what this thread wrote
    load(a.weight + i, weight);
    PEAKBENCH_UNROLL
    for (int j = 0; j < kCount; ++j)
      value[j] *= scale * weight[j];
    store(value, static_cast<T*>(a.out) + row + i);
  }
}

// A warp per head of a row: of q, then of k, then of v.
template <typename T>
__device__ inline void rotate(const DeviceRotation& a) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int all_heads = a.heads + 2 * a.kv_heads, half = a.head_width / 2;
  const std::int64_t index =
      static_cast<std::int64_t>(blockIdx.x) * kHeadWarps + static_cast<int>(threadIdx.x) / 32;
  if (index >= a.rows * all_heads)
    return;
  const std::int64_t row = index / all_heads;
  const int head = static_cast<int>(index % all_heads);
  const bool is_query = head < a.heads, is_value = head >= a.heads + a.kv_heads;
  T* const from = static_cast<T*>(a.qkv) + index * a.head_width;
  T* to = from;
  if (!is_query && a.slots != nullptr) {
    const SlotAddress slot = a.slots[row];
    if (slot.key == nullptr)
      return;
    const std::int64_t plane = slot.slots * a.kv_heads * a.head_width;
    to = static_cast<T*>(slot.key) + (2 * a.layer + (is_value ? 1 : 0)) * plane +
         (head - a.heads - (is_value ? a.kv_heads : 0)) * a.head_width;
  }
  if (is_value) {
    if (to != from)
      for (int i = lane; i < a.head_width; i += 32)
        to[i] = from[i];
    return;
  }
  float low[kMostPairs], high[kMostPairs], squares = 0;
  PEAKBENCH_UNROLL
  for (int j = 0; j < kMostPairs; ++j) {
    const int i = lane + 32 * j;
    low[j] = i < half ? to_float(from[i]) : 0;
    high[j] = i < half ? to_float(from[i + half]) : 0;
    squares = fmaf(low[j], low[j], fmaf(high[j], high[j], squares));
  }
  const float* const weight = is_query ? a.query_norm : a.key_norm;
  const float scale =
      weight == nullptr ? 1
                        : rsqrtf(warp_sum(squares) / static_cast<float>(a.head_width) + a.epsilon);
  const std::int64_t angle = row % a.positions * half;
  PEAKBENCH_UNROLL
  for (int j = 0; j < kMostPairs; ++j) {
    const int i = lane + 32 * j;
    if (i >= half)
      break;
    const float x = low[j] * scale * (weight == nullptr ? 1 : weight[i]);
    const float y = high[j] * scale * (weight == nullptr ? 1 : weight[i + half]);
    const float cosine = a.cosine[angle + i], sine = a.sine[angle + i];
    to[i] = from_float<T>(x * cosine - y * sine);
    to[i + half] = from_float<T>(y * cosine + x * sine);
  }
}

// A thread per vector.
template <typename T, int kCount>
__device__ inline void silu(const DeviceSilu& a) {
  const std::int64_t index =
      (static_cast<std::int64_t>(blockIdx.x) * kRowThreads + static_cast<int>(threadIdx.x)) *
      kCount;
  if (index >= a.rows * a.width)
    return;
  const T* const from = static_cast<const T*>(a.gate_up) + index + index / a.width * a.width;
  float gate[kCount], up[kCount];
  load(from, gate);
  load(from + a.width, up);
  PEAKBENCH_UNROLL
  for (int j = 0; j < kCount; ++j)
    gate[j] = gate[j] / (1 + expf(-gate[j])) * up[j];
  store(gate, static_cast<T*>(a.out) + index);
}

// A block per row.
template <typename T>
__device__ inline void embed(const DeviceEmbedding& a) {
  const std::int64_t row = static_cast<std::int64_t>(blockIdx.x);
  const T* const from =
      static_cast<const T*>(a.table) + static_cast<std::int64_t>(a.ids[row]) * a.width;
  for (int i = static_cast<int>(threadIdx.x); i < a.width; i += kRowThreads)
    a.out[row * a.width + i] = to_float(from[i]);
}

} // namespace peakbench::kernels::device
