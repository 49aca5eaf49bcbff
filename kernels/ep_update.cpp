// Vector length is chosen when the program runs (Highway); this file is compiled once per target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/ep_update.cpp"
// Registers are kept in arrays, which vectors of unknown length do not allow.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)

#include "kernels/ep_update.h"

#include <ATen/Parallel.h>

#include <hwy/foreach_target.h> // after the headers above, which are included once
#include <hwy/highway.h>

#include "kernels/matrix_tiles-inl.h"

#ifndef PEAKBENCH_KERNELS_EP_UPDATE_ONCE
#define PEAKBENCH_KERNELS_EP_UPDATE_ONCE
namespace peakbench::kernels {
constexpr std::int64_t kBlockRows = 32; // of a weight matrix: what a thread takes at a time
}
#endif

HWY_BEFORE_NAMESPACE();
namespace peakbench::kernels::HWY_NAMESPACE {

struct Rule {
  EpRule rule;
  float rate, momentum;
};

// What the rate is multiplied with.
HWY_INLINE float update(const Rule& rule, float gradient, float* momentum, std::int64_t at) {
  return momentum ? momentum[at] = rule.momentum * momentum[at] + gradient : gradient;
}

// Sums over the batch, row by row; factors of one scale are one run of rows, so that it does not
// matter how the batch is cut.
template <typename Add, typename Flush>
HWY_INLINE void each_run(const std::vector<EpFactor>& factors, const Add& add, const Flush& flush) {
  for (std::size_t i = 0; i < factors.size(); ++i) {
    add(factors[i]);
    if (i + 1 == factors.size() || factors[i + 1].scale != factors[i].scale)
      flush(factors[i].scale);
  }
}

// The gradient's tile at (row, column), of which `rows` x `columns` exist.
HWY_INLINE void gradient_tile(const EpLayerUpdate& layer, std::int64_t row, std::int64_t column,
                              std::int64_t rows, std::int64_t columns, Tile& total) {
  clear(total);
  Tile run;
  clear(run);
  const bool whole = rows == kTileRows && columns == kTileColumns;
  each_run(
      layer.factors,
      [&](const EpFactor& factor) {
        const float *left = factor.error + row, *right = factor.activation + column;
        if (whole)
          multiply_add<true>(left, layer.outputs, right, layer.inputs, factor.rows, run);
        else
          multiply_add_edge(left, layer.outputs, right, layer.inputs, factor.rows, rows, columns,
                            run);
      },
      [&](float scale) {
        const Vector factor = hn::Set(Floats(), scale);
        for (int j = 0; j < kTileRows; ++j)
          for (int v = 0; v < 2; ++v)
            total.sum[j][v] = hn::MulAdd(factor, run.sum[j][v], total.sum[j][v]);
        clear(run);
      });
}

HWY_INLINE void apply_tile(const EpLayerUpdate& layer, const Rule& rule, std::int64_t row,
                           std::int64_t column, Tile& gradient) {
  const Floats d;
  const Vector minus_rate = hn::Set(d, -rule.rate), mu = hn::Set(d, rule.momentum);
  each_vector(gradient, [&](int j, std::int64_t k, Vector step) {
    const std::int64_t at = (row + j) * layer.inputs + column + k;
    if (rule.rule != EpRule::sgd) {
      step = hn::MulAdd(mu, hn::LoadU(d, layer.weight_momentum + at), step);
      hn::StoreU(step, d, layer.weight_momentum + at);
    }
    if (rule.rule != EpRule::accumulate)
      hn::StoreU(hn::MulAdd(minus_rate, step, hn::LoadU(d, layer.weight + at)), d,
                 layer.weight + at);
  });
}

HWY_INLINE void apply_edge(const EpLayerUpdate& layer, const Rule& rule, std::int64_t row,
                           std::int64_t column, std::int64_t rows, std::int64_t columns,
                           Tile& gradient) {
  float numbers[kTileRows * kTileColumns];
  each_vector(gradient, [&](int j, std::int64_t k, Vector sum) {
    hn::StoreU(sum, Floats(), numbers + j * kTileColumns + k);
  });
  for (std::int64_t j = 0; j < rows; ++j)
    for (std::int64_t k = 0; k < columns; ++k) {
      const std::int64_t at = (row + j) * layer.inputs + column + k;
      const float step = update(rule, numbers[j * kTileColumns + k], layer.weight_momentum, at);
      if (rule.rule != EpRule::accumulate)
        layer.weight[at] -= rule.rate * step;
    }
}

void update_bias(const EpLayerUpdate& layer, const Rule& rule, std::int64_t begin,
                 std::int64_t end) {
  float total[kBlockRows] = {}, run[kBlockRows] = {};
  const std::int64_t count = end - begin;
  each_run(
      layer.factors,
      [&](const EpFactor& factor) {
        for (std::int64_t r = 0; r < factor.rows; ++r)
          for (std::int64_t k = 0; k < count; ++k)
            run[k] += factor.error[r * layer.outputs + begin + k];
      },
      [&](float scale) {
        for (std::int64_t k = 0; k < count; ++k) {
          total[k] += scale * run[k];
          run[k] = 0;
        }
      });
  for (std::int64_t k = 0; k < count; ++k)
    layer.bias[begin + k] -= rule.rate * update(rule, total[k], layer.bias_momentum, begin + k);
}

void update_rows(const EpLayerUpdate& layer, EpRule which, float rate, float momentum,
                 std::int64_t block) {
  const Rule rule{which, rate, momentum};
  const std::int64_t begin = block * kBlockRows, end = std::min(begin + kBlockRows, layer.outputs);
  for (std::int64_t column = 0; column < layer.inputs; column += kTileColumns)
    for (std::int64_t row = begin; row < end; row += kTileRows) {
      const std::int64_t rows = std::min<std::int64_t>(kTileRows, end - row);
      const std::int64_t columns = std::min(kTileColumns, layer.inputs - column);
      Tile gradient;
      gradient_tile(layer, row, column, rows, columns, gradient);
      if (rows == kTileRows && columns == kTileColumns)
        apply_tile(layer, rule, row, column, gradient);
      else
        apply_edge(layer, rule, row, column, rows, columns, gradient);
    }
  update_bias(layer, rule, begin, end);
}

} // namespace peakbench::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace peakbench::kernels {

HWY_EXPORT(update_rows);

void ep_update(std::span<const EpLayerUpdate> layers, EpRule rule, float rate, float momentum) {
  std::vector<std::int64_t> first{0}; // block of every layer
  for (const EpLayerUpdate& layer : layers)
    first.push_back(first.back() + (layer.outputs + kBlockRows - 1) / kBlockRows);
  at::parallel_for(0, first.back(), 1, [&](std::int64_t begin, std::int64_t end) {
    std::size_t i = 0;
    for (std::int64_t block = begin; block < end; ++block) {
      while (first[i + 1] <= block)
        ++i;
      HWY_DYNAMIC_DISPATCH(update_rows)(layers[i], rule, rate, momentum, block - first[i]);
    }
  });
}

} // namespace peakbench::kernels
#endif // HWY_ONCE
