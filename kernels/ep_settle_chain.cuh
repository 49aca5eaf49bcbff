// The forward chain: h = W a + b, a = relu(h), layer after layer, a whole network deep.
// Every layer waits for the one below, so what counts is how long one takes. A cluster of blocks
// has a few rows of the batch, which do not interact with others. Each of its blocks has a part of
// every layer's units, whose weights are on their way into shared memory several layers ahead, and
// writes its units' activations into the shared memory of all blocks of the cluster: a layer costs
// one product of a small matrix and one barrier of the cluster, and nothing leaves the chip.
#pragma once

#include "kernels/ep_settle_product.cuh"

namespace peakbench::kernels::device {

constexpr int kChainStages = kEpChainStages; // all but one under way
constexpr int kUnitLanes = 8;                // that add up one unit

class Chain {
public:
  __device__ explicit Chain(const EpDeviceCall& call) : c_(call), s_(call.shape) {
    activations_ = reinterpret_cast<float*>(dynamic_shared());
    tiles_ = activations_ + 2 * s_.chain_rows * s_.chain_pitch;
    rank_ = cluster_rank();
  }

  __device__ void run() {
    const int clusters = block_count() / s_.cluster;
    for (int row = block_index() / s_.cluster * s_.chain_rows; row < c_.rows;
         row += clusters * s_.chain_rows) {
      first_row_ = row;
      rows_ = smaller(s_.chain_rows, c_.rows - row);
      run_rows();
    }
  }

private:
  // A tile of a layer, and what follows from its place. Divisions cost as much as a layer's product
  // for one unit, and neighbouring layers have one shape: they are done when it changes.
  struct Place {
    int layer = -1, tile = 0;
    int inputs = 0, outputs = 0;
    int pitch = 0;    // of a unit's weights in shared memory
    int share = 0;    // units of a block
    int per_tile = 0; // at most
    int first = 0, units = 0;
    int split = 0;                   // `units` for which the two below hold:
    int pair_unit = 0, pair_row = 0; // the first pair of unit and row of this thread
  };
  __device__ void enter(Place& at, int layer) const {
    at.layer = layer;
    at.tile = 0;
    if (layer >= c_.depth)
      return;
    const EpDeviceLayer& now = c_.layers[layer];
    if (now.inputs != at.inputs || now.outputs != at.outputs) {
      at.inputs = now.inputs;
      at.outputs = now.outputs;
      at.pitch = round_up(at.inputs, 4);
      at.share = (at.outputs + s_.cluster - 1) / s_.cluster;
      at.per_tile = smaller(at.share, s_.tile_floats / (at.pitch + 1)); // with biases
    }
    find_units(at);
  }
  __device__ void find_units(Place& at) const {
    at.first = rank_ * at.share + at.tile * at.per_tile;
    const int end = smaller((rank_ + 1) * at.share, at.outputs);
    at.units = larger(0, smaller(at.per_tile, end - at.first));
    if (at.units != at.split && at.units > 0) {
      const int pair = thread_index() / kUnitLanes;
      at.split = at.units;
      at.pair_unit = pair % at.units;
      at.pair_row = pair / at.units;
    }
  }
  // The same in all blocks of a cluster: they must come to the same barriers.
  __device__ bool last_of_layer(const Place& at) const {
    return (at.tile + 1) * at.per_tile >= at.share;
  }
  __device__ void advance(Place& at) const {
    if (last_of_layer(at))
      return enter(at, at.layer + 1);
    ++at.tile;
    find_units(at);
  }
  __device__ float* tile(int index) const { return tiles_ + index % kChainStages * s_.tile_floats; }
  __device__ float* activation(int layer) const {
    return activations_ + layer % 2 * (s_.chain_rows * s_.chain_pitch);
  }

  // Weights and, behind them, biases. Every tile is a group of copies, an empty one too.
  __device__ void prefetch() {
    if (next_.layer < c_.depth) {
      const EpDeviceLayer& layer = c_.layers[next_.layer];
      float* const to = tile(prefetched_);
      copy_rows(layer.weight + static_cast<std::int64_t>(next_.first) * next_.inputs, next_.inputs,
                next_.units, next_.inputs, to, next_.pitch);
      float* const biases = to + next_.units * next_.pitch;
      for (int i = thread_index(); i < next_.units; i += thread_count())
        copy_async_word(biases + i, layer.bias + next_.first + i, true);
      advance(next_);
    }
    copy_async_commit();
    ++prefetched_;
  }

  __device__ void run_rows() {
    cluster_arrive(); // nobody writes to a block that has not begun, or is at the rows before these
    cluster_wait();
    for (int i = thread_index(); i < 2 * s_.chain_rows * s_.chain_pitch; i += thread_count())
      store_shared(&activations_[i], 0.0F);
    __syncthreads();
    for (int r = warp_index(); r < rows_; r += warp_count())
      for (int k = lane_of_warp(); k < c_.layers[0].inputs; k += 32)
        store_shared(&activations_[r * s_.chain_pitch + k],
                     load_global(c_.input + (first_row_ + r) * c_.input_stride + k));
    enter(next_, 0);
    prefetched_ = 0;
    for (int i = 0; i < kChainStages - 1; ++i)
      prefetch();
    copy_async_wait<kChainStages - 2>();
    cluster_arrive();
    cluster_wait();
    Place now;
    enter(now, 0);
    for (int i = 0; now.layer < c_.depth; ++i) {
      // More rows at once read weights less often, if that leaves no lanes idle.
      const int lanes = now.units * rows_ * kUnitLanes;
      if (rows_ >= 4 && lanes >= 4 * thread_count())
        compute<4>(now, tile(i));
      else if (rows_ >= 2 && lanes >= 2 * thread_count())
        compute<2>(now, tile(i));
      else
        compute<1>(now, tile(i));
      copy_async_wait<kChainStages - 3>(); // the next tile
      if (last_of_layer(now)) {
        cluster_arrive();
        prefetch(); // where the tile before this one was
        cluster_wait();
      } else {
        __syncthreads();
        prefetch();
      }
      advance(now);
    }
    copy_async_wait<0>();
    __syncthreads();
  }

  // 8 lanes per unit and block of rows.
  template <int kRows>
  __device__ void compute(const Place& at, const float* weights) {
    const int row_blocks = (rows_ + kRows - 1) / kRows, slots = thread_count() / kUnitLanes;
    const int lane = lane_of_warp() % kUnitLanes;
    const float* const x = activation(at.layer);
    int pair_unit = at.pair_unit, pair_row = at.pair_row; // of this thread
    for (int base = warp_index() * 4; base < at.units * row_blocks; base += slots) {
      const bool there = pair_row < row_blocks;
      const int own = pair_unit, row = smaller(pair_row, row_blocks - 1) * kRows;
      for (pair_unit += slots; pair_unit >= at.units; ++pair_row)
        pair_unit -= at.units;
      float4 sum[kRows];
      PEAKBENCH_UNROLL
      for (int r = 0; r < kRows; ++r)
        sum[r] = make_float4(0, 0, 0, 0);
      PEAKBENCH_UNROLL_BY(4)
      for (int k = lane * 4; k < at.inputs; k += kUnitLanes * 4) {
        const float4 w = load_quad(weights + own * at.pitch + k);
        PEAKBENCH_UNROLL
        for (int r = 0; r < kRows; ++r) {
          const float4 a = load_quad(x + smaller(row + r, s_.chain_rows - 1) * s_.chain_pitch + k);
          sum[r].x = fmaf(w.x, a.x, sum[r].x);
          sum[r].y = fmaf(w.y, a.y, sum[r].y);
          sum[r].z = fmaf(w.z, a.z, sum[r].z);
          sum[r].w = fmaf(w.w, a.w, sum[r].w);
        }
      }
      const float bias = load_shared(weights + at.units * at.pitch + own);
      PEAKBENCH_UNROLL
      for (int r = 0; r < kRows; ++r) {
        float all = (sum[r].x + sum[r].y) + (sum[r].z + sum[r].w);
        PEAKBENCH_UNROLL
        for (int offset = 1; offset < kUnitLanes; offset *= 2)
          all += __shfl_xor_sync(kAllLanes, all, offset);
        if (there && row + r < rows_)
          put(at.layer, row + r, at.first + own, all + bias, lane);
      }
    }
  }

  // The same value from all lanes of a unit: each serves a block of the cluster.
  __device__ void put(int layer, int row, int to, float state, int lane) {
    const float active = state < 0 ? 0 : state; // NaN stays
    const std::int64_t at = first_row_ + row;
    if (lane == 0 && layer >= c_.first)
      store_global(c_.free + (layer - c_.first) * c_.slot_floats + at * c_.layers[layer].outputs +
                       to,
                   state);
    if (lane == 0 && layer + 1 == c_.first)
      store_global(c_.entering + at * c_.entering_stride + to, active);
    if (layer + 1 < c_.depth && lane < s_.cluster)
      store_cluster(activation(layer + 1) + row * s_.chain_pitch + to, lane, active);
  }

  const EpDeviceCall& c_;
  const EpDeviceShape& s_;
  float *activations_, *tiles_;
  int rank_, first_row_ = 0, rows_ = 0;
  Place next_;
  int prefetched_ = 0;
};

} // namespace peakbench::kernels::device
