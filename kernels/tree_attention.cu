// CUDA version of tree_attention: split over the sequence, then an exact merge.
//
// attend_split: one block of 128 threads per (split, block of query rows, kv head). It walks its
// tokens in tiles of 32: keys and values of a tile are read once into shared memory as float32,
// scores and sums are computed for up to 16 queries (paths x heads of the group), with an online
// softmax. The shared beginning is a list that all paths read, so its splits have many rows; a
// path's own runs have the heads of one group. merge_splits: one block per (path, head) adds up the
// partial results by log-sum-exp.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "kernels/tree_attention_device.h"

namespace peakbench::kernels {
namespace {

constexpr int kThreads = 128;
constexpr int kWarps = kThreads / 32;
constexpr int kTokens = 32; // of a tile, one per lane in the softmax
constexpr float kLowest = -1e30F;

__device__ float to_float(float value) { return value; }
__device__ float to_float(__nv_bfloat16 value) { return __bfloat162float(value); }
__device__ float to_float(__half value) { return __half2float(value); }
__device__ void store(float value, float* to) { *to = value; }
__device__ void store(float value, __nv_bfloat16* to) { *to = __float2bfloat16(value); }
__device__ void store(float value, __half* to) { *to = __float2half(value); }

__device__ float warp_max(float value) {
  for (int offset = 16; offset > 0; offset /= 2)
    value = fmaxf(value, __shfl_xor_sync(0xFFFFFFFFU, value, offset));
  return value;
}
__device__ float warp_sum(float value) {
  for (int offset = 16; offset > 0; offset /= 2)
    value += __shfl_xor_sync(0xFFFFFFFFU, value, offset);
  return value;
}

// Where `token` of a run list lies: the last run that starts at or before it.
__device__ std::int64_t slot_of(const DeviceRun* runs, int first, int last, int token, int* chunk) {
  while (last - first > 1) {
    const int middle = (first + last) / 2;
    if (runs[middle].start <= token)
      first = middle;
    else
      last = middle;
  }
  *chunk = runs[first].chunk;
  return runs[first].first + (token - runs[first].start);
}

// Shared memory of attend_split in floats; keys are padded, so that lanes with neighbouring tokens
// read different banks.
__host__ __device__ constexpr int shared_floats(int head_width) {
  return kBlockRows * head_width      // queries
         + kTokens * (head_width + 1) // keys
         + kTokens * head_width       // values
         + kBlockRows * kTokens       // weights
         + 3 * kBlockRows;            // highest, total, correction
}

template <typename T>
__global__ void __launch_bounds__(kThreads) attend_split(DeviceArguments a) {
  extern __shared__ float shared[];
  const int width = static_cast<int>(a.tree.head_width),
            group = static_cast<int>(a.tree.heads / a.tree.kv_heads);
  float* const query = shared;
  float* const key = query + kBlockRows * width;
  float* const value = key + kTokens * (width + 1);
  float* const weight = value + kTokens * width;
  float* const highest = weight + kBlockRows * kTokens;
  float* const total = highest + kBlockRows;
  float* const correction = total + kBlockRows;

  const DeviceSplit split = a.splits[blockIdx.x];
  const int kv_head = static_cast<int>(blockIdx.z), thread = static_cast<int>(threadIdx.x);
  const int lane = thread % 32, warp = thread / 32;
  const int first_row = static_cast<int>(blockIdx.y) * kBlockRows;
  const int rows = min(kBlockRows, split.paths * group - first_row);
  if (rows <= 0)
    return; // the grid is as high as the largest split
  // Row r of the block is head `r % group` of path `r / group` of the split.
  const auto head_of = [&](int row) {
    const std::int64_t path = split.first_path + (first_row + row) / group;
    return path * a.tree.heads + kv_head * group + (first_row + row) % group;
  };

  for (int i = thread; i < rows * width; i += kThreads)
    query[i] =
        to_float(static_cast<const T*>(a.tree.query)[head_of(i / width) * width + i % width]) *
        a.tree.scale;
  for (int row = thread; row < rows; row += kThreads) {
    highest[row] = kLowest;
    total[row] = 0;
  }
  // Sums of values: thread t holds elements t, t + 128, ... of [rows, width].
  constexpr int kMaxWidth = 256;
  constexpr int kHeld = kBlockRows * kMaxWidth / kThreads;
  float sum[kHeld];
#pragma unroll
  for (int i = 0; i < kHeld; ++i)
    sum[i] = 0;

  for (int begin = split.first_token; begin < split.last_token; begin += kTokens) {
    const int tokens = min(kTokens, split.last_token - begin);
    __syncthreads(); // the last tile is no longer read, the queries are there
    for (int token = warp; token < tokens; token += kWarps) {
      int chunk = 0;
      const std::int64_t slot =
          slot_of(a.runs, split.first_run, split.last_run, begin + token, &chunk);
      const ChunkView view = a.tree.chunks[chunk];
      const std::int64_t stride = a.tree.kv_heads * width;
      const T* k = static_cast<const T*>(view.base) +
                   (2 * a.tree.layer * view.slots + slot) * stride + kv_head * width;
      const T* v = k + view.slots * stride;
      for (int i = lane; i < width; i += 32) {
        key[token * (width + 1) + i] = to_float(k[i]);
        value[token * width + i] = to_float(v[i]);
      }
    }
    __syncthreads();
    for (int row = warp; row < rows; row += kWarps) {
      float score = kLowest;
      if (lane < tokens) {
        score = 0;
        for (int i = 0; i < width; ++i)
          score = fmaf(query[row * width + i], key[lane * (width + 1) + i], score);
      }
      const float before = highest[row];
      const float now = fmaxf(before, warp_max(score));
      const float exponential = lane < tokens ? expf(score - now) : 0;
      const float all = warp_sum(exponential);
      weight[row * kTokens + lane] = exponential;
      __syncwarp();
      if (lane == 0) {
        correction[row] = expf(before - now);
        total[row] = total[row] * correction[row] + all;
        highest[row] = now;
      }
    }
    __syncthreads();
#pragma unroll
    for (int i = 0; i < kHeld; ++i) {
      const int element = thread + i * kThreads;
      if (element >= rows * width)
        break;
      const int row = element / width, column = element % width;
      float part = sum[i] * correction[row];
      for (int token = 0; token < tokens; ++token)
        part = fmaf(weight[row * kTokens + token], value[token * width + column], part);
      sum[i] = part;
    }
  }

  __syncthreads();
  const std::int64_t base = static_cast<std::int64_t>(split.index) * a.tree.paths * a.tree.heads;
  for (int row = thread; row < rows; row += kThreads) {
    a.highest[base + head_of(row)] = highest[row];
    a.total[base + head_of(row)] = total[row];
  }
#pragma unroll
  for (int i = 0; i < kHeld; ++i) {
    const int element = thread + i * kThreads;
    if (element >= rows * width)
      break;
    a.sums[(base + head_of(element / width)) * width + element % width] = sum[i];
  }
}

template <typename T>
__global__ void merge_splits(DeviceArguments a) {
  const std::int64_t head = static_cast<std::int64_t>(blockIdx.x); // path * heads + head
  const std::int64_t stride = a.tree.paths * a.tree.heads, width = a.tree.head_width;
  const int partials = a.partials_of_path[head / a.tree.heads];
  float highest = kLowest;
  for (int i = 0; i < partials; ++i)
    highest = fmaxf(highest, a.highest[i * stride + head]);
  float total = 0;
  for (int i = 0; i < partials; ++i)
    total += a.total[i * stride + head] * expf(a.highest[i * stride + head] - highest);
  for (std::int64_t column = threadIdx.x; column < width; column += blockDim.x) {
    float sum = 0;
    for (int i = 0; i < partials; ++i)
      sum = fmaf(a.sums[(i * stride + head) * width + column],
                 expf(a.highest[i * stride + head] - highest), sum);
    store(sum / total, static_cast<T*>(a.tree.out) + head * width + column);
  }
}

template <typename T>
cudaError_t launch(const DeviceArguments& a, std::int32_t most_paths, cudaStream_t stream) {
  const int bytes =
      shared_floats(static_cast<int>(a.tree.head_width)) * static_cast<int>(sizeof(float));
  if (bytes > 48 * 1024) { // more than every kernel may use without asking
    const cudaError_t error =
        cudaFuncSetAttribute(attend_split<T>, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
    if (error != cudaSuccess)
      return error;
  }
  const auto rows = static_cast<unsigned>(most_paths * a.tree.group());
  const dim3 grid(static_cast<unsigned>(a.split_count), (rows + kBlockRows - 1) / kBlockRows,
                  static_cast<unsigned>(a.tree.kv_heads));
  attend_split<T><<<grid, kThreads, bytes, stream>>>(a);
  merge_splits<T><<<static_cast<unsigned>(a.tree.paths * a.tree.heads), 64, 0, stream>>>(a);
  return cudaGetLastError();
}

} // namespace

cudaError_t launch_tree_attention(const DeviceArguments& arguments, std::int32_t most_paths,
                                  cudaStream_t stream) {
  switch (arguments.tree.element) {
  case Element::float32:
    return launch<float>(arguments, most_paths, stream);
  case Element::bfloat16:
    return launch<__nv_bfloat16>(arguments, most_paths, stream);
  case Element::float16:
    return launch<__half>(arguments, most_paths, stream);
  }
  return cudaErrorInvalidValue;
}

} // namespace peakbench::kernels
