// Muon's orthogonalisation of momenta, of which the update has just added the gradient:
//   w <- w - rate X,  X from m / |m| by  X <- (a I + b A + c A A) X,  A = X X^T
// (kernels/newton_schulz.h). A block has a matrix in its shared memory from the first step to the
// last, as X [height, width] with height <= width: m or its transpose. The symmetric products are
// computed by half. A lies where the next X will.
#pragma once

#include "kernels/ep_settle_rules.cuh"

namespace peakbench::kernels::device {

class Muon {
public:
  __device__ explicit Muon(const EpDeviceCall& call) : c_(call) {}

  __device__ void run() {
    if (load_global(c_.signals) != 0)
      return; // not finite: weights stay as they are
    for (int i = block_index(); i < c_.update_count; i += block_count())
      if (c_.momenta[i].orthogonalize)
        orthogonalize(cone_layer(c_, c_.update_first + i), c_.momenta[i].weight);
  }

private:
  __device__ void orthogonalize(const EpDeviceLayer& layer, const float* momentum) {
    inputs_ = layer.inputs;
    turned_ = layer.outputs > layer.inputs;
    height_ = smaller(layer.outputs, layer.inputs);
    width_ = larger(layer.outputs, layer.inputs);
    pitch_ = odd_quads(width_);
    polynomial_pitch_ = odd_quads(height_);
    float* const memory = reinterpret_cast<float*>(dynamic_shared());
    float *x = memory, *next = x + round_up(height_, 4) * pitch_;
    polynomial_ = next + round_up(height_, 4) * pitch_;
    load(momentum, x);
    for (int step = 0; step < c_.orthogonalization.steps; ++step) {
      gram(x, next);
      evaluate(next);
      multiply<true>(
          x, pitch_, polynomial_, polynomial_pitch_, height_, width_, height_,
          [&](int row, int k, float value) { store_shared(&next[row * pitch_ + k], value); });
      clear_edges(next);
      __syncthreads();
      float* const spent = x;
      x = next;
      next = spent;
    }
    for (int row = warp_index(); row < layer.outputs; row += warp_count())
      for (int k = lane_of_warp(); k < inputs_; k += 32) {
        float* const weight = layer.weight + static_cast<std::int64_t>(row) * inputs_ + k;
        const float value = load_shared(&x[turned_ ? k * pitch_ + row : row * pitch_ + k]);
        store_global(weight, fmaf(-c_.learning_rate, value, load_global(weight)));
      }
    __syncthreads(); // the next matrix may come
  }

  static __device__ int odd_quads(int floats) {
    const int quads = (floats + 3) / 4;
    return (quads | 1) * 4;
  }
  // What products read beyond the matrix, up to multiples of 4, is zero.
  __device__ void clear_edges(float* x) const {
    const int rows = round_up(height_, 4), columns = round_up(width_, 4);
    for (int i = thread_index(); i < rows * 4; i += thread_count())
      if (width_ + i % 4 < columns)
        store_shared(&x[i / 4 * pitch_ + width_ + i % 4], 0.0F);
    for (int row = height_; row < rows; ++row)
      for (int k = thread_index(); k < width_; k += thread_count())
        store_shared(&x[row * pitch_ + k], 0.0F);
  }

  // The sum or the largest of all threads' values. Where: any memory that is free.
  template <bool kLargest>
  __device__ float of_block(float value, float* where) const {
    value = kLargest ? warp_max(value) : warp_sum(value);
    if (lane_of_warp() == 0)
      store_shared(&where[warp_index()], value);
    __syncthreads();
    float all = load_shared(&where[0]);
    for (int i = 1; i < warp_count(); ++i)
      all = kLargest ? fmaxf(all, load_shared(&where[i])) : all + load_shared(&where[i]);
    __syncthreads();
    return all;
  }

  // X = m / |m|, with the largest element taken out first: squares of tiny gradients underflow.
  __device__ void load(const float* momentum, float* x) const {
    const int count = height_ * width_;
    float largest = 0;
    for (int i = thread_index(); i < count; i += thread_count())
      largest = fmaxf(largest, fabsf(load_global(momentum + i)));
    const float inverse = 1 / fmaxf(of_block<true>(largest, polynomial_), 1.17549435e-38F);
    float squares = 0;
    for (int i = thread_index(); i < count; i += thread_count()) {
      const float value = load_global(momentum + i) * inverse;
      squares = fmaf(value, value, squares);
    }
    const float norm = fmaxf(sqrtf(of_block<false>(squares, polynomial_)), 1e-30F);
    const int outputs = turned_ ? width_ : height_;
    for (int row = warp_index(); row < outputs; row += warp_count())
      for (int k = lane_of_warp(); k < inputs_; k += 32) {
        const float value =
            load_global(momentum + static_cast<std::int64_t>(row) * inputs_ + k) * inverse / norm;
        store_shared(&x[turned_ ? k * pitch_ + row : row * pitch_ + k], value);
      }
    clear_edges(x);
    __syncthreads();
  }

  // A = X X^T into `a`, with zeros up to multiples of 4.
  __device__ void gram(const float* x, float* a) const {
    multiply_upper(x, pitch_, x, pitch_, height_, width_, [&](int row, int column, float value) {
      store_shared(&a[row * polynomial_pitch_ + column], value);
    });
    clear_square_edges(a);
    __syncthreads();
  }
  // a I + b A + c A A.
  __device__ void evaluate(const float* a) const {
    const EpDeviceOrthogonalization& rule = c_.orthogonalization;
    multiply_upper(a, polynomial_pitch_, a, polynomial_pitch_, height_, height_,
                   [&](int row, int column, float square) {
                     const float first = load_shared(&a[row * polynomial_pitch_ + column]);
                     const float value = fmaf(rule.b, first, rule.c * square);
                     store_shared(&polynomial_[row * polynomial_pitch_ + column],
                                  row == column ? value + rule.a : value);
                   });
    clear_square_edges(polynomial_);
    __syncthreads();
  }
  __device__ void clear_square_edges(float* a) const {
    const int whole = round_up(height_, 4);
    for (int i = thread_index(); i < whole * whole; i += thread_count())
      if (i / whole >= height_ || i % whole >= height_)
        store_shared(&a[i / whole * polynomial_pitch_ + i % whole], 0.0F);
  }
  // A product that is symmetric: its upper half, and what mirrors it.
  template <typename Put>
  __device__ void multiply_upper(const float* matrix, int matrix_pitch, const float* x, int x_pitch,
                                 int columns, int terms, const Put& put) const {
    multiply<false, true>(matrix, matrix_pitch, x, x_pitch, columns, columns, terms,
                          [&](int row, int column, float value) {
                            if (column >= row)
                              put(row, column, value);
                            if (column > row)
                              put(column, row, value);
                          });
  }

  const EpDeviceCall& c_;
  int inputs_ = 0, height_ = 0, width_ = 0, pitch_ = 0, polynomial_pitch_ = 0;
  bool turned_ = false;
  float* polynomial_ = nullptr;
};

} // namespace peakbench::kernels::device
