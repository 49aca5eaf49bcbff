// Products with a matrix W [outputs, inputs] in shared memory, float32: what settling is made of.
//   plain       y[row][unit] = sum over k of W[unit][k] x[row][k]
//   transposed  y[row][k]    = sum over units of W[unit][k] x[row][unit]
// A warp makes a tile of 4 rows and 32 columns of y. Its lanes are 8 groups of columns times 4
// parts of the sum; a lane adds up 4 x 4 elements, 4 terms at a time, and in the end the parts are
// added so that each lane keeps 4 elements of one row. Pitches are multiples of 4, an odd number
// of times for W, so that no bank is read twice at once; x is zero between its width and the next
// multiple of 4, and so is W.
#pragma once

#include "kernels/device.cuh"
#include "kernels/ep_settle_device.h"

namespace peakbench::kernels::device {

constexpr int kTileRows = kEpTileRows, kTileColumns = kEpTileColumns;

__device__ inline int thread_index() { return static_cast<int>(threadIdx.x); }
__device__ inline int thread_count() { return static_cast<int>(blockDim.x); }
__device__ inline int lane_of_warp() { return thread_index() % 32; }
__device__ inline int warp_index() { return thread_index() / 32; }
__device__ inline int warp_count() { return thread_count() / 32; }
__device__ inline int block_index() { return static_cast<int>(blockIdx.x); }
__device__ inline int block_count() { return static_cast<int>(gridDim.x); }
__device__ inline int smaller(int a, int b) { return a < b ? a : b; }
__device__ inline int larger(int a, int b) { return a > b ? a : b; }
__device__ inline int round_up(int value, int multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

__device__ inline float4 load_quad(const float* from) {
  return load_shared(reinterpret_cast<const float4*>(from));
}

// Rows of global into shared memory by asynchronous copies, zeros up to a multiple of 4 floats.
__device__ inline void copy_rows(const float* from, std::int64_t stride, int rows, int width,
                                 float* to, int pitch) {
  const bool quads =
      stride % 4 == 0 && width % 4 == 0 && reinterpret_cast<std::uintptr_t>(from) % 16 == 0;
  for (int r = warp_index(); r < rows; r += warp_count())
    if (quads)
      for (int k = lane_of_warp() * 4; k < width; k += 128)
        copy_async(to + r * pitch + k, from + r * stride + k, true);
    else
      for (int k = lane_of_warp(); k < round_up(width, 4); k += 32)
        copy_async_word(to + r * pitch + k, k < width ? from + r * stride + k : from, k < width);
}

class Tile {
public:
  __device__ Tile() {
    PEAKBENCH_UNROLL
    for (int i = 0; i < 16; ++i)
      sum_[i] = 0;
  }

  // Adds the terms k = 0 .. terms - 1 of rows row .. row + 3 and columns column .. column + 31 of
  // the `columns` that there are.
  __device__ void add(const float* matrix, int matrix_pitch, const float* x, int x_pitch, int row,
                      int column, int columns, int terms) {
    const int part = lane_of_warp() / 8, first = column + lane_of_warp() % 8;
    const float* lines[4];
    PEAKBENCH_UNROLL
    for (int i = 0; i < 4; ++i)
      lines[i] = matrix + smaller(first + 8 * i, columns - 1) * matrix_pitch;
    PEAKBENCH_UNROLL_BY(2)
    for (int k = part * 4; k < terms; k += 16) {
      float4 w[4];
      PEAKBENCH_UNROLL
      for (int i = 0; i < 4; ++i)
        w[i] = load_quad(lines[i] + k);
      PEAKBENCH_UNROLL
      for (int r = 0; r < 4; ++r) {
        const float4 one = load_quad(x + (row + r) * x_pitch + k);
        PEAKBENCH_UNROLL
        for (int i = 0; i < 4; ++i) {
          float& to = sum_[r * 4 + i];
          to = fmaf(w[i].x, one.x, to);
          to = fmaf(w[i].y, one.y, to);
          to = fmaf(w[i].z, one.z, to);
          to = fmaf(w[i].w, one.w, to);
        }
      }
    }
  }

  __device__ void add_transposed(const float* matrix, int matrix_pitch, const float* x, int x_pitch,
                                 int row, int column, int columns, int terms) {
    const int part = lane_of_warp() / 8;
    const int first = smaller(column + lane_of_warp() % 8 * 4, round_up(columns, 4) - 4);
    PEAKBENCH_UNROLL_BY(2)
    for (int k = part * 4; k < terms; k += 16) {
      float4 one[4];
      PEAKBENCH_UNROLL
      for (int r = 0; r < 4; ++r)
        one[r] = load_quad(x + (row + r) * x_pitch + k);
      PEAKBENCH_UNROLL
      for (int j = 0; j < 4; ++j) {
        const float4 w = load_quad(matrix + (k + j) * matrix_pitch + first);
        PEAKBENCH_UNROLL
        for (int r = 0; r < 4; ++r) {
          const float factor = j == 0 ? one[r].x : j == 1 ? one[r].y : j == 2 ? one[r].z : one[r].w;
          sum_[r * 4] = fmaf(w.x, factor, sum_[r * 4]);
          sum_[r * 4 + 1] = fmaf(w.y, factor, sum_[r * 4 + 1]);
          sum_[r * 4 + 2] = fmaf(w.z, factor, sum_[r * 4 + 2]);
          sum_[r * 4 + 3] = fmaf(w.w, factor, sum_[r * 4 + 3]);
        }
      }
    }
  }

  // Adds up the parts. Afterwards value(i) is element (own_row(), own_column(i)) of the tile.
  __device__ void finish() {
    const bool low = lane_of_warp() / 8 % 2 == 0, even = lane_of_warp() / 16 == 0;
    PEAKBENCH_UNROLL
    for (int i = 0; i < 8; ++i) {
      const float got = __shfl_xor_sync(kAllLanes, low ? sum_[i + 8] : sum_[i], 8);
      sum_[i] = (low ? sum_[i] : sum_[i + 8]) + got;
    }
    PEAKBENCH_UNROLL
    for (int i = 0; i < 4; ++i) {
      const float got = __shfl_xor_sync(kAllLanes, even ? sum_[i + 4] : sum_[i], 16);
      sum_[i] = (even ? sum_[i] : sum_[i + 4]) + got;
    }
  }
  __device__ float value(int i) const { return sum_[i]; }
  static __device__ int own_row() { return lane_of_warp() / 8 % 2 * 2 + lane_of_warp() / 16; }
  static __device__ int own_column(bool transposed, int i) {
    return transposed ? lane_of_warp() % 8 * 4 + i : lane_of_warp() % 8 + 8 * i;
  }

private:
  float sum_[16]; // [row][column]
};

// put(row, column, value) for every element of y [rows, columns], by whoever has it; both
// matrices whole in shared memory.
// kUpper: only tiles that reach the diagonal or lie above it.
template <bool kTransposed, bool kUpper = false, typename Put>
__device__ inline void multiply(const float* matrix, int matrix_pitch, const float* x, int x_pitch,
                                int rows, int columns, int terms, const Put& put) {
  const int across = (columns + kTileColumns - 1) / kTileColumns;
  const int tiles = across * ((rows + kTileRows - 1) / kTileRows);
  for (int i = warp_index(); i < tiles; i += warp_count()) {
    const int row = i / across * kTileRows, column = i % across * kTileColumns;
    if (kUpper && column + kTileColumns <= row)
      continue;
    Tile tile;
    if constexpr (kTransposed)
      tile.add_transposed(matrix, matrix_pitch, x, x_pitch, row, column, columns, terms);
    else
      tile.add(matrix, matrix_pitch, x, x_pitch, row, column, columns, terms);
    tile.finish();
    const int own = row + Tile::own_row();
    PEAKBENCH_UNROLL
    for (int j = 0; j < 4; ++j) {
      const int to = column + Tile::own_column(kTransposed, j);
      if (own < rows && to < columns)
        put(own, to, tile.value(j));
    }
  }
}

} // namespace peakbench::kernels::device
