// One pass over a row of logits: per block of 256 tokens, what entropy, normalisation and sampling
// need. With y = (logit - block maximum) / temperature over the tokens kept by the edge:
//   sum = sum exp(y),  weighted = sum exp(y) y
// Blocks are combined in float64, so that neither the row's maximum nor a second pass is needed,
// and log(sum) + maximum / temperature is the block's log-sum-exp, on which sampling by blocks
// rests. Lanes of a block are added in float32 (256 terms), blocks in float64.
#pragma once

#include <ATen/core/TensorBody.h>

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace peakbench::kernels {

inline constexpr std::int64_t kTokenBlock = 256;
constexpr std::int64_t token_blocks(std::int64_t vocabulary) {
  return (vocabulary + kTokenBlock - 1) / kTokenBlock;
}

struct TokenBlock {
  float maximum =
      -std::numeric_limits<float>::infinity(); // a logit; NaN if the block holds NaN or +inf
  float minimum = std::numeric_limits<float>::infinity(); // of the kept logits
  float sum = 0;
  float weighted = 0;
};

static_assert(sizeof(TokenBlock) == 4 * sizeof(float)); // a row of the tensor below

// What top-k and top-p leave of a row, whichever they are: the tokens above `logit`, and those
// equal to it up to `index`. The default keeps all.
struct TokenEdge {
  float logit = -std::numeric_limits<float>::infinity();
  std::int32_t index = std::numeric_limits<std::int32_t>::max();
  bool keeps(float value, std::int32_t token) const {
    return value > logit || (value == logit && token <= index);
  }
};

struct TokenLogit {
  float logit = 0;
  std::int32_t token = 0;
};

// One row in host memory; `out` has token_blocks(row.size()) entries.
void token_block_sums(std::span<const float> row, float inverse_temperature, const TokenEdge& edge,
                      std::span<TokenBlock> out);

// The oracle, in float64 and without vectors.
void token_block_sums_reference(std::span<const float> row, float inverse_temperature,
                                const TokenEdge& edge, std::span<TokenBlock> out);

// Appends the tokens with logit >= least, in token order. `blocks` are the row's: those whose
// maximum is lower are not read.
void tokens_at_least(std::span<const float> row, std::span<const TokenBlock> blocks, float least,
                     std::vector<TokenLogit>& out);

// All rows of a matrix [rows, vocabulary], float32 and contiguous, where it lies. Returns a host
// tensor [rows, blocks, 4] of TokenBlocks.
at::Tensor token_block_sums(const at::Tensor& logits, float inverse_temperature);

#if PEAKBENCH_USE_CUDA
// The device pass of the function above: `out` [rows, blocks, 4] on the device of `logits`.
void token_block_sums_cuda(const float* logits, std::int64_t rows, std::int64_t vocabulary,
                           float inverse_temperature, float* out, void* stream);
#endif

} // namespace peakbench::kernels
