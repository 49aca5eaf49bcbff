// What settling does to single elements and rows (kernels/README.md): the arithmetic of
// ep_settle.cpp.
#pragma once

#include "kernels/ep_settle_product.cuh"

namespace peakbench::kernels::device {

// The cone's layer j counts from 0; the last is the output. It moves for the first time at step
// first_step(j).
__device__ inline int cone_layers(const EpDeviceCall& call) { return call.depth - call.first; }
__device__ inline const EpDeviceLayer& cone_layer(const EpDeviceCall& call, int j) {
  return call.layers[call.first + j];
}
__device__ inline int first_step(const EpDeviceCall& call, int j) { return cone_layers(call) - j; }
// Element (row, 0) of layer j in one of the call's arrays.
__device__ inline std::int64_t place(const EpDeviceCall& call, int j, int row) {
  return j * call.slot_floats + static_cast<std::int64_t>(row) * cone_layer(call, j).outputs;
}

// relu(s + D) - relu(s) without cancellation: D itself where both signs agree.
__device__ inline float activation_change(float free, float displacement) {
  return fmaxf(displacement + fminf(free, 0.0F), -fmaxf(free, 0.0F));
}

__device__ inline float hidden_force(float error, float free, float displacement, float pull) {
  return free + displacement > 0 ? error - pull : error;
}

struct Moved {
  float displacement, velocity;
};
__device__ inline Moved move(const EpDeviceCall& call, float displacement, float velocity,
                             float force) {
  const float speed = fmaf(call.momentum, velocity, force);
  return {fmaf(-call.rate, speed, displacement), speed};
}

// A row of the output layer by a warp: put(k, e_k, force_k), given s^f_k, D_k, and the change of
// the prediction. In terms of u = s - h and x = expm1(u / tau):
//   q - p = p (x - <p, x>) / (1 + <p, x>),  e = p (u - <p, u>) / tau^2
template <typename Free, typename Displacement, typename Change, typename Put>
__device__ inline void output_row(const EpDeviceCall& call, int row, int classes, const Free& free,
                                  const Displacement& displacement, const Change& change,
                                  const Put& put) {
  const float* const target = call.target + static_cast<std::int64_t>(row) * classes;
  if (!call.cross_entropy) {
    for (int k = lane_of_warp(); k < classes; k += 32) {
      const float u = displacement(k) - change(k);
      put(k, u, u + 2 * call.beta * (free(k) + displacement(k) - target[k]));
    }
    return;
  }
  const float inverse = 1 / call.temperature;
  const float lowest = -INFINITY;
  float top = lowest, state_top = lowest;
  for (int k = lane_of_warp(); k < classes; k += 32) {
    top = fmaxf(top, free(k) + change(k));
    state_top = fmaxf(state_top, free(k) + displacement(k));
  }
  top = warp_max(top);
  state_top = warp_max(state_top);
  float sum = 0, mean_u = 0, mean_x = 0, state_sum = 0;
  for (int k = lane_of_warp(); k < classes; k += 32) {
    const float p = expf(inverse * (free(k) + change(k) - top)), u = displacement(k) - change(k);
    sum += p;
    mean_u = fmaf(p, u, mean_u);
    mean_x = fmaf(p, expm1f(inverse * u), mean_x);
    state_sum += expf(free(k) + displacement(k) - state_top);
  }
  sum = warp_sum(sum);
  mean_u = warp_sum(mean_u) / sum;
  mean_x = warp_sum(mean_x) / sum;
  state_sum = warp_sum(state_sum);
  const float divisor = inverse / (1 + mean_x);
  for (int k = lane_of_warp(); k < classes; k += 32) {
    const float p = expf(inverse * (free(k) + change(k) - top)) / sum;
    const float u = displacement(k) - change(k);
    const float pull = p * (expm1f(inverse * u) - mean_x) * divisor;
    const float share = expf(free(k) + displacement(k) - state_top) / state_sum;
    put(k, p * (u - mean_u) * inverse * inverse, pull + call.beta * (share - target[k]));
  }
}

} // namespace peakbench::kernels::device
