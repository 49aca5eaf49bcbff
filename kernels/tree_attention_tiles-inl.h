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
#include <cstring>

// Sums stay in registers only where the loops over them are unrolled, which -O2 does not do by
// itself.
#ifndef PEAKBENCH_UNROLL
#define PEAKBENCH_UNROLL _Pragma("GCC unroll 16")
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

// What a product's elements are: float32 numbers, or pairs of bfloat16 ones, two steps in one.
enum class Elements { floats, pairs };

// sum + a b, or sum + a.low b.low + a.high b.high.
template <Elements kElements>
HWY_INLINE hn::Vec<Floats> add_product(hn::Vec<Floats> a, hn::Vec<Floats> b, hn::Vec<Floats> sum) {
  if constexpr (kElements == Elements::floats)
    return hn::MulAdd(a, b, sum);
#if HWY_TARGET == HWY_AVX3
  // AVX512_BF16, which Highway 1.0 does not know.
  asm("vdpbf16ps %2, %1, %0" : "+v"(sum.raw) : "v"(a.raw), "v"(b.raw));
#endif
  return sum;
}

inline bool has_pair_products() {
#if HWY_TARGET == HWY_AVX3
  static const bool has = __builtin_cpu_supports("avx512bf16") != 0;
  return has;
#else
  return false;
#endif
}

// C[i][lanes] = C[i][lanes] * correction + sum_k A[i][k] B[k][lanes] for kRows rows i; C starts at
// 0 without a correction. A is scalar with any strides, B and C have `width` elements a row.
template <Elements kElements, int kRows, int kVectors, bool kCorrect>
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
        sum[i][v] = add_product<kElements>(left, right[v], sum[i][v]);
    }
  }
  PEAKBENCH_UNROLL
  for (int i = 0; i < kRows; ++i)
    PEAKBENCH_UNROLL
  for (int v = 0; v < kVectors; ++v)
    hn::StoreU(sum[i][v], d, c + i * c_row + v * lanes);
}

// So many sums at once hide the latency of a product: 8 of a fused multiply-add, 12 of a pair's.
template <Elements kElements, int kVectors>
inline constexpr int kRowsAtOnce = (kElements == Elements::floats ? 8 : 16) / kVectors;

template <Elements kElements, int kVectors, bool kCorrect>
HWY_INLINE void multiply(const float* a, std::int64_t rows, std::int64_t a_row, std::int64_t a_step,
                         const float* b, std::int64_t b_row, float* c, std::int64_t c_row,
                         std::int64_t steps, const float* correction) {
  constexpr int kRows = kRowsAtOnce<kElements, kVectors>;
  std::int64_t i = 0;
  for (; i + kRows <= rows; i += kRows)
    multiply_rows<kElements, kRows, kVectors, kCorrect>(a + i * a_row, a_row, a_step, b, b_row,
                                                        c + i * c_row, c_row, steps, correction);
  for (; i < rows; ++i)
    multiply_rows<kElements, 1, kVectors, kCorrect>(a + i * a_row, a_row, a_step, b, b_row,
                                                    c + i * c_row, c_row, steps, correction);
}

// Online softmax of up to kVectors registers of queries; every array but `query` is owned by it.
struct State {
  const float* query; // [head_width / pair, query_row]
  std::int64_t query_row;
  float* sums; // [head_width, width]: sum of weights times values
  float* highest;
  float* total;
  float* correction;
  float* scores; // [kTile, width]
  std::int64_t width;
  float scale;
};

// To the nearest bfloat16, ties to even, as the upper half of the float.
HWY_INLINE hn::Vec<Floats> rounded(hn::Vec<Floats> value) {
  const hn::RebindToUnsigned<Floats> words;
  const auto bits = hn::BitCast(words, value);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(words, 1));
  const auto up = hn::Add(bits, hn::Add(odd, hn::Set(words, 0x7FFF)));
  return hn::BitCast(Floats(), hn::And(up, hn::Set(words, 0xFFFF0000U)));
}

// Rows t and t + 1 (bfloat16 in the upper halves) as pairs, t the lower.
HWY_INLINE hn::Vec<Floats> paired(hn::Vec<Floats> low, hn::Vec<Floats> high) {
  const hn::RebindToUnsigned<Floats> words;
  return hn::BitCast(Floats(),
                     hn::Or(hn::ShiftRight<16>(hn::BitCast(words, low)), hn::BitCast(words, high)));
}

// to[i] = (low[i], high[i]); zeros for a row that is not there.
HWY_INLINE void pair_rows(const hwy::bfloat16_t* low, const hwy::bfloat16_t* high,
                          std::int64_t count, float* to) {
  const Floats d;
  const hn::Rebind<hwy::bfloat16_t, Floats> narrow;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes)
    hn::StoreU(paired(hn::PromoteTo(d, hn::LoadU(narrow, low + i)),
                      high ? hn::PromoteTo(d, hn::LoadU(narrow, high + i)) : hn::Zero(d)),
               d, to + i);
  for (; i < count; ++i) {
    const std::uint32_t above = high ? high[i].bits : 0U;
    const std::uint32_t pair = low[i].bits | above << 16;
    std::memcpy(to + i, &pair, sizeof pair);
  }
}

// key: [tokens, head_width / pair]; value: [tokens / pair, head_width], where the number of tokens
// is odd filled up with zeros.
template <Elements kElements, int kVectors>
HWY_INLINE void attend_tile(const State& state, const float* key, const float* value,
                            std::int64_t tokens, std::int64_t head_width) {
  constexpr bool kPairs = kElements == Elements::pairs;
  constexpr std::int64_t kPair = kPairs ? 2 : 1;
  const Floats d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto scale = hn::Set(d, state.scale);
  // Whole blocks of rows are faster than what is left over by itself; scores beyond `tokens` are of
  // an older tile and nobody reads them.
  constexpr std::int64_t kRows = kRowsAtOnce<kElements, kVectors>;
  static_assert(kTile % kRows == 0);
  multiply<kElements, kVectors, false>(key, (tokens + kRows - 1) / kRows * kRows,
                                       head_width / kPair, 1, state.query, state.query_row,
                                       state.scores, state.width, head_width / kPair, nullptr);
  for (std::int64_t v = 0; v < kVectors * lanes; v += lanes) {
    const auto before = hn::LoadU(d, state.highest + v);
    auto highest = before;
    for (std::int64_t t = 0; t < tokens; ++t)
      highest = hn::Max(highest, hn::Mul(scale, hn::LoadU(d, state.scores + t * state.width + v)));
    const auto correction = hn::Exp(d, hn::Sub(before, highest));
    auto total = hn::Mul(hn::LoadU(d, state.total + v), correction);
    const auto weight_of = [&](std::int64_t t) {
      const auto score = hn::LoadU(d, state.scores + t * state.width + v);
      const auto weight = hn::Exp(d, hn::MulSub(scale, score, highest));
      return kPairs ? rounded(weight) : weight;
    };
    for (std::int64_t t = 0; t < tokens; t += kPair) {
      auto weight = weight_of(t);
      total = hn::Add(total, weight);
      if (kPairs) {
        const auto next = t + 1 < tokens ? weight_of(t + 1) : hn::Zero(d);
        total = hn::Add(total, next);
        weight = paired(weight, next);
      }
      hn::StoreU(weight, d, state.scores + t / kPair * state.width + v);
    }
    hn::StoreU(highest, d, state.highest + v);
    hn::StoreU(total, d, state.total + v);
    hn::StoreU(correction, d, state.correction + v);
  }
  multiply<kElements, kVectors, true>(value, head_width, 1, head_width, state.scores, state.width,
                                      state.sums, state.width, (tokens + kPair - 1) / kPair,
                                      state.correction);
}

} // namespace
} // namespace HWY_NAMESPACE
} // namespace peakbench::kernels
HWY_AFTER_NAMESPACE();

#endif
