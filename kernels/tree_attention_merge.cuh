// The partial results of tree_attention.cuh added up by log-sum-exp, exactly: a warp per (path,
// head).
#pragma once

#include "kernels/tree_attention_shape.cuh"

namespace peakbench::kernels::device {

template <typename T>
__device__ inline void merge(const AttendArguments& a) {
  const int at = static_cast<int>(blockIdx.x) * kWarps + static_cast<int>(threadIdx.x) / 32;
  if (at >= a.paths * a.heads)
    return;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int path = at / a.heads, head = at % a.heads, group = a.heads / a.kv_heads;
  const int first = behind<std::int32_t>(a.lists, a.lists->first_merges_at)[path];
  const int last = behind<std::int32_t>(a.lists, a.lists->first_merges_at)[path + 1];
  const std::int32_t* rows = behind<std::int32_t>(a.lists, a.lists->merges_at);
  const float2* statistics = reinterpret_cast<const float2*>(a.statistics);
  const auto partial = [&](int i) {
    return static_cast<std::int64_t>(rows[i] + head % group) * a.kv_heads + head / group;
  };
  float highest = kLowest;
  for (int i = first + lane; i < last; i += 32)
    highest = fmaxf(highest, statistics[partial(i)].x);
  highest = warp_max(highest);
  float total = 0;
  float2 sum[kWidestHead / 64] = {};
  PEAKBENCH_UNROLL_BY(4)
  for (int i = first; i < last; ++i) {
    const std::int64_t from = partial(i);
    const float2 one = statistics[from];
    const float factor = exp2f(one.x - highest);
    total = fmaf(one.y, factor, total);
    PEAKBENCH_UNROLL
    for (int j = 0; j < kWidestHead / 64; ++j) {
      const int element = j * 64 + lane * 2;
      if (element >= a.head_width)
        break;
      const float2 value = *reinterpret_cast<const float2*>(a.sums + from * a.head_width + element);
      sum[j].x = fmaf(value.x, factor, sum[j].x);
      sum[j].y = fmaf(value.y, factor, sum[j].y);
    }
  }
  const float inverse = total > 0 ? 1 / total : 0; // padding has no token
  T* const to = static_cast<T*>(a.out) + static_cast<std::int64_t>(at) * a.head_width;
  PEAKBENCH_UNROLL
  for (int j = 0; j < kWidestHead / 64; ++j) {
    const int element = j * 64 + lane * 2;
    if (element >= a.head_width)
      break;
    to[element] = from_float<T>(sum[j].x * inverse);
    to[element + 1] = from_float<T>(sum[j].y * inverse);
  }
}

} // namespace peakbench::kernels::device
