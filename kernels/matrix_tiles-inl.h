// Small dense products in registers, and transposition: what newton_schulz and ep_update are made
// of. Included once per Highway target.
#if defined(PEAKBENCH_KERNELS_MATRIX_TILES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PEAKBENCH_KERNELS_MATRIX_TILES_INL_H_
#undef PEAKBENCH_KERNELS_MATRIX_TILES_INL_H_
#else
#define PEAKBENCH_KERNELS_MATRIX_TILES_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace peakbench::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::CappedTag<float, 16>;
using Vector = hn::Vec<Floats>;
constexpr std::int64_t kLanes = static_cast<std::int64_t>(hn::MaxLanes(Floats()));

// A tile of a product: as many sums as there are registers for, twice as wide as a vector, so that
// every broadcast is used twice.
constexpr int kTileRows = kLanes == 16 ? 8 : 4;
constexpr std::int64_t kTileColumns = 2 * kLanes;
struct Tile {
  Vector sum[kTileRows][2];
};

HWY_INLINE void clear(Tile& tile) {
  for (auto& row : tile.sum)
    row[0] = row[1] = hn::Zero(Floats());
}

// f(row, column, vector) of all of a tile's vectors.
template <typename F>
HWY_INLINE void each_vector(Tile& tile, const F& f) {
#pragma GCC unroll 8
  for (int j = 0; j < kTileRows; ++j) {
    f(j, std::int64_t{0}, tile.sum[j][0]);
    f(j, kLanes, tile.sum[j][1]);
  }
}

// tile[j][c] += sum over steps of left(j, step) right[step][c], row-major with strides. kOuter: the
// left matrix is read by columns, left(j, step) = left[step][j]; else left[j][step].
template <bool kOuter>
HWY_INLINE void multiply_add(const float* HWY_RESTRICT left, std::int64_t left_stride,
                             const float* HWY_RESTRICT right, std::int64_t right_stride,
                             std::int64_t steps, Tile& tile) {
  const Floats d;
  const std::int64_t unit = kOuter ? 1 : left_stride, advance = kOuter ? left_stride : 1;
  Tile now = tile;
  for (std::int64_t step = 0; step < steps; ++step) {
    const float* row = right + step * right_stride;
    const Vector first = hn::LoadU(d, row), second = hn::LoadU(d, row + kLanes);
#pragma GCC unroll 8
    for (int j = 0; j < kTileRows; ++j) {
      const Vector factor = hn::Set(d, left[j * unit + step * advance]);
      now.sum[j][0] = hn::MulAdd(factor, first, now.sum[j][0]);
      now.sum[j][1] = hn::MulAdd(factor, second, now.sum[j][1]);
    }
  }
  tile = now;
}

// The same with kOuter at the matrices' edges, where only `rows` and `columns` of the tile exist.
HWY_INLINE void multiply_add_edge(const float* left, std::int64_t left_stride, const float* right,
                                  std::int64_t right_stride, std::int64_t steps, std::int64_t rows,
                                  std::int64_t columns, Tile& tile) {
  float units[kTileRows] = {}, row[kTileColumns] = {};
  for (std::int64_t step = 0; step < steps; ++step) {
    std::copy_n(left + step * left_stride, rows, units);
    std::copy_n(right + step * right_stride, columns, row);
    multiply_add<true>(units, 0, row, 0, 1, tile);
  }
}

// to[c][r] = from[r][c].
HWY_INLINE void transpose(const float* from, std::int64_t from_stride, std::int64_t rows,
                          std::int64_t columns, float* to, std::int64_t to_stride) {
#if HWY_TARGET == HWY_SCALAR
  const std::int64_t whole_rows = 0, whole_columns = 0;
#else
  const hn::FixedTag<float, 4> d;
  const std::int64_t whole_rows = rows - rows % 4, whole_columns = columns - columns % 4;
  for (std::int64_t r = 0; r < whole_rows; r += 4)
    for (std::int64_t c = 0; c < whole_columns; c += 4) {
      const float* block = from + r * from_stride + c;
      const auto a = hn::LoadU(d, block), b = hn::LoadU(d, block + from_stride);
      const auto e = hn::LoadU(d, block + 2 * from_stride);
      const auto f = hn::LoadU(d, block + 3 * from_stride);
      const auto low = hn::InterleaveLower(d, a, e), next_low = hn::InterleaveLower(d, b, f);
      const auto high = hn::InterleaveUpper(d, a, e), next_high = hn::InterleaveUpper(d, b, f);
      float* out = to + c * to_stride + r;
      hn::StoreU(hn::InterleaveLower(d, low, next_low), d, out);
      hn::StoreU(hn::InterleaveUpper(d, low, next_low), d, out + to_stride);
      hn::StoreU(hn::InterleaveLower(d, high, next_high), d, out + 2 * to_stride);
      hn::StoreU(hn::InterleaveUpper(d, high, next_high), d, out + 3 * to_stride);
    }
#endif
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = r < whole_rows ? whole_columns : 0; c < columns; ++c)
      to[c * to_stride + r] = from[r * from_stride + c];
}

} // namespace peakbench::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif // per-target include guard
