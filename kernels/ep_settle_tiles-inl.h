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
// The same where the units are those of a list: their indices take registers, too.
template <int kVectors>
constexpr int kListTile = std::min(8, kTile<kVectors>);

template <int kVectors, int kUnits>
struct Sums {
  Vector of[kUnits][kVectors];
};

// sum[j] += weight(j) x for the rows of one x.
template <int kVectors, int kUnits, typename Weight>
HWY_INLINE void add_product(const Weight& weight, const float* HWY_RESTRICT x,
                            Sums<kVectors, kUnits>& sums) {
  const Floats d;
  Vector rows[kVectors];
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; ++v)
    rows[v] = hn::LoadU(d, x + v * kLanes);
#pragma GCC unroll 16
  for (int j = 0; j < kUnits; ++j) {
    const Vector w = hn::Set(d, weight(j));
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v)
      sums.of[j][v] = hn::MulAdd(w, rows[v], sums.of[j][v]);
  }
}

// y[j] = start[j] + sum over n of weight[j][index[n]] x[n] for kUnits rows of the matrix.
// `ahead`: the memory that the next tile reads, fetched meanwhile.
template <int kVectors, int kUnits>
HWY_INLINE void tile(const float* HWY_RESTRICT weight, std::int64_t columns,
                     const std::int32_t* HWY_RESTRICT index, std::int64_t count,
                     const float* HWY_RESTRICT start, const float* HWY_RESTRICT x,
                     float* HWY_RESTRICT y, const char* ahead) {
  const Floats d;
  Sums<kVectors, kUnits> sums;
#pragma GCC unroll 16
  for (int j = 0; j < kUnits; ++j)
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v)
      sums.of[j][v] = start ? hn::Set(d, start[j]) : hn::Zero(d);
  for (std::int64_t n = 0; n < count; ++n) {
    if (n * 32 < kUnits * columns) { // kUnits rows of floats, 128 bytes at a time
      __builtin_prefetch(ahead + n * 128);
      __builtin_prefetch(ahead + n * 128 + 64);
    }
    const float* column = weight + index[n];
    add_product([&](int j) { return column[j * columns]; }, x + n * kVectors * kLanes, sums);
  }
#pragma GCC unroll 16
  for (int j = 0; j < kUnits; ++j)
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v)
      hn::StoreU(sums.of[j][v], d, y + (j * kVectors + v) * kLanes);
}

// All rows of a product: full tiles, then ever smaller ones.
template <int kVectors, int kUnits>
HWY_INLINE void tiles(const float* weight, std::int64_t columns, std::int64_t units,
                      const std::int32_t* index, std::int64_t count, const float* start,
                      const float* x, float* y, const float* next) {
  while (units >= kUnits) {
    const float* following = weight + kUnits * columns;
    const float* ahead = units >= 2 * kUnits ? following : next;
    tile<kVectors, kUnits>(weight, columns, index, count, start, x, y,
                           reinterpret_cast<const char*>(ahead));
    weight = following;
    start = start ? start + kUnits : start;
    y += kUnits * kVectors * kLanes;
    units -= kUnits;
  }
  if constexpr (kUnits > 1)
    if (units > 0)
      tiles<kVectors, kUnits / 2>(weight, columns, units, index, count, start, x, y, next);
}

// y[unit] (+)= sum over steps of weight[step][unit] x[step] for the units of a list.
template <int kVectors, int kUnits>
HWY_INLINE void listed_tiles(const float* HWY_RESTRICT weight, std::int64_t columns,
                             const std::int32_t* HWY_RESTRICT units, std::int64_t count,
                             std::int64_t steps, bool add, const float* HWY_RESTRICT x,
                             float* HWY_RESTRICT y) {
  const Floats d;
  for (; count >= kUnits; count -= kUnits, units += kUnits) {
    std::int64_t unit[kUnits];
    Sums<kVectors, kUnits> sums;
#pragma GCC unroll 16
    for (int j = 0; j < kUnits; ++j) {
      unit[j] = units[j];
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v)
        sums.of[j][v] = add ? hn::LoadU(d, y + (unit[j] * kVectors + v) * kLanes) : hn::Zero(d);
    }
    const float* row = weight;
    for (std::int64_t step = 0; step < steps; ++step, row += columns)
      add_product([&](int j) { return row[unit[j]]; }, x + step * kVectors * kLanes, sums);
#pragma GCC unroll 16
    for (int j = 0; j < kUnits; ++j)
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v)
        hn::StoreU(sums.of[j][v], d, y + (unit[j] * kVectors + v) * kLanes);
  }
  if constexpr (kUnits > 1)
    if (count > 0)
      listed_tiles<kVectors, kUnits / 2>(weight, columns, units, count, steps, add, x, y);
}

// A block of rows at a time, so that what is read of them with one tile of units is still in cache
// for the next, even where rows are a multiple of a page apart.
constexpr std::int64_t kBlockSteps = 128;
template <int kVectors>
HWY_INLINE void listed_product(const float* weight, std::int64_t columns, const std::int32_t* units,
                               std::int64_t count, std::int64_t steps, const float* x, float* y) {
  for (std::int64_t begin = 0; begin < steps; begin += kBlockSteps)
    listed_tiles<kVectors, kListTile<kVectors>>(weight + begin * columns, columns, units, count,
                                                std::min(kBlockSteps, steps - begin), begin > 0,
                                                x + begin * kVectors * kLanes, y);
}

} // namespace peakbench::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif // per-target include guard
