#include "eab/draw.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace peakbench::eab {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Counter indices: tokens from 0, blocks from here.
constexpr std::uint32_t kBlockIndices = 0x80000000U;

// log(1 - exp(x)) for x <= 0, without cancellation on either end.
double log_one_minus_exp(double x) {
  return x > -0.6931471805599453 ? std::log(-std::expm1(x)) : std::log1p(-std::exp(x));
}

// A Gumbel value `value` among values whose greatest is `observed`, moved so that the greatest is
// `wanted` (Kool et al., equation 29, in its stable form). Increasing in `value`.
double truncated(double value, double observed, double wanted) {
  if (value >= observed)
    return wanted;
  const double v = wanted - value + log_one_minus_exp(value - observed);
  return wanted - std::max(0.0, v) - std::log1p(std::exp(-std::abs(v)));
}

struct Candidate {
  double perturbed = 0;
  std::int32_t token = 0;
  float logit = 0;
};
// For a heap whose front is the least.
bool greater(const Candidate& a, const Candidate& b) {
  return a.perturbed > b.perturbed || (a.perturbed == b.perturbed && a.token < b.token);
}

// The greatest `room` candidates seen so far, as a heap with the least in front.
class Best {
public:
  explicit Best(std::size_t room) : room_(room) { heap_.reserve(room + 1); }
  bool full() const { return heap_.size() == room_; }
  // Only what is greater can get in.
  double bar() const { return full() ? heap_.front().perturbed : -kInfinity; }
  void offer(const Candidate& candidate) {
    if (full() && !greater(candidate, heap_.front()))
      return;
    heap_.push_back(candidate);
    std::push_heap(heap_.begin(), heap_.end(), greater);
    if (heap_.size() <= room_)
      return;
    std::pop_heap(heap_.begin(), heap_.end(), greater);
    heap_.pop_back();
  }
  std::vector<Candidate> sorted() && {
    std::sort(heap_.begin(), heap_.end(), greater);
    return std::move(heap_);
  }

private:
  std::size_t room_;
  std::vector<Candidate> heap_;
};

// Offers the tokens of one block whose perturbed maximum is `wanted`.
void expand(const Distribution& distribution, std::span<const float> logits, std::int32_t block,
            double wanted, const RandomKey& key, Lineage lineage, std::int64_t position,
            std::size_t room, Best& best) {
  // Truncation keeps the order, so only the block's own greatest need it.
  Best own(room);
  const auto first = static_cast<std::int32_t>(block * kernels::kTokenBlock);
  for (std::size_t i = 0; i < logits.size(); i += 2) {
    const auto token = first + static_cast<std::int32_t>(i);
    const std::size_t pair = std::min<std::size_t>(2, logits.size() - i);
    bool kept = false;
    for (std::size_t j = 0; j < pair; ++j)
      kept = kept || distribution.keeps(logits[i + j], token + static_cast<std::int32_t>(j));
    if (!kept)
      continue;
    const std::array<double, 2> uniforms =
        key.uniforms(lineage, position, static_cast<std::uint32_t>(token) / 2);
    for (std::size_t j = 0; j < pair; ++j) {
      const auto id = token + static_cast<std::int32_t>(j);
      if (distribution.keeps(logits[i + j], id))
        own.offer({distribution.scaled(logits[i + j]) + gumbel(uniforms[j]), id, logits[i + j]});
    }
  }
  const std::vector<Candidate> greatest = std::move(own).sorted();
  for (const Candidate& candidate : greatest)
    best.offer({truncated(candidate.perturbed, greatest.front().perturbed, wanted), candidate.token,
                candidate.logit});
}

} // namespace

void perturb_blocks(const Distribution& distribution, std::span<const kernels::TokenBlock> blocks,
                    const RandomKey& key, Lineage lineage, std::int64_t position,
                    std::span<double> out) {
  for (std::size_t b = 0; b < blocks.size(); b += 2) {
    const std::array<double, 2> uniforms =
        key.uniforms(lineage, position, kBlockIndices + static_cast<std::uint32_t>(b / 2));
    for (std::size_t j = 0; j < 2 && b + j < blocks.size(); ++j) {
      const double weight = distribution.log_weight(blocks[b + j]);
      out[b + j] = weight == -kInfinity ? -kInfinity : weight + gumbel(uniforms[j]);
    }
  }
}

std::vector<std::int32_t> leading_blocks(std::span<const double> perturbed, std::int64_t count) {
  std::vector<std::int32_t> order(perturbed.size());
  for (std::size_t b = 0; b < order.size(); ++b)
    order[b] = static_cast<std::int32_t>(b);
  const auto wanted = std::min(static_cast<std::size_t>(count), order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(wanted), order.end(),
                    [&](std::int32_t a, std::int32_t b) {
                      const double left = perturbed[static_cast<std::size_t>(a)];
                      const double right = perturbed[static_cast<std::size_t>(b)];
                      return left > right || (left == right && a < b);
                    });
  order.resize(wanted);
  while (!order.empty() && perturbed[static_cast<std::size_t>(order.back())] == -kInfinity)
    order.pop_back();
  return order;
}

Draw draw_tokens(const Distribution& distribution, std::span<const double> perturbed,
                 const BlockReader& read, const RandomKey& key, Lineage lineage,
                 std::int64_t position, std::int64_t count) {
  count = std::min(count, distribution.support);
  // One more than asked for: the first token not taken gives the gap.
  const std::size_t room = static_cast<std::size_t>(count) + 1;
  Best best(room);
  // The `room` greatest blocks hold the `room` greatest tokens: each has one at its maximum.
  for (const std::int32_t block : leading_blocks(perturbed, static_cast<std::int64_t>(room))) {
    const double wanted = perturbed[static_cast<std::size_t>(block)];
    if (wanted <= best.bar())
      break;
    expand(distribution, read(block), block, wanted, key, lineage, position, room, best);
  }
  const std::vector<Candidate> sorted = std::move(best).sorted();
  Draw result;
  result.gap = kInfinity;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    if (i > 0)
      result.gap = std::min(result.gap, sorted[i - 1].perturbed - sorted[i].perturbed);
    if (static_cast<std::int64_t>(i) < count)
      result.tokens.push_back(
          {sorted[i].token, distribution.log_prob(sorted[i].logit), sorted[i].perturbed});
  }
  return result;
}

} // namespace peakbench::eab
