// Vectorised with Highway: compiled once per instruction set, chosen at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/token_distribution.cpp"
#include <hwy/foreach_target.h> // IWYU pragma: keep
// Highway wants itself included after the line above.
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include "kernels/token_distribution.h"

HWY_BEFORE_NAMESPACE();
namespace peakbench::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::ScalableTag<float>;
using Vector = hn::Vec<Floats>;

// The kept tokens' logits, -inf for the others and beyond the end.
HWY_INLINE Vector kept(Floats d, const float* row, std::size_t first, std::size_t end,
                       const TokenEdge& edge, bool filtered) {
  const hn::RebindToSigned<Floats> di;
  const Vector nothing = hn::Set(d, -std::numeric_limits<float>::infinity());
  const std::size_t lanes = hn::Lanes(d);
  Vector value = nothing;
  if (first + lanes <= end) {
    value = hn::LoadU(d, row + first);
  } else {
    // A masked load may read beyond the row, or want it aligned, on some instruction sets.
    HWY_ALIGN float last[hn::MaxLanes(d)];
    for (std::size_t i = 0; i < lanes; ++i)
      last[i] = first + i < end ? row[first + i] : -std::numeric_limits<float>::infinity();
    value = hn::Load(d, last);
  }
  if (!filtered)
    return value;
  const Vector limit = hn::Set(d, edge.logit);
  const auto index = hn::Iota(di, static_cast<std::int32_t>(first));
  const auto early = hn::Not(hn::Gt(index, hn::Set(di, edge.index)));
  const auto keep =
      hn::Or(hn::Gt(value, limit), hn::And(hn::Eq(value, limit), hn::RebindMask(d, early)));
  return hn::IfThenElse(keep, value, nothing);
}

void block_sums(const float* row, std::size_t count, float inverse_temperature,
                const TokenEdge& edge, TokenBlock* out) {
  const Floats d;
  const std::size_t lanes = hn::Lanes(d);
  const float infinity = std::numeric_limits<float>::infinity();
  const Vector nothing = hn::Set(d, -infinity);
  const Vector zero = hn::Zero(d);
  const Vector inverse = hn::Set(d, inverse_temperature);
  const bool filtered = edge.logit > -infinity;
  for (std::size_t begin = 0; begin < count; begin += kTokenBlock, ++out) {
    const std::size_t end = std::min<std::size_t>(count, begin + kTokenBlock);
    Vector maximum = nothing;
    Vector minimum = hn::Set(d, infinity);
    auto bad = hn::Lt(zero, zero);
    for (std::size_t i = begin; i < end; i += lanes) {
      const Vector value = kept(d, row, i, end, edge, filtered);
      // Not finite and not -inf.
      bad = hn::Or(bad, hn::Not(hn::Lt(value, hn::Set(d, infinity))));
      maximum = hn::Max(maximum, value);
      // Tokens beyond the end or the edge are no minimum, -inf logits are.
      Vector low = value;
      if (filtered)
        low = hn::IfThenElse(hn::Eq(value, nothing), hn::Set(d, infinity), value);
      else if (i + lanes > end)
        low = hn::IfThenElse(hn::FirstN(d, end - i), value, hn::Set(d, infinity));
      minimum = hn::Min(minimum, low);
    }
    *out = TokenBlock{};
    if (!hn::AllFalse(d, bad)) {
      out->maximum = std::numeric_limits<float>::quiet_NaN();
      continue;
    }
    const float top = hn::GetLane(hn::MaxOfLanes(d, maximum));
    out->maximum = top;
    out->minimum = hn::GetLane(hn::MinOfLanes(d, minimum));
    if (top == -infinity)
      continue;
    const Vector base = hn::Set(d, top);
    Vector sum = zero;
    Vector weighted = zero;
    for (std::size_t i = begin; i < end; i += lanes) {
      const Vector value = kept(d, row, i, end, edge, filtered);
      const Vector y = hn::Mul(hn::Sub(value, base), inverse);
      // Below -87 exp() leaves the normal numbers: nothing beside the block's own maximum of 1. It
      // also takes care of -inf, whose product with 0 would be NaN.
      const auto counts = hn::Gt(y, hn::Set(d, -87.0F));
      const Vector e = hn::IfThenElseZero(counts, hn::Exp(d, hn::Max(y, hn::Set(d, -87.0F))));
      sum = hn::Add(sum, e);
      weighted = hn::Add(weighted, hn::IfThenElseZero(counts, hn::Mul(e, y)));
    }
    out->sum = hn::GetLane(hn::SumOfLanes(d, sum));
    out->weighted = hn::GetLane(hn::SumOfLanes(d, weighted));
  }
}

// Values and token ids of a block that reach `least`, packed to the front. Returns how many; both
// outputs need room for a vector more than the block.
std::size_t pack_block(const float* row, std::size_t begin, std::size_t end, float least,
                       float* values, std::int32_t* tokens) {
  const Floats d;
  const hn::RebindToSigned<Floats> di;
  const std::size_t lanes = hn::Lanes(d);
  const Vector limit = hn::Set(d, least);
  std::size_t count = 0;
  for (std::size_t i = begin; i < end; i += lanes) {
    const TokenEdge all;
    const Vector value = kept(d, row, i, end, all, false);
    auto keep = hn::Ge(value, limit);
    if (i + lanes > end)
      keep = hn::And(keep, hn::FirstN(d, end - i));
    if (hn::AllFalse(d, keep))
      continue;
    const auto index = hn::Iota(di, static_cast<std::int32_t>(i));
    hn::CompressStore(value, keep, d, values + count);
    count += hn::CompressStore(index, hn::RebindMask(di, keep), di, tokens + count);
  }
  return count;
}

} // namespace peakbench::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#if PEAKBENCH_USE_CUDA
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#endif

#include <algorithm>
#include <cmath>

namespace peakbench::kernels {

HWY_EXPORT(block_sums);
HWY_EXPORT(pack_block);

void token_block_sums(std::span<const float> row, float inverse_temperature, const TokenEdge& edge,
                      std::span<TokenBlock> out) {
  TORCH_CHECK(static_cast<std::int64_t>(out.size()) ==
                  token_blocks(static_cast<std::int64_t>(row.size())),
              "token_block_sums: ", out.size(), " blocks for ", row.size(), " tokens");
  HWY_DYNAMIC_DISPATCH(block_sums)(row.data(), row.size(), inverse_temperature, edge, out.data());
}

void token_block_sums_reference(std::span<const float> row, float inverse_temperature,
                                const TokenEdge& edge, std::span<TokenBlock> out) {
  const double infinity = std::numeric_limits<double>::infinity();
  for (std::size_t b = 0; b < out.size(); ++b) {
    const std::size_t begin = b * kTokenBlock;
    const std::size_t end = std::min<std::size_t>(row.size(), begin + kTokenBlock);
    TokenBlock block;
    bool bad = false;
    for (std::size_t i = begin; i < end; ++i) {
      bad = bad || std::isnan(row[i]) || row[i] == infinity;
      if (!edge.keeps(row[i], static_cast<std::int32_t>(i)))
        continue;
      block.maximum = std::max(block.maximum, row[i]);
      block.minimum = std::min(block.minimum, row[i]);
    }
    double sum = 0;
    double weighted = 0;
    for (std::size_t i = begin; i < end && !bad && block.maximum > -infinity; ++i) {
      if (!edge.keeps(row[i], static_cast<std::int32_t>(i)) || row[i] == -infinity)
        continue;
      const double y = (static_cast<double>(row[i]) - block.maximum) * inverse_temperature;
      sum += std::exp(y);
      weighted += std::exp(y) * y;
    }
    block.sum = static_cast<float>(sum);
    block.weighted = static_cast<float>(weighted);
    if (bad) {
      block = TokenBlock{};
      block.maximum = std::numeric_limits<float>::quiet_NaN();
    }
    out[b] = block;
  }
}

void tokens_at_least(std::span<const float> row, std::span<const TokenBlock> blocks, float least,
                     std::vector<TokenLogit>& out) {
  constexpr std::size_t kRoom = kTokenBlock + 64;
  float values[kRoom];
  std::int32_t tokens[kRoom];
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    if (!(blocks[b].maximum >= least))
      continue;
    const std::size_t begin = b * kTokenBlock;
    const std::size_t end = std::min<std::size_t>(row.size(), begin + kTokenBlock);
    const std::size_t count =
        HWY_DYNAMIC_DISPATCH(pack_block)(row.data(), begin, end, least, values, tokens);
    for (std::size_t i = 0; i < count; ++i)
      out.push_back({values[i], tokens[i]});
  }
}

at::Tensor token_block_sums(const at::Tensor& logits, float inverse_temperature) {
  TORCH_CHECK(logits.dim() == 2 && logits.is_contiguous() && logits.scalar_type() == at::kFloat,
              "token_block_sums: logits must be a contiguous float32 matrix");
  const std::int64_t rows = logits.size(0);
  const std::int64_t vocabulary = logits.size(1);
  const std::int64_t blocks = token_blocks(vocabulary);
  at::Tensor out = at::empty({rows, blocks, 4}, logits.options()); // [rows, blocks, 4]
  if (logits.is_cpu()) {
    const float* data = logits.const_data_ptr<float>();
    auto* sums = reinterpret_cast<TokenBlock*>(out.mutable_data_ptr<float>());
    at::parallel_for(0, rows, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r)
        token_block_sums({data + r * vocabulary, static_cast<std::size_t>(vocabulary)},
                         inverse_temperature, TokenEdge{},
                         {sums + r * blocks, static_cast<std::size_t>(blocks)});
    });
    return out;
  }
#if PEAKBENCH_USE_CUDA
  const c10::cuda::CUDAGuard guard(logits.device());
  token_block_sums_cuda(logits.const_data_ptr<float>(), rows, vocabulary, inverse_temperature,
                        out.mutable_data_ptr<float>(), c10::cuda::getCurrentCUDAStream().stream());
  return out.cpu();
#else
  TORCH_CHECK(false, "token_block_sums: built without CUDA");
#endif
}

} // namespace peakbench::kernels

#endif // HWY_ONCE
