// SIMD bodies of row_ops, for every instruction set that the compiler knows. All arithmetic is
// float32; a row's result does not depend on how many rows there are.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/row_ops_cpu.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <cmath>

#include "kernels/row_ops_cpu.h"

HWY_BEFORE_NAMESPACE();
namespace peakbench::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

using Floats = hn::ScalableTag<float>;
// One lane, for what a whole register does not fit.
using Single = hn::CappedTag<float, 1>;

template <class D>
hn::Vec<D> load(D d, const float* from) {
  return hn::LoadU(d, from);
}
template <class D>
hn::Vec<D> load(D d, const hwy::bfloat16_t* from) {
  return hn::PromoteTo(d, hn::LoadU(hn::Rebind<hwy::bfloat16_t, D>(), from));
}
template <class D>
void store(D d, hn::Vec<D> value, float* to) {
  hn::StoreU(value, d, to);
}
template <class D>
void store(D, hn::Vec<D> value, hwy::bfloat16_t* to) {
  // To the nearest, ties to even. (Highway 1.0's own conversion cuts off.)
  const hn::RebindToUnsigned<D> words;
  const hn::Rebind<std::uint16_t, D> halves;
  const auto bits = hn::BitCast(words, value);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(words, 1));
  const auto rounded = hn::ShiftRight<16>(hn::Add(bits, hn::Add(odd, hn::Set(words, 0x7FFF))));
  const auto kept =
      hn::IfThenElse(hn::RebindMask(words, hn::IsNaN(value)), hn::Set(words, 0x7FC0), rounded);
  hn::StoreU(hn::DemoteTo(halves, hn::BitCast(hn::RebindToSigned<decltype(words)>(), kept)), halves,
             reinterpret_cast<std::uint16_t*>(to));
}

// body(d, i) over [0, count), register by register, then one by one.
template <class Body>
HWY_INLINE void for_each(std::int64_t count, const Body& body) {
  const Floats d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes)
    body(d, i);
  for (; i < count; ++i)
    body(Single(), i);
}

HWY_INLINE float inverse_rms(const float* values, std::int64_t count, float epsilon) {
  const Floats d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  auto squares = hn::Zero(d);
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto value = hn::LoadU(d, values + i);
    squares = hn::MulAdd(value, value, squares);
  }
  float sum = hn::GetLane(hn::SumOfLanes(d, squares));
  for (; i < count; ++i)
    sum += values[i] * values[i];
  return 1.0F / std::sqrt(sum / static_cast<float>(count) + epsilon);
}

template <typename T>
void norm_row(const NormRows& a, std::int64_t row) {
  float* residual = a.residual + row * a.width;
  if (a.delta != nullptr) {
    const T* delta = static_cast<const T*>(a.delta) + row * a.width;
    for_each(a.width, [&](auto d, std::int64_t i) {
      hn::StoreU(hn::Add(hn::LoadU(d, residual + i), load(d, delta + i)), d, residual + i);
    });
  }
  const float scale = inverse_rms(residual, a.width, a.epsilon);
  T* out = static_cast<T*>(a.out) + row * a.width;
  for_each(a.width, [&](auto d, std::int64_t i) {
    store(
        d,
        hn::Mul(hn::Mul(hn::LoadU(d, residual + i), hn::Set(d, scale)), hn::LoadU(d, a.weight + i)),
        out + i);
  });
}

template <typename T>
void rotate_head(const RotateRows& a, T* head, const float* norm, std::int64_t position,
                 float* values) {
  for_each(a.head_width,
           [&](auto d, std::int64_t i) { hn::StoreU(load(d, head + i), d, values + i); });
  if (norm != nullptr) {
    const float scale = inverse_rms(values, a.head_width, a.epsilon);
    for_each(a.head_width, [&](auto d, std::int64_t i) {
      const auto scaled = hn::Mul(hn::LoadU(d, values + i), hn::Set(d, scale));
      hn::StoreU(hn::Mul(scaled, hn::LoadU(d, norm + i)), d, values + i);
    });
  }
  const std::int64_t half = a.head_width / 2;
  for_each(half, [&](auto d, std::int64_t i) {
    const auto cosine = hn::LoadU(d, a.cosine + position * half + i);
    const auto sine = hn::LoadU(d, a.sine + position * half + i);
    const auto low = hn::LoadU(d, values + i), high = hn::LoadU(d, values + half + i);
    store(d, hn::NegMulAdd(high, sine, hn::Mul(low, cosine)), head + i);
    store(d, hn::MulAdd(low, sine, hn::Mul(high, cosine)), head + half + i);
  });
}

template <typename T>
void rotate_row(const RotateRows& a, std::int64_t row, float* scratch) {
  T* values = static_cast<T*>(a.qkv) + row * a.row_stride;
  for (std::int64_t head = 0; head < a.heads + a.kv_heads; ++head)
    rotate_head(a, values + head * a.head_width, head < a.heads ? a.query_norm : a.key_norm,
                row % a.positions, scratch);
}

template <typename T>
void silu_row(const SiluRows& a, std::int64_t row) {
  const T* gate = static_cast<const T*>(a.gate_up) + row * 2 * a.width;
  const T* up = gate + a.width;
  T* out = static_cast<T*>(a.out) + row * a.width;
  for_each(a.width, [&](auto d, std::int64_t i) {
    const auto x = load(d, gate + i), one = hn::Set(d, 1.0F);
    // The exponential must not become infinite; below -80 the result is under 1e-30 anyway.
    const auto denominator = hn::Add(one, hn::Exp(d, hn::Neg(hn::Max(x, hn::Set(d, -80.0F)))));
    store(d, hn::Mul(hn::Div(x, denominator), load(d, up + i)), out + i);
  });
}

} // namespace

void norm(const NormRows& rows, std::int64_t begin, std::int64_t end) {
  for (std::int64_t row = begin; row < end; ++row)
    rows.bf16 ? norm_row<hwy::bfloat16_t>(rows, row) : norm_row<float>(rows, row);
}
void rotate(const RotateRows& rows, std::int64_t begin, std::int64_t end, float* scratch) {
  for (std::int64_t row = begin; row < end; ++row)
    rows.bf16 ? rotate_row<hwy::bfloat16_t>(rows, row, scratch)
              : rotate_row<float>(rows, row, scratch);
}
void silu(const SiluRows& rows, std::int64_t begin, std::int64_t end) {
  for (std::int64_t row = begin; row < end; ++row)
    rows.bf16 ? silu_row<hwy::bfloat16_t>(rows, row) : silu_row<float>(rows, row);
}

} // namespace HWY_NAMESPACE
} // namespace peakbench::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace peakbench::kernels {
HWY_EXPORT(norm);
HWY_EXPORT(rotate);
HWY_EXPORT(silu);

void norm_rows(const NormRows& rows, std::int64_t begin, std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(norm)(rows, begin, end);
}
void rotate_rows(const RotateRows& rows, std::int64_t begin, std::int64_t end, float* scratch) {
  HWY_DYNAMIC_DISPATCH(rotate)(rows, begin, end, scratch);
}
void silu_rows(const SiluRows& rows, std::int64_t begin, std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(silu)(rows, begin, end);
}

} // namespace peakbench::kernels
#endif
