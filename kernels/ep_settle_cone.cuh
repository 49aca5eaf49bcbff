// Settling with weights that stay: a block has a layer of the cone and some rows of the batch, for
// all steps. W stays in its shared memory, and so do its layer's states and, a copy of them, those
// of the layer below: what a step needs from outside is then W_{i+1}^T e_{i+1} of the block above
// and e_{i-1} of the block below, both at the states before the step, and only those two wait for
// each other. What they hand over lies in global memory, twice, for even and odd steps, so that
// nobody overwrites what a neighbour still reads: who writes step t + 2's has seen both neighbours
// come to step t + 1. The even steps' are where velocities and displacements lie between launches.
#pragma once

#include "kernels/ep_settle_rules.cuh"

namespace peakbench::kernels::device {

class StationaryCone {
public:
  __device__ explicit StationaryCone(const EpDeviceCall& call) : c_(call), s_(call.shape) {
    const int block = block_index();
    layer_ = block / s_.groups;
    group_ = block % s_.groups;
    active_ = layer_ < cone_layers(call);
    if (!active_)
      return;
    outputs_ = cone_layer(c_, layer_).outputs;
    inputs_ = has_below() ? cone_layer(c_, layer_ - 1).outputs : 0;
    float* at = reinterpret_cast<float*>(dynamic_shared());
    weight_ = at;
    at += round_up(s_.widest, 4) * s_.weight_pitch;
    for (float** array : {&change_, &error_, &pull_, &free_, &displacement_, &velocity_,
                          &below_free_, &below_displacement_, &below_velocity_}) {
      *array = at;
      at += s_.group_rows * s_.state_pitch;
    }
  }

  __device__ void run() {
    if (active_ && has_below())
      load_weight();
    const int rows_of_a_pass = s_.groups * s_.group_rows;
    int done = 0; // what signals count: steps of the passes before
    for (int begin = 0; begin < c_.rows; begin += rows_of_a_pass) {
      first_row_ = begin + group_ * s_.group_rows;
      rows_ = active_ ? larger(0, smaller(s_.group_rows, c_.rows - first_row_)) : 0;
      if (active_)
        load_states();
      grid_barrier(); // the arrays in global memory are now for what neighbours hand over
      if (rows_ > 0)
        for (int t = larger(c_.from + 1, first_step(c_, layer_)); t <= c_.to; ++t)
          step(t, done);
      grid_barrier(); // and now for displacements and velocities again
      if (rows_ > 0)
        store_states();
      done += c_.to;
    }
  }

private:
  __device__ bool has_below() const { return layer_ > 0; }
  __device__ bool has_above() const { return layer_ + 1 < cone_layers(c_); }
  __device__ int at(int row, int k) const { return row * s_.state_pitch + k; }
  __device__ std::int32_t* signal_of(int layer) const {
    return c_.signals + 1 + layer * s_.groups + group_;
  }
  __device__ float* handed_errors(int t) const { return t % 2 == 0 ? c_.velocity : c_.error; }
  __device__ float* handed_pulls(int t) const { return t % 2 == 0 ? c_.displacement : c_.pull; }
  // f(row, k) for all elements of this block's rows.
  template <typename F>
  __device__ void each(int width, const F& f) const {
    for (int r = warp_index(); r < rows_; r += warp_count())
      PEAKBENCH_UNROLL_BY(4)
    for (int k = lane_of_warp(); k < width; k += 32)
      f(r, k);
  }

  __device__ void load_weight() {
    copy_rows(cone_layer(c_, layer_).weight, inputs_, outputs_, inputs_, weight_, s_.weight_pitch);
    const int rest = round_up(outputs_, 4) - outputs_, whole = round_up(inputs_, 4);
    for (int i = thread_index(); i < rest * whole; i += thread_count())
      store_shared(&weight_[(outputs_ + i / whole) * s_.weight_pitch + i % whole], 0.0F);
    copy_async_commit();
    copy_async_wait<0>();
    __syncthreads();
  }

  __device__ void load_states() {
    __syncthreads(); // the rows before these are done
    for (int i = thread_index(); i < kEpStateArrays * s_.group_rows * s_.state_pitch;
         i += thread_count())
      store_shared(&change_[i], 0.0F);
    __syncthreads();
    // The forward pass leaves zeros, which need not be stored and read.
    each(outputs_, [&](int r, int k) {
      const std::int64_t from = place(c_, layer_, first_row_ + r) + k;
      store_shared(&free_[at(r, k)], load_global(c_.free + from));
      if (!c_.forward) {
        store_shared(&displacement_[at(r, k)], load_global(c_.displacement + from));
        store_shared(&velocity_[at(r, k)], load_global(c_.velocity + from));
      }
    });
    each(inputs_, [&](int r, int k) {
      const std::int64_t from = place(c_, layer_ - 1, first_row_ + r) + k;
      store_shared(&below_free_[at(r, k)], load_global(c_.free + from));
      if (!c_.forward) {
        store_shared(&below_displacement_[at(r, k)], load_global(c_.displacement + from));
        store_shared(&below_velocity_[at(r, k)], load_global(c_.velocity + from));
      }
      refresh_change(r, k);
    });
    __syncthreads();
  }
  __device__ void refresh_change(int r, int k) {
    store_shared(&change_[at(r, k)],
                 activation_change(load_shared(&below_free_[at(r, k)]),
                                   load_shared(&below_displacement_[at(r, k)])));
  }

  // e_i into shared memory and, for neighbours or as a result, into `to`. The output layer also
  // moves, if `moves`: nobody waits for its displacement.
  __device__ void compute_error(bool below_moved, bool moves, float* to) {
    const bool output = !has_above();
    const auto put = [&](int r, int k, float change) {
      float error = change; // the output's rule needs whole rows
      if (!output) {
        error = load_shared(&displacement_[at(r, k)]) - change;
        store_global(to + place(c_, layer_, first_row_ + r) + k, error);
      }
      store_shared(&error_[at(r, k)], error);
    };
    if (has_below() && below_moved)
      multiply<false>(weight_, s_.weight_pitch, change_, s_.state_pitch, rows_, outputs_, inputs_,
                      put);
    else
      each(outputs_, [&](int r, int k) { put(r, k, 0.0F); });
    __syncthreads();
    if (!output)
      return;
    for (int r = warp_index(); r < rows_; r += warp_count())
      output_row(
          c_, first_row_ + r, outputs_, [&](int k) { return load_shared(&free_[at(r, k)]); },
          [&](int k) { return load_shared(&displacement_[at(r, k)]); },
          [&](int k) { return load_shared(&error_[at(r, k)]); },
          [&](int k, float error, float force) {
            store_shared(&error_[at(r, k)], error);
            if (moves)
              move_element(displacement_, velocity_, r, k, force);
            else
              store_global(to + place(c_, layer_, first_row_ + r) + k, error);
          });
    __syncthreads();
  }
  __device__ void move_element(float* displacement, float* velocity, int r, int k, float force) {
    const Moved moved =
        move(c_, load_shared(&displacement[at(r, k)]), load_shared(&velocity[at(r, k)]), force);
    store_shared(&displacement[at(r, k)], moved.displacement);
    store_shared(&velocity[at(r, k)], moved.velocity);
  }

  // Before its first step a layer has no error (the output's is that of its start), and hands
  // nothing down.
  __device__ void step(int t, int done) {
    const int started = first_step(c_, layer_);
    const bool output = !has_above(), moved = t > started;
    if (moved || output)
      compute_error(t > started + 1, true, handed_errors(t));
    if (has_below() && moved) {
      multiply<true>(weight_, s_.weight_pitch, error_, s_.state_pitch, rows_, inputs_, outputs_,
                     [&](int r, int k, float pull) {
                       store_shared(&pull_[at(r, k)], pull);
                       store_global(handed_pulls(t) + place(c_, layer_ - 1, first_row_ + r) + k,
                                    pull);
                     });
    }
    const bool below_moved = has_below() && t > started + 1;
    __syncthreads();
    if (thread_index() == 0) {
      signal(signal_of(layer_), done + t);
      if (!output)
        await(signal_of(layer_ + 1), done + t);
      if (below_moved)
        await(signal_of(layer_ - 1), done + t);
    }
    __syncthreads();
    if (!output) {
      const float* const pulls = handed_pulls(t);
      each(outputs_, [&](int r, int k) {
        const float pull = load_global(pulls + place(c_, layer_, first_row_ + r) + k);
        const float error = moved ? load_shared(&error_[at(r, k)]) : 0.0F;
        move_element(displacement_, velocity_, r, k,
                     hidden_force(error, load_shared(&free_[at(r, k)]),
                                  load_shared(&displacement_[at(r, k)]), pull));
      });
    }
    if (has_below() && moved) { // what the block below does to its layer
      const float* const errors = handed_errors(t);
      each(inputs_, [&](int r, int k) {
        const float error =
            below_moved ? load_global(errors + place(c_, layer_ - 1, first_row_ + r) + k) : 0.0F;
        move_element(below_displacement_, below_velocity_, r, k,
                     hidden_force(error, load_shared(&below_free_[at(r, k)]),
                                  load_shared(&below_displacement_[at(r, k)]),
                                  load_shared(&pull_[at(r, k)])));
        refresh_change(r, k);
      });
    }
    __syncthreads();
  }

  __device__ void store_states() {
    bool finite = true;
    each(outputs_, [&](int r, int k) {
      const std::int64_t to = place(c_, layer_, first_row_ + r) + k;
      const float displacement = load_shared(&displacement_[at(r, k)]);
      finite = finite && isfinite(load_shared(&free_[at(r, k)]) + displacement);
      store_global(c_.displacement + to, displacement);
      if (!c_.errors)
        store_global(c_.velocity + to, load_shared(&velocity_[at(r, k)]));
    });
    if (!finite)
      raise(c_.signals);
    if (c_.errors)
      compute_error(true, false, c_.velocity);
  }

  const EpDeviceCall& c_;
  const EpDeviceShape& s_;
  int layer_, group_, outputs_ = 0, inputs_ = 0, first_row_ = 0, rows_ = 0;
  bool active_;
  float *weight_, *change_, *error_, *pull_, *free_, *displacement_, *velocity_;
  float *below_free_, *below_displacement_, *below_velocity_;
};

} // namespace peakbench::kernels::device
