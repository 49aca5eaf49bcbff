// From a step's logits to drawn tokens: filters, entropies, draws, for all rows of a forward pass.
// The work per token of the vocabulary is done where the logits lie and in parallel over rows; what
// depends on other paths (how many tokens to draw) comes after it and is small.
#pragma once

#include <ATen/core/TensorBody.h>

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "eab/distribution.h"
#include "eab/draw.h"
#include "eab/random.h"
#include "eab/settings.h"

namespace peakbench::eab {

// One draw from a row of logits; several may share a row.
struct DrawSource {
  std::int64_t row = 0;
  Lineage lineage = kRootLineage;
  std::uint64_t prompt_key = 0;
};

class Sampler {
public:
  explicit Sampler(const Settings& settings);

  // Takes over `logits` [rows, vocabulary], float32, and prepares the draws. Throws Diverged.
  void read(at::Tensor logits, std::int64_t position, std::span<const DrawSource> sources);
  const Distribution& distribution(std::size_t draw) const;
  // At most `count` tokens: never more than have non-zero probability.
  Draw draw(std::size_t draw, std::int64_t count) const;
  // Frees the logits and all that was made of them.
  void clear();

private:
  std::span<const float> host_row(std::int64_t row) const;
  std::span<kernels::TokenBlock> blocks(std::int64_t row) const;
  std::span<double> perturbed(std::size_t draw) const;
  std::span<const float> block_logits(std::int64_t row, std::int32_t block) const;
  void fetch_leading_blocks();

  Filter filter_;
  std::int64_t most_children_; // that a draw will usually ask for
  std::uint64_t seed_;
  at::Tensor logits_;    // [rows, vocabulary], as the model gave them
  at::Tensor sums_;      // [rows, blocks, 4], host
  at::Tensor perturbed_; // [draws, blocks] float64, host
  std::int64_t position_ = 0;
  std::vector<DrawSource> sources_;
  std::vector<Distribution> distributions_; // of rows
  // Of logits on a GPU: what the host has of them.
  struct FetchedBlock {
    std::int64_t row;
    std::int32_t block;
    std::int64_t index; // in fetched_
  };
  mutable std::vector<at::Tensor> host_rows_;
  std::vector<FetchedBlock> fetched_blocks_;
  at::Tensor fetched_; // [fetched blocks, 256]
};

} // namespace peakbench::eab
