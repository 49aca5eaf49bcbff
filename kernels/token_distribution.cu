// token_block_sums on the GPU: the CPU version's arithmetic (token_distribution.cpp), a warp per
// block of 256 tokens, 8 tokens a lane kept in registers, so that logits are read once. Launch: x =
// blocks of tokens / 8 warps, y = rows. Memory-bound: 4 bytes in per token, 16 out per 256.
#include <cuda_runtime.h>
#include <math_constants.h>

#include <cstdint>
#include <stdexcept>
#include <string>

namespace peakbench::kernels {

namespace {

constexpr int kWarp = 32;
constexpr int kWarpsPerCta = 8;
constexpr int kTokens = 256;
constexpr int kTokensPerLane = kTokens / kWarp;
constexpr unsigned kAllLanes = 0xffffffffU;

__device__ float warp_max(float value) {
  for (int offset = kWarp / 2; offset > 0; offset /= 2)
    value = fmaxf(value, __shfl_xor_sync(kAllLanes, value, offset));
  return value;
}
__device__ float warp_sum(float value) {
  for (int offset = kWarp / 2; offset > 0; offset /= 2)
    value += __shfl_xor_sync(kAllLanes, value, offset);
  return value;
}

// out: [rows, blocks, 4] of (maximum, minimum, sum, weighted), the layout of TokenBlock.
__global__ void block_sums(const float* __restrict__ logits, std::int64_t vocabulary,
                           std::int64_t blocks, float inverse_temperature,
                           float4* __restrict__ out) {
  const std::int64_t block =
      static_cast<std::int64_t>(blockIdx.x) * kWarpsPerCta + threadIdx.x / kWarp;
  if (block >= blocks)
    return;
  const int lane = threadIdx.x % kWarp;
  const std::int64_t row = blockIdx.y;
  const float* first = logits + row * vocabulary + block * kTokens;
  const std::int64_t count = vocabulary - block * kTokens;

  float value[kTokensPerLane];
  float maximum = -CUDART_INF_F;
  float minimum = CUDART_INF_F;
  bool bad = false;
#pragma unroll
  for (int i = 0; i < kTokensPerLane; ++i) {
    const int token = i * kWarp + lane;
    const bool there = token < count;
    value[i] = there ? first[token] : -CUDART_INF_F;
    bad = bad || !(value[i] < CUDART_INF_F); // NaN or +inf
    maximum = fmaxf(maximum, value[i]);
    if (there)
      minimum = fminf(minimum, value[i]);
  }
  bad = __any_sync(kAllLanes, bad);
  maximum = warp_max(maximum);
  minimum = -warp_max(-minimum);

  float sum = 0;
  float weighted = 0;
  if (!bad && maximum > -CUDART_INF_F) {
#pragma unroll
    for (int i = 0; i < kTokensPerLane; ++i) {
      const float y = (value[i] - maximum) * inverse_temperature;
      if (y > -87.0F) {
        const float e = expf(y);
        sum += e;
        weighted += e * y;
      }
    }
    sum = warp_sum(sum);
    weighted = warp_sum(weighted);
  }
  if (lane != 0)
    return;
  out[row * blocks + block] = bad ? make_float4(CUDART_NAN_F, CUDART_INF_F, 0, 0)
                                  : make_float4(maximum, minimum, sum, weighted);
}

} // namespace

void token_block_sums_cuda(const float* logits, std::int64_t rows, std::int64_t vocabulary,
                           float inverse_temperature, float* out, void* stream) {
  if (rows == 0 || vocabulary == 0)
    return;
  const std::int64_t blocks = (vocabulary + kTokens - 1) / kTokens;
  const dim3 grid(static_cast<unsigned>((blocks + kWarpsPerCta - 1) / kWarpsPerCta),
                  static_cast<unsigned>(rows));
  block_sums<<<grid, kWarp * kWarpsPerCta, 0, static_cast<cudaStream_t>(stream)>>>(
      logits, vocabulary, blocks, inverse_temperature, reinterpret_cast<float4*>(out));
  const cudaError_t error = cudaGetLastError();
  if (error != cudaSuccess)
    throw std::runtime_error(std::string("token_block_sums: ") + cudaGetErrorString(error));
}

} // namespace peakbench::kernels
