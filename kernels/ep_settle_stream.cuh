// Settling with weights that pass through: for layers that are too wide for shared memory, or more
// of them than blocks. A step is two rounds with a barrier of all blocks behind each: the errors
// of all layers that have one, then their pulls on the layers below and the moves. Blocks take
// tiles of 32 units and 4 rows per warp; matrix and states are read in pieces of 64 terms, the next
// on its way while this one is multiplied.
#pragma once

#include "kernels/ep_settle_rules.cuh"

namespace peakbench::kernels::device {

constexpr int kPieceTerms = kEpPieceTerms;
constexpr int kPiecePitch = kPieceTerms + 4, kTransposedPitch = kTileColumns + 4;
constexpr int kPieceMatrix = kPieceTerms * kTransposedPitch; // floats; both shapes fit
static_assert(kTileColumns * kPiecePitch <= kPieceMatrix, "both shapes fit");

class StreamedCone {
public:
  __device__ explicit StreamedCone(const EpDeviceCall& call)
      : c_(call), tile_rows_(kTileRows * warp_count()) {
    matrix_ = reinterpret_cast<float*>(dynamic_shared());
    terms_ = matrix_ + 2 * kPieceMatrix;
  }

  __device__ void run() {
    const int layers = cone_layers(c_);
    if (c_.forward)
      for (int j = 0; j < layers; ++j)
        each_element(j, [&](std::int64_t at) {
          store_global(c_.displacement + at, 0.0F);
          store_global(c_.velocity + at, 0.0F);
        });
    grid_barrier();
    for (int t = c_.from + 1; t <= c_.to; ++t) {
      // Layers below have moved in no step before this one, or do not move yet.
      each_tile(smaller(layers - 1, larger(0, layers - t + 1)), layers,
                [&](int j, int row, int column) {
                  error_tile(j, row, column, t > first_step(c_, j) + 1, true, c_.error);
                });
      grid_barrier();
      each_tile(larger(0, layers - t), layers - 1,
                [&](int j, int row, int column) { move_tile(j, row, column, t); });
      grid_barrier();
    }
    bool finite = true;
    for (int j = 0; j < layers; ++j)
      each_element(j, [&](std::int64_t at) {
        finite = finite && isfinite(load_global(c_.free + at) + load_global(c_.displacement + at));
      });
    if (!finite)
      raise(c_.signals);
    if (c_.errors)
      each_tile(0, layers, [&](int j, int row, int column) {
        error_tile(j, row, column, true, false, c_.velocity);
      });
  }

private:
  template <typename F>
  __device__ void each_element(int j, const F& f) const {
    const std::int64_t begin = place(c_, j, 0), end = place(c_, j, c_.rows);
    for (std::int64_t i = begin + block_index() * thread_count() + thread_index(); i < end;
         i += block_count() * thread_count())
      f(i);
  }
  // f(layer, first row, first unit) for this block's tiles of layers begin .. end - 1, the output
  // layer in whole rows and first.
  template <typename F>
  __device__ void each_tile(int begin, int end, const F& f) const {
    const int down = (c_.rows + tile_rows_ - 1) / tile_rows_;
    const int across = (c_.shape.widest + kTileColumns - 1) / kTileColumns;
    for (int i = block_index(); i < (end - begin) * down * across; i += block_count()) {
      const int j = end - 1 - i / (down * across), rest = i % (down * across);
      const int row = rest / across * tile_rows_, column = rest % across * kTileColumns;
      if (column < (is_output(j) ? 1 : cone_layer(c_, j).outputs))
        f(j, row, column);
    }
  }
  __device__ bool is_output(int j) const { return j + 1 == cone_layers(c_); }
  __device__ float* matrix(int piece) const { return matrix_ + piece % 2 * kPieceMatrix; }
  __device__ float* terms(int piece) const { return terms_ + piece % 2 * tile_rows_ * kPiecePitch; }

  // The product of a tile, for layer j's matrix. term(row, k) is an element of x.
  template <bool kTransposed, typename Term>
  __device__ Tile product(int j, int row, int column, const Term& term) {
    const EpDeviceLayer& layer = cone_layer(c_, j);
    const int columns = kTransposed ? layer.inputs : layer.outputs;
    const int all = kTransposed ? layer.outputs : layer.inputs;
    const int columns_here = smaller(kTileColumns, columns - column);
    const auto fetch = [&](int piece) {
      const int first = piece * kPieceTerms, count = smaller(kPieceTerms, all - first);
      const int whole = round_up(count, 4);
      float *const weights = matrix(piece), *const x = terms(piece);
      if constexpr (kTransposed) {
        copy_rows(layer.weight + static_cast<std::int64_t>(first) * layer.inputs + column,
                  layer.inputs, count, columns_here, weights, kTransposedPitch);
        for (int i = count * kTransposedPitch + thread_index(); i < whole * kTransposedPitch;
             i += thread_count())
          store_shared(&weights[i], 0.0F);
      } else {
        copy_rows(layer.weight + static_cast<std::int64_t>(column) * layer.inputs + first,
                  layer.inputs, columns_here, count, weights, kPiecePitch);
      }
      copy_async_commit();
      for (int r = warp_index(); r < tile_rows_; r += warp_count())
        for (int k = lane_of_warp(); k < whole; k += 32)
          store_shared(&x[r * kPiecePitch + k],
                       row + r < c_.rows && k < count ? term(row + r, first + k) : 0.0F);
    };
    Tile tile;
    __syncthreads(); // the tile before this one is read
    fetch(0);
    for (int piece = 0; piece * kPieceTerms < all; ++piece) {
      copy_async_wait<0>();
      __syncthreads();
      if ((piece + 1) * kPieceTerms < all)
        fetch(piece + 1);
      const int count = smaller(kPieceTerms, all - piece * kPieceTerms);
      if constexpr (kTransposed)
        tile.add_transposed(matrix(piece), kTransposedPitch, terms(piece), kPiecePitch,
                            warp_index() * kTileRows, 0, columns_here, count);
      else
        tile.add(matrix(piece), kPiecePitch, terms(piece), kPiecePitch, warp_index() * kTileRows, 0,
                 columns_here, count);
    }
    tile.finish();
    return tile;
  }

  // put(row, unit, change of the prediction) for a tile of layer j.
  template <typename Put>
  __device__ void prediction_change(int j, int row, int column, bool below_moved, const Put& put) {
    Tile tile;
    if (j > 0 && below_moved)
      tile = product<false>(j, row, column, [&](int r, int k) {
        const std::int64_t at = place(c_, j - 1, r) + k;
        return activation_change(load_global(c_.free + at), load_global(c_.displacement + at));
      });
    const int own = row + warp_index() * kTileRows + Tile::own_row();
    PEAKBENCH_UNROLL
    for (int i = 0; i < 4; ++i) {
      const int k = column + Tile::own_column(false, i);
      if (own < c_.rows && k < cone_layer(c_, j).outputs)
        put(own, k, tile.value(i));
    }
  }

  __device__ void error_tile(int j, int row, int column, bool below_moved, bool moves, float* to) {
    if (!is_output(j))
      return prediction_change(j, row, column, below_moved, [&](int r, int k, float change) {
        const std::int64_t at = place(c_, j, r) + k;
        store_global(to + at, load_global(c_.displacement + at) - change);
      });
    const int classes = cone_layer(c_, j).outputs;
    for (int first = 0; first < classes; first += kTileColumns)
      prediction_change(j, row, first, below_moved, [&](int r, int k, float change) {
        store_global(c_.error + place(c_, j, r) + k, change);
      });
    __syncthreads();
    for (int r = row + warp_index(); r < smaller(row + tile_rows_, c_.rows); r += warp_count()) {
      const std::int64_t at = place(c_, j, r);
      output_row(
          c_, r, classes, [&](int k) { return load_global(c_.free + at + k); },
          [&](int k) { return load_global(c_.displacement + at + k); },
          [&](int k) { return load_global(c_.error + at + k); },
          [&](int k, float error, float force) {
            store_global(to + at + k, error);
            if (moves)
              move_element(at + k, force);
          });
    }
  }

  __device__ void move_tile(int j, int row, int column, int t) {
    const Tile pulls = product<true>(j + 1, row, column, [&](int r, int k) {
      return load_global(c_.error + place(c_, j + 1, r) + k);
    });
    const int own = row + warp_index() * kTileRows + Tile::own_row();
    PEAKBENCH_UNROLL
    for (int i = 0; i < 4; ++i) {
      const int k = column + Tile::own_column(true, i);
      if (own >= c_.rows || k >= cone_layer(c_, j).outputs)
        continue;
      const std::int64_t at = place(c_, j, own) + k;
      const float error = t > first_step(c_, j) ? load_global(c_.error + at) : 0.0F;
      move_element(at, hidden_force(error, load_global(c_.free + at),
                                    load_global(c_.displacement + at), pulls.value(i)));
    }
  }
  __device__ void move_element(std::int64_t at, float force) {
    const Moved moved =
        move(c_, load_global(c_.displacement + at), load_global(c_.velocity + at), force);
    store_global(c_.displacement + at, moved.displacement);
    store_global(c_.velocity + at, moved.velocity);
  }

  const EpDeviceCall& c_;
  int tile_rows_;
  float *matrix_, *terms_;
};

} // namespace peakbench::kernels::device
