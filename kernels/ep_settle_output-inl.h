// The output layer of ep_settle: its error and force in delta form, from u = s - h. Included once
// per Highway target.
#if defined(PEAKBENCH_KERNELS_EP_SETTLE_OUTPUT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PEAKBENCH_KERNELS_EP_SETTLE_OUTPUT_INL_H_
#undef PEAKBENCH_KERNELS_EP_SETTLE_OUTPUT_INL_H_
#else
#define PEAKBENCH_KERNELS_EP_SETTLE_OUTPUT_INL_H_
#endif

#include <hwy/contrib/math/math-inl.h>

#include "kernels/ep_settle.h"
#include "kernels/matrix_tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace peakbench::kernels::HWY_NAMESPACE {

// Blocks [classes, rows]; rows are lanes.
struct OutputRows {
  std::int64_t classes, rows;
  const float* mask;         // [rows]
  const float* free;         // s^f
  const float* displacement; // D
  const float* change;       // of the prediction, or null for none
  const float* target;

  Vector shift(std::int64_t k) const {
    return change ? hn::LoadU(Floats(), change + k) : hn::Zero(Floats());
  }
  Vector prediction(std::int64_t k) const {
    return hn::Add(hn::LoadU(Floats(), free + k), shift(k));
  }
  Vector difference(std::int64_t k) const { // u
    return hn::Sub(hn::LoadU(Floats(), displacement + k), shift(k));
  }
  Vector state(std::int64_t k) const {
    return hn::Add(hn::LoadU(Floats(), free + k), hn::LoadU(Floats(), displacement + k));
  }
};

// Both write e, and the force if asked for; `error` may be `change`.
HWY_INLINE void output_mse(const EpSettle& problem, const OutputRows& rows, float* error,
                           float* force) {
  const Floats d;
  const Vector nudge = hn::Set(d, 2 * problem.beta);
  for (std::int64_t k = 0; k < rows.classes * rows.rows; k += kLanes) {
    const Vector mask = hn::LoadU(d, rows.mask + k % rows.rows);
    const Vector u = hn::Mul(mask, rows.difference(k));
    const Vector distance = hn::Sub(rows.state(k), hn::LoadU(d, rows.target + k));
    if (force)
      hn::StoreU(hn::Mul(mask, hn::Add(u, hn::Mul(nudge, distance))), d, force + k);
    hn::StoreU(u, d, error + k);
  }
}

// q - p = p (x - <p, x>) / (1 + <p, x>), x = expm1(u / tau); e = p (u - <p, u>) / tau^2
HWY_INLINE void output_cross_entropy(const EpSettle& problem, const OutputRows& rows, float* error,
                                     float* force) {
  const Floats d;
  const Vector inverse = hn::Set(d, 1 / problem.temperature), beta = hn::Set(d, problem.beta);
  for (std::int64_t r = 0; r < rows.rows; r += kLanes) {
    const Vector mask = hn::LoadU(d, rows.mask + r);
    const std::int64_t end = r + rows.classes * rows.rows;
    Vector top = rows.prediction(r), state_top = rows.state(r);
    for (std::int64_t k = r + rows.rows; k < end; k += rows.rows) {
      top = hn::Max(top, rows.prediction(k));
      state_top = hn::Max(state_top, rows.state(k));
    }
    const auto weight = [&](std::int64_t k) { // p, not yet divided by its sum
      return hn::Exp(d, hn::Mul(inverse, hn::Sub(rows.prediction(k), top)));
    };
    Vector sum = hn::Zero(d), mean_u = hn::Zero(d), mean_x = hn::Zero(d), state_sum = hn::Zero(d);
    for (std::int64_t k = r; k < end; k += rows.rows) {
      const Vector p = weight(k), u = rows.difference(k);
      sum = hn::Add(sum, p);
      mean_u = hn::MulAdd(p, u, mean_u);
      mean_x = hn::MulAdd(p, hn::Expm1(d, hn::Mul(inverse, u)), mean_x);
      state_sum = hn::Add(state_sum, hn::Exp(d, hn::Sub(rows.state(k), state_top)));
    }
    mean_u = hn::Div(mean_u, sum);
    mean_x = hn::Div(mean_x, sum);
    const Vector divisor = hn::Div(inverse, hn::Add(hn::Set(d, 1.0F), mean_x));
    for (std::int64_t k = r; k < end; k += rows.rows) {
      const Vector p = hn::Div(weight(k), sum), u = rows.difference(k);
      if (force) {
        const Vector x = hn::Expm1(d, hn::Mul(inverse, u));
        const Vector pull = hn::Mul(hn::Mul(p, hn::Sub(x, mean_x)), divisor);
        const Vector share = hn::Div(hn::Exp(d, hn::Sub(rows.state(k), state_top)), state_sum);
        const Vector nudge = hn::Mul(beta, hn::Sub(share, hn::LoadU(d, rows.target + k)));
        hn::StoreU(hn::Mul(mask, hn::Add(pull, nudge)), d, force + k);
      }
      const Vector e = hn::Mul(hn::Mul(p, hn::Sub(u, mean_u)), hn::Mul(inverse, inverse));
      hn::StoreU(hn::Mul(mask, e), d, error + k);
    }
  }
}

} // namespace peakbench::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif // per-target include guard
