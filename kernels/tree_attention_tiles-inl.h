// Attention of some queries over one tile of tokens, a query per SIMD lane: what tree_attention_cpu
// is made of. Included once per instruction set.
#if defined(PEAKBENCH_TREE_ATTENTION_TILES) == defined(HWY_TARGET_TOGGLE)
#ifdef PEAKBENCH_TREE_ATTENTION_TILES
#undef PEAKBENCH_TREE_ATTENTION_TILES
#else
#define PEAKBENCH_TREE_ATTENTION_TILES
#endif

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>

// Sums stay in registers only where the loops over them are unrolled, which -O2 does not do by
// itself.
#ifndef PEAKBENCH_UNROLL
#define PEAKBENCH_UNROLL _Pragma("GCC unroll 8")
#endif

HWY_BEFORE_NAMESPACE();
namespace peakbench::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

constexpr std::int64_t kTile = 32;
constexpr float kLowest = -1e30F;
using Floats = hn::ScalableTag<float>;

HWY_INLINE void to_float(const float* from, std::int64_t count, float* to) {
  std::copy_n(from, count, to);
}
HWY_INLINE void to_float(const hwy::bfloat16_t* from, std::int64_t count, float* to) {
  const Floats d;
  const hn::Rebind<hwy::bfloat16_t, Floats> narrow;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes)
    hn::StoreU(hn::PromoteTo(d, hn::LoadU(narrow, from + i)), d, to + i);
  for (; i < count; ++i)
    to[i] = hwy::F32FromBF16(from[i]);
}

// C[i][lanes] = C[i][lanes] * correction + sum_k A[i][k] B[k][lanes] for kRows rows i; C starts at
// 0 without a correction. A is scalar with any strides, B and C have `width` floats a row.
template <int kRows, int kVectors, bool kCorrect>
HWY_INLINE void multiply_rows(const float* HWY_RESTRICT a, std::int64_t a_row, std::int64_t a_step,
                              const float* HWY_RESTRICT b, std::int64_t b_row,
                              float* HWY_RESTRICT c, std::int64_t c_row, std::int64_t steps,
                              const float* HWY_RESTRICT correction) {
  const Floats d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  hn::Vec<Floats> sum[kRows][kVectors];
  PEAKBENCH_UNROLL
  for (int i = 0; i < kRows; ++i)
    PEAKBENCH_UNROLL
  for (int v = 0; v < kVectors; ++v)
    sum[i][v] = kCorrect ? hn::Mul(hn::LoadU(d, c + i * c_row + v * lanes),
                                   hn::LoadU(d, correction + v * lanes))
                         : hn::Zero(d);
  for (std::int64_t k = 0; k < steps; ++k) {
    hn::Vec<Floats> right[kVectors];
    PEAKBENCH_UNROLL
    for (int v = 0; v < kVectors; ++v)
      right[v] = hn::LoadU(d, b + k * b_row + v * lanes);
    PEAKBENCH_UNROLL
    for (int i = 0; i < kRows; ++i) {
      const auto left = hn::Set(d, a[i * a_row + k * a_step]);
      PEAKBENCH_UNROLL
      for (int v = 0; v < kVectors; ++v)
        sum[i][v] = hn::MulAdd(left, right[v], sum[i][v]);
    }
  }
  PEAKBENCH_UNROLL
  for (int i = 0; i < kRows; ++i)
    PEAKBENCH_UNROLL
  for (int v = 0; v < kVectors; ++v)
    hn::StoreU(sum[i][v], d, c + i * c_row + v * lanes);
}

template <int kVectors, bool kCorrect>
HWY_INLINE void multiply(const float* a, std::int64_t rows, std::int64_t a_row, std::int64_t a_step,
                         const float* b, std::int64_t b_row, float* c, std::int64_t c_row,
                         std::int64_t steps, const float* correction) {
  constexpr int kRows = 8 / kVectors; // 8 chains of sums hide the latency of a fused multiply-add
  std::int64_t i = 0;
  for (; i + kRows <= rows; i += kRows)
    multiply_rows<kRows, kVectors, kCorrect>(a + i * a_row, a_row, a_step, b, b_row, c + i * c_row,
                                             c_row, steps, correction);
  for (; i < rows; ++i)
    multiply_rows<1, kVectors, kCorrect>(a + i * a_row, a_row, a_step, b, b_row, c + i * c_row,
                                         c_row, steps, correction);
}

// Online softmax of up to kVectors registers of queries; every array but `query` is owned by it.
struct State {
  const float* query; // [head_width, query_row], scaled
  std::int64_t query_row;
  float* sums; // [head_width, width]: sum of weights times values
  float* highest;
  float* total;
  float* correction;
  float* scores; // [kTile, width]
  std::int64_t width;
};

template <int kVectors>
HWY_INLINE void attend_tile(const State& state, const float* key, const float* value,
                            std::int64_t tokens, std::int64_t head_width) {
  const Floats d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  multiply<kVectors, false>(key, tokens, head_width, 1, state.query, state.query_row, state.scores,
                            state.width, head_width, nullptr);
  for (std::int64_t v = 0; v < kVectors * lanes; v += lanes) {
    const auto before = hn::LoadU(d, state.highest + v);
    auto highest = before;
    for (std::int64_t t = 0; t < tokens; ++t)
      highest = hn::Max(highest, hn::LoadU(d, state.scores + t * state.width + v));
    const auto correction = hn::Exp(d, hn::Sub(before, highest));
    auto total = hn::Mul(hn::LoadU(d, state.total + v), correction);
    for (std::int64_t t = 0; t < tokens; ++t) {
      float* score = state.scores + t * state.width + v;
      const auto weight = hn::Exp(d, hn::Sub(hn::LoadU(d, score), highest));
      total = hn::Add(total, weight);
      hn::StoreU(weight, d, score);
    }
    hn::StoreU(highest, d, state.highest + v);
    hn::StoreU(total, d, state.total + v);
    hn::StoreU(correction, d, state.correction + v);
  }
  multiply<kVectors, true>(value, head_width, 1, head_width, state.scores, state.width, state.sums,
                           state.width, tokens, state.correction);
}

} // namespace
} // namespace HWY_NAMESPACE
} // namespace peakbench::kernels
HWY_AFTER_NAMESPACE();

#endif
