// The update of the cone's weights in place: g = scale e^T a summed over all rows of the batch,
// then
//   sgd       w <- w - rate g
//   momentum  m <- mu m + g; w <- w - rate m
// from the errors that lie where velocities were. Blocks take tiles of a layer's matrix.
#pragma once

#include "kernels/ep_settle_rules.cuh"

namespace peakbench::kernels::device {

constexpr int kUpdateRows = kEpUpdateRows;     // of the batch, at a time
constexpr int kUpdateInputs = kEpUpdateInputs; // columns of a tile, 4 to a thread
constexpr int kUpdateQuads = kEpUpdateQuads;   // of a thread

class Update {
public:
  __device__ explicit Update(const EpDeviceCall& call)
      : c_(call), units_(thread_count() / (kUpdateInputs / 4) * kUpdateQuads) {
    errors_ = reinterpret_cast<float*>(dynamic_shared());
    activations_ = errors_ + kUpdateRows * units_;
  }

  __device__ void run() {
    if (load_global(c_.signals) != 0)
      return; // not finite: weights stay as they are
    int widest_in = 0;
    for (int i = 0; i < c_.update_count; ++i)
      widest_in = larger(widest_in, cone_layer(c_, c_.update_first + i).inputs);
    const int across = (widest_in + kUpdateInputs - 1) / kUpdateInputs;
    const int down = (c_.shape.widest + units_ - 1) / units_;
    for (int i = block_index(); i < c_.update_count * down * across; i += block_count()) {
      const int index = i / (down * across), rest = i % (down * across);
      const EpDeviceLayer& layer = cone_layer(c_, c_.update_first + index);
      const int unit = rest / across * units_, input = rest % across * kUpdateInputs;
      if (unit < layer.outputs && input < layer.inputs)
        tile(index, unit, input);
    }
  }

private:
  __device__ int unit_of(int quad) const { // within the tile
    return thread_index() / (kUpdateInputs / 4) + quad * (units_ / kUpdateQuads);
  }
  static __device__ int input_of() { return thread_index() % (kUpdateInputs / 4) * 4; }

  // relu(s) that enters layer j.
  __device__ float activation(int j, int row, int k) const {
    if (j == 0)
      return load_global(c_.entering + row * c_.entering_stride + k);
    const std::int64_t at = place(c_, j - 1, row) + k;
    const float state = load_global(c_.free + at) + load_global(c_.displacement + at);
    return state < 0 ? 0 : state;
  }

  __device__ void tile(int index, int unit, int input) {
    const int j = c_.update_first + index;
    const EpDeviceLayer& layer = cone_layer(c_, j);
    float4 sum[kUpdateQuads];
    float bias[kUpdateQuads];
    PEAKBENCH_UNROLL
    for (int q = 0; q < kUpdateQuads; ++q) {
      sum[q] = make_float4(0, 0, 0, 0);
      bias[q] = 0;
    }
    for (int first = 0; first < c_.rows; first += kUpdateRows) {
      const int rows = smaller(kUpdateRows, c_.rows - first);
      __syncthreads(); // what was here is read
      for (int i = thread_index(); i < rows * units_; i += thread_count()) {
        const int r = i / units_, k = unit + i % units_;
        store_shared(&errors_[i], k < layer.outputs
                                      ? load_global(c_.velocity + place(c_, j, first + r) + k)
                                      : 0.0F);
      }
      for (int i = thread_index(); i < rows * kUpdateInputs; i += thread_count()) {
        const int r = i / kUpdateInputs, k = input + i % kUpdateInputs;
        store_shared(&activations_[i], k < layer.inputs ? activation(j, first + r, k) : 0.0F);
      }
      __syncthreads();
      for (int r = 0; r < rows; ++r) {
        const float4 a = load_quad(activations_ + r * kUpdateInputs + input_of());
        PEAKBENCH_UNROLL
        for (int q = 0; q < kUpdateQuads; ++q) {
          const float e = load_shared(errors_ + r * units_ + unit_of(q));
          sum[q].x = fmaf(e, a.x, sum[q].x);
          sum[q].y = fmaf(e, a.y, sum[q].y);
          sum[q].z = fmaf(e, a.z, sum[q].z);
          sum[q].w = fmaf(e, a.w, sum[q].w);
          bias[q] += e;
        }
      }
    }
    PEAKBENCH_UNROLL
    for (int q = 0; q < kUpdateQuads; ++q) {
      const int row = unit + unit_of(q), k = input + input_of();
      if (row >= layer.outputs)
        continue;
      const std::int64_t at = static_cast<std::int64_t>(row) * layer.inputs + k;
      const float values[4] = {sum[q].x, sum[q].y, sum[q].z, sum[q].w};
      PEAKBENCH_UNROLL
      for (int i = 0; i < 4; ++i)
        if (k + i < layer.inputs)
          apply(layer.weight, c_.momenta[index].weight, at + i, values[i], c_.keep_weights);
      if (k == 0)
        apply(layer.bias, c_.momenta[index].bias, row, bias[q], false);
    }
  }

  __device__ void apply(float* weights, float* momenta, std::int64_t at, float sum,
                        bool keep) const {
    float change = c_.gradient_scale * sum;
    if (c_.with_momentum) {
      change = fmaf(c_.optimizer_momentum, load_global(momenta + at), change);
      store_global(momenta + at, change);
    }
    if (!keep)
      store_global(weights + at, fmaf(-c_.learning_rate, change, load_global(weights + at)));
  }

  const EpDeviceCall& c_;
  int units_;
  float *errors_, *activations_;
};

} // namespace peakbench::kernels::device
