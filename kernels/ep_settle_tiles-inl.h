// The products of ep_settle: units of a layer times rows of the batch, tile by tile. Included once
// per Highway target.
#if defined(PEAKBENCH_KERNELS_EP_SETTLE_TILES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PEAKBENCH_KERNELS_EP_SETTLE_TILES_INL_H_
#undef PEAKBENCH_KERNELS_EP_SETTLE_TILES_INL_H_
#else
#define PEAKBENCH_KERNELS_EP_SETTLE_TILES_INL_H_
#endif

#include "kernels/matrix_tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace peakbench::kernels::HWY_NAMESPACE {

// How many units of a product are computed at once with `kVectors` vectors of rows each: as many as
// there are registers for.
template <int kVectors>
constexpr int kTile = std::max(1, (kLanes == 16 ? 16 : 8) / kVectors);

// y[j] = start[j] + sum over steps of weight(j, step) x[step], for kUnits units j; rows are lanes.
// Forward, a unit is a row of the matrix and a step a column; transposed it is the other way round.
// `ahead`: the memory that the next tile reads, fetched meanwhile.
template <int kVectors, int kUnits, bool kTransposed>
HWY_INLINE void tile(const float* HWY_RESTRICT weight, std::int64_t columns, std::int64_t steps,
                     const float* HWY_RESTRICT start, const float* HWY_RESTRICT x,
                     float* HWY_RESTRICT y, const char* ahead) {
  const Floats d;
  const std::int64_t unit_stride = kTransposed ? 1 : columns;
  const std::int64_t step_stride = kTransposed ? columns : 1;
  Vector sum[kUnits][kVectors];
#pragma GCC unroll 16
  for (int j = 0; j < kUnits; ++j) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v)
      sum[j][v] = start ? hn::Set(d, start[j]) : hn::Zero(d);
  }
  for (std::int64_t step = 0; step < steps; ++step) {
    if constexpr (!kTransposed) // kUnits rows of floats, 64 bytes at a time
      if (step * 16 < kUnits * steps)
        __builtin_prefetch(ahead + step * 64);
    Vector rows[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v)
      rows[v] = hn::LoadU(d, x + (step * kVectors + v) * kLanes);
#pragma GCC unroll 16
    for (int j = 0; j < kUnits; ++j) {
      const Vector w = hn::Set(d, weight[j * unit_stride + step * step_stride]);
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v)
        sum[j][v] = hn::MulAdd(w, rows[v], sum[j][v]);
    }
  }
#pragma GCC unroll 16
  for (int j = 0; j < kUnits; ++j) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v)
      hn::StoreU(sum[j][v], d, y + (j * kVectors + v) * kLanes);
  }
}

// All units of a product: full tiles, then ever smaller ones.
template <int kVectors, int kUnits, bool kTransposed>
HWY_INLINE void tiles(const float* weight, std::int64_t columns, std::int64_t units,
                      std::int64_t steps, const float* start, const float* x, float* y,
                      const float* next) {
  const std::int64_t unit_stride = kTransposed ? 1 : columns;
  while (units >= kUnits) {
    const float* following = weight + kUnits * unit_stride;
    const float* ahead = units >= 2 * kUnits ? following : next;
    tile<kVectors, kUnits, kTransposed>(weight, columns, steps, start, x, y,
                                        reinterpret_cast<const char*>(ahead));
    weight = following;
    start = start ? start + kUnits : start;
    y += kUnits * kVectors * kLanes;
    units -= kUnits;
  }
  if constexpr (kUnits > 1)
    if (units > 0)
      tiles<kVectors, kUnits / 2, kTransposed>(weight, columns, units, steps, start, x, y, next);
}

} // namespace peakbench::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif // per-target include guard
