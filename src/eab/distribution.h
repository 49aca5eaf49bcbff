// The distribution a path's next token is drawn from (eab.md): a row of logits through temperature,
// top-k and top-p, with its normalised entropy.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/token_distribution.h"

namespace peakbench::eab {

struct Filter {
  double temperature = 1;
  std::int64_t top_k = 0; // 0: off. Ties of the k-th are kept.
  double top_p = 1;       // the token that crosses p is kept
  bool active(std::int64_t vocabulary) const {
    return (top_k > 0 && top_k < vocabulary) || top_p < 1;
  }
  float inverse_temperature() const { return static_cast<float>(1 / temperature); }
};

struct Distribution {
  float maximum = 0; // greatest logit
  double inverse_temperature = 1;
  double log_normaliser = 0; // of exp((logit - maximum) / temperature) over the kept tokens
  double entropy_nats = 0;
  double entropy = 0;       // normalised: min(entropy_nats / ln V, 1)
  std::int64_t support = 0; // tokens of non-zero probability
  kernels::TokenEdge edge;  // which tokens are kept
  double edge_gap = 0;      // how far the filters were from keeping another set; infinite without
  double least = 0;         // (logit - maximum) / temperature below it counts as probability zero

  double scaled(float logit) const {
    return (static_cast<double>(logit) - maximum) * inverse_temperature;
  }
  double log_prob(float logit) const { return scaled(logit) - log_normaliser; }
  bool keeps(float logit, std::int32_t token) const {
    return edge.keeps(logit, token) && scaled(logit) > least;
  }
  // Log-sum-exp of a block on the scale of `scaled`; -inf if none of its tokens is kept.
  double log_weight(const kernels::TokenBlock& block) const;
};

// Can the distribution be made from the blocks alone, without the row? Not where a filter is
// active, nor where some tokens have probability zero and must be counted.
bool needs_row(std::span<const kernels::TokenBlock> blocks, std::int64_t vocabulary,
               const Filter& filter);

// `blocks`: of the whole row (token_block_sums without an edge); where a filter is active they are
// replaced by those of the kept tokens. `row` may be empty unless needs_row(). Throws Diverged for
// a NaN or infinite logit.
Distribution make_distribution(std::span<const float> row, std::span<kernels::TokenBlock> blocks,
                               std::int64_t vocabulary, const Filter& filter);

} // namespace peakbench::eab
