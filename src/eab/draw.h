// Tokens drawn without replacement by Gumbel top-k: the k greatest of (log-probability + Gumbel
// noise) are an exact sample without replacement, and for k = 1 an ordinary sample.
//
// Hierarchical, so that a draw needs some V/256 + k 256 random numbers instead of V: the greatest
// perturbed value of a block of tokens is again Gumbel, around the block's log-sum-exp, and given
// that maximum the values inside the block are truncated Gumbels (Kool, van Hoof, Welling,
// "Stochastic Beams and Where to Find Them", ICML 2019, appendix B). Only blocks whose maximum can
// matter are expanded. The result is exact in distribution, and every perturbed value is a
// continuous function of the logits, so that rounding in the logits moves it by rounding only.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "eab/distribution.h"
#include "eab/random.h"

namespace peakbench::eab {

struct DrawnToken {
  std::int32_t token = 0;
  double log_prob = 0;  // under the distribution drawn from
  double perturbed = 0; // log-probability (up to the distribution's constant) + Gumbel noise
};

struct Draw {
  std::vector<DrawnToken> tokens; // highest perturbed value first
  // Least distance between perturbed values that are neighbours in the order, the first token not
  // taken included: by so much the logits may move without another draw.
  double gap = 0;
};

// Perturbed block maxima of a draw: out[b] for every block of the row.
void perturb_blocks(const Distribution& distribution, std::span<const kernels::TokenBlock> blocks,
                    const RandomKey& key, Lineage lineage, std::int64_t position,
                    std::span<double> out);

// The blocks that a draw of `count` is sure to read, greatest first.
std::vector<std::int32_t> leading_blocks(std::span<const double> perturbed, std::int64_t count);

// Gives the logits of a block; it may have to fetch them from a device.
using BlockReader = std::function<std::span<const float>(std::int32_t block)>;

// min(count, support) tokens. `perturbed` is what perturb_blocks() gave.
Draw draw_tokens(const Distribution& distribution, std::span<const double> perturbed,
                 const BlockReader& read, const RandomKey& key, Lineage lineage,
                 std::int64_t position, std::int64_t count);

} // namespace peakbench::eab
