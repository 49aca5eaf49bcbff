#include "eab/distribution.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace peakbench::eab {

namespace {

using kernels::TokenBlock;
using kernels::TokenLogit;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
// exp() of less is no normal double any more: probability zero.
constexpr double kLeastScaled = -700;

bool higher(const TokenLogit& a, const TokenLogit& b) {
  return a.logit > b.logit || (a.logit == b.logit && a.token < b.token);
}

float greatest(std::span<const TokenBlock> blocks) {
  float maximum = -std::numeric_limits<float>::infinity();
  for (const TokenBlock& block : blocks) {
    if (std::isnan(block.maximum))
      throw Diverged("a logit is NaN or infinite");
    maximum = std::max(maximum, block.maximum);
  }
  if (std::isinf(maximum))
    throw Diverged("every logit is -infinity");
  return maximum;
}

// Normaliser and entropy from the blocks, in float64 around the row's maximum.
void combine(std::span<const TokenBlock> blocks, std::int64_t vocabulary, Distribution& result) {
  double sum = 0;
  double weighted = 0; // sum exp(y) y, with y relative to the row's maximum
  for (const TokenBlock& block : blocks) {
    if (block.sum == 0)
      continue;
    const double shift = result.scaled(block.maximum);
    const double factor = std::exp(shift);
    sum += factor * block.sum;
    weighted += factor * (block.weighted + block.sum * shift);
  }
  result.log_normaliser = std::log(sum);
  result.entropy_nats = std::max(0.0, result.log_normaliser - weighted / sum);
  result.entropy =
      vocabulary > 1
          ? std::min(result.entropy_nats / std::log(static_cast<double>(vocabulary)), 1.0)
          : 0.0;
}

// The logit at or below which scaled() counts as zero probability.
float least_logit(const Distribution& distribution) {
  return static_cast<float>(distribution.maximum + kLeastScaled / distribution.inverse_temperature);
}

bool all_possible(std::span<const TokenBlock> blocks, float least) {
  return std::all_of(blocks.begin(), blocks.end(),
                     [&](const TokenBlock& block) { return block.minimum > least; });
}

std::int64_t count_support(std::span<const float> row, std::span<const TokenBlock> blocks,
                           const Distribution& distribution) {
  std::vector<TokenLogit> tokens;
  const float least = std::max(distribution.edge.logit, least_logit(distribution));
  kernels::tokens_at_least(row, blocks, least, tokens);
  return std::count_if(tokens.begin(), tokens.end(),
                       [&](const TokenLogit& t) { return distribution.keeps(t.logit, t.token); });
}

// The k-th greatest logit becomes the edge, ties included.
void keep_top_k(std::span<const float> row, std::span<const TokenBlock> blocks, std::int64_t k,
                Distribution& result) {
  // The k+1 greatest block maxima are k+1 tokens, so that those of the answer reach the least of
  // them.
  float least = std::numeric_limits<float>::lowest();
  const auto wanted = static_cast<std::size_t>(k) + 1;
  if (wanted <= blocks.size()) {
    std::vector<float> maxima;
    for (const TokenBlock& block : blocks)
      maxima.push_back(block.maximum);
    const auto nth = maxima.begin() + static_cast<std::ptrdiff_t>(wanted) - 1;
    std::nth_element(maxima.begin(), nth, maxima.end(), std::greater<>());
    least = std::max(least, *nth);
  }
  std::vector<TokenLogit> tokens;
  kernels::tokens_at_least(row, blocks, least, tokens);
  if (static_cast<std::int64_t>(tokens.size()) <= k)
    return; // no more are possible at all
  const auto kth = tokens.begin() + k - 1;
  std::nth_element(tokens.begin(), kth, tokens.end(), higher);
  result.edge.logit = kth->logit;
  float next = std::numeric_limits<float>::lowest();
  for (auto token = kth + 1; token != tokens.end(); ++token)
    next = std::max(next, token->logit);
  result.edge_gap = std::min(result.edge_gap, result.scaled(kth->logit) - result.scaled(next));
}

// The token at which the cumulated probability reaches p becomes the edge. Only the tokens of one
// narrow range of logits are sorted: a histogram of the mass says which range the crossing is in.
void keep_top_p(std::span<const float> row, std::span<const TokenBlock> blocks,
                std::int64_t vocabulary, double p, Distribution& result) {
  const double mass = std::exp(result.log_normaliser);
  // All tokens deeper than this hold less than (1 - p) together, so that p is reached before them.
  const double depth =
      0.01 + std::max(0.0, std::log(static_cast<double>(vocabulary) / ((1 - p) * mass)));
  const auto least = static_cast<float>(result.maximum - depth / result.inverse_temperature);
  std::vector<TokenLogit> tokens;
  kernels::tokens_at_least(row, blocks, std::max(least, result.edge.logit), tokens);

  constexpr int kBins = 256;
  const auto bin_of = [&](float logit) {
    return std::clamp(static_cast<int>(-result.scaled(logit) * (kBins / depth)), 0, kBins - 1);
  };
  std::array<double, kBins> bins{};
  for (const TokenLogit& token : tokens)
    if (result.edge.keeps(token.logit, token.token))
      bins[static_cast<std::size_t>(bin_of(token.logit))] += std::exp(result.scaled(token.logit));
  double before = 0;
  int crossing = 0;
  while (crossing + 1 < kBins && before + bins[static_cast<std::size_t>(crossing)] < p * mass)
    before += bins[static_cast<std::size_t>(crossing++)];

  std::vector<TokenLogit> near;
  for (const TokenLogit& token : tokens)
    if (result.edge.keeps(token.logit, token.token) && bin_of(token.logit) == crossing)
      near.push_back(token);
  std::sort(near.begin(), near.end(), higher);
  for (std::size_t i = 0; i < near.size(); ++i) {
    const double after = before + std::exp(result.scaled(near[i].logit));
    if (after < p * mass && i + 1 < near.size()) {
      before = after;
      continue;
    }
    result.edge = {near[i].logit, near[i].token};
    result.edge_gap =
        std::min({result.edge_gap, (after - p * mass) / mass, (p * mass - before) / mass});
    if (i + 1 < near.size())
      result.edge_gap = std::min(result.edge_gap,
                                 result.scaled(near[i].logit) - result.scaled(near[i + 1].logit));
    return;
  }
}

} // namespace

double Distribution::log_weight(const TokenBlock& block) const {
  if (block.sum == 0 || scaled(block.maximum) <= least)
    return -kInfinity;
  return scaled(block.maximum) + std::log(static_cast<double>(block.sum));
}

bool needs_row(std::span<const TokenBlock> blocks, std::int64_t vocabulary, const Filter& filter) {
  if (filter.active(vocabulary))
    return true;
  Distribution distribution;
  distribution.maximum = greatest(blocks);
  distribution.inverse_temperature = 1 / filter.temperature;
  return !all_possible(blocks, least_logit(distribution));
}

Distribution make_distribution(std::span<const float> row, std::span<TokenBlock> blocks,
                               std::int64_t vocabulary, const Filter& filter) {
  Distribution result;
  result.maximum = greatest(blocks);
  result.inverse_temperature = 1 / filter.temperature;
  result.edge_gap = kInfinity;
  result.least = kLeastScaled;
  if (filter.top_k > 0 && filter.top_k < vocabulary) {
    keep_top_k(row, blocks, filter.top_k, result);
    kernels::token_block_sums(row, filter.inverse_temperature(), result.edge, blocks);
  }
  combine(blocks, vocabulary, result);
  if (filter.top_p < 1) {
    keep_top_p(row, blocks, vocabulary, filter.top_p, result);
    kernels::token_block_sums(row, filter.inverse_temperature(), result.edge, blocks);
    combine(blocks, vocabulary, result);
  }
  if (!filter.active(vocabulary) && all_possible(blocks, least_logit(result)))
    result.support = vocabulary;
  else
    result.support = count_support(row, blocks, result);
  return result;
}

} // namespace peakbench::eab
