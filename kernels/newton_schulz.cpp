// Vector length is chosen when the program runs (Highway); this file is compiled once per target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/newton_schulz.cpp"
// Registers are kept in arrays, which vectors of unknown length do not allow.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)

#include "kernels/newton_schulz.h"

#include <ATen/Parallel.h>

#include <cmath>
#include <limits>
#include <vector>

#include <hwy/foreach_target.h> // after the headers above, which are included once
#include <hwy/highway.h>

#include "kernels/matrix_tiles-inl.h"

#ifndef PEAKBENCH_KERNELS_NEWTON_SCHULZ_ONCE
#define PEAKBENCH_KERNELS_NEWTON_SCHULZ_ONCE
namespace peakbench::kernels {

// Work is dealt out in blocks of 32 rows, or 32 x 32 numbers of a symmetric matrix.
constexpr std::int64_t kBlock = 32;
constexpr std::int64_t padded(std::int64_t width) { return (width + kBlock - 1) / kBlock * kBlock; }

// One matrix on its way: Y and what follows it take turns in two buffers, and the one that is free
// holds A meanwhile.
struct Orthogonalization {
  Orthogonalization(const NewtonSchulzMatrix& which, const NewtonSchulzRule& how, float* workspace)
      : matrix(which), rule(how), wide(which.columns > which.rows),
        height(wide ? which.columns : which.rows), width(wide ? which.rows : which.columns),
        stride(stride_of(width)), buffers{workspace, workspace + padded(height) * stride},
        polynomial(workspace + 2 * padded(height) * stride) {}

  // No power of two, or all rows of a column would compete for the same cache lines.
  static std::int64_t stride_of(std::int64_t width) { return padded(width) + 16; }
  static std::int64_t floats(const NewtonSchulzMatrix& matrix) {
    const std::int64_t height = std::max(matrix.rows, matrix.columns);
    const std::int64_t width = std::min(matrix.rows, matrix.columns);
    return (2 * padded(height) + padded(width)) * stride_of(width);
  }
  std::int64_t rows() const { return padded(height) / kBlock; }
  std::int64_t symmetric() const {
    return padded(width) / kBlock * (padded(width) / kBlock + 1) / 2;
  }

  NewtonSchulzMatrix matrix;
  NewtonSchulzRule rule;
  bool wide;
  std::int64_t height, width, stride; // of Y
  float* buffers[2];
  float* polynomial;
};

enum class Phase { load, gram, polynomial, multiply, store };

} // namespace peakbench::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace peakbench::kernels::HWY_NAMESPACE {

// 1 / |G| in two factors, of which each is finite: the largest element is taken out first, because
// the squares of tiny gradients underflow.
struct InverseNorm {
  float first = 0, second = 0;
};

InverseNorm inverse_norm(const Orthogonalization& work) {
  const Floats d;
  const float* source = work.matrix.source;
  const std::int64_t count = work.matrix.rows * work.matrix.columns, whole = count - count % kLanes;
  Vector top = hn::Zero(d);
  for (std::int64_t k = 0; k < whole; k += kLanes)
    top = hn::Max(top, hn::Abs(hn::LoadU(d, source + k)));
  float largest = hn::GetLane(hn::MaxOfLanes(d, top));
  for (std::int64_t k = whole; k < count; ++k)
    largest = std::max(largest, std::abs(source[k]));
  largest = std::max(largest, std::numeric_limits<float>::min());
  const float inverse = 1 / largest;
  const Vector factor = hn::Set(d, inverse);
  Vector squares[2] = {hn::Zero(d), hn::Zero(d)};
  for (std::int64_t k = 0; k < whole; k += kLanes) {
    const Vector x = hn::Mul(hn::LoadU(d, source + k), factor);
    Vector& sum = squares[k / kLanes % 2];
    sum = hn::MulAdd(x, x, sum);
  }
  float sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(squares[0], squares[1])));
  for (std::int64_t k = whole; k < count; ++k)
    sum += source[k] * inverse * (source[k] * inverse);
  float norm = std::sqrt(sum);
  if (work.rule.least_norm > 0)
    norm = std::clamp(norm * largest, work.rule.least_norm, work.rule.largest_norm) / largest;
  return {inverse, 1 / std::max(norm, 1e-30F)};
}

// Y = X or its transpose, with zeros around.
void load(const Orthogonalization& work) {
  const Floats d;
  const NewtonSchulzMatrix& matrix = work.matrix;
  float* y = work.buffers[0];
  if (work.wide)
    transpose(matrix.source, matrix.columns, matrix.rows, matrix.columns, y, work.stride);
  else
    for (std::int64_t r = 0; r < matrix.rows; ++r)
      std::copy_n(matrix.source + r * matrix.columns, matrix.columns, y + r * work.stride);
  const InverseNorm inverse = inverse_norm(work);
  const Vector first = hn::Set(d, inverse.first), second = hn::Set(d, inverse.second);
  for (std::int64_t r = 0; r < padded(work.height); ++r) {
    float* row = y + r * work.stride;
    const std::int64_t valid = r < work.height ? work.width : 0;
    std::fill(row + valid, row + work.stride, 0.0F);
    for (std::int64_t c = 0; c < padded(valid); c += kLanes)
      hn::StoreU(hn::Mul(hn::Mul(hn::LoadU(d, row + c), first), second), d, row + c);
  }
}

// Blocks of the triangle on and above the diagonal, row by row.
struct Place {
  std::int64_t row, column;
};
Place place_in_triangle(std::int64_t index, std::int64_t blocks) {
  std::int64_t row = 0;
  for (; index >= blocks - row; ++row)
    index -= blocks - row;
  return {row * kBlock, (row + index) * kBlock};
}

// A block of source^T source; finish(row, column, vector) makes it what is stored. And its mirror
// image.
template <typename Finish>
HWY_INLINE void symmetric_block(const float* source, std::int64_t steps, std::int64_t stride,
                                Place place, float* result, const Finish& finish) {
  const Floats d;
  for (std::int64_t c = place.column; c < place.column + kBlock; c += kTileColumns)
    for (std::int64_t r = place.row; r < place.row + kBlock; r += kTileRows) {
      Tile tile;
      clear(tile);
      multiply_add<true>(source + r, stride, source + c, stride, steps, tile);
      each_vector(tile, [&](int j, std::int64_t k, Vector sum) {
        hn::StoreU(finish(r + j, c + k, sum), d, result + (r + j) * stride + c + k);
      });
    }
  if (place.row != place.column)
    transpose(result + place.row * stride + place.column, stride, kBlock, kBlock,
              result + place.column * stride + place.row, stride);
}

// A = Y^T Y.
void gram(const Orthogonalization& work, int step, std::int64_t block) {
  symmetric_block(work.buffers[step % 2], work.height, work.stride,
                  place_in_triangle(block, padded(work.width) / kBlock), work.buffers[1 - step % 2],
                  [](std::int64_t, std::int64_t, Vector sum) { return sum; });
}

// P = a I + b A + c A A.
void polynomial(const Orthogonalization& work, int step, std::int64_t block) {
  const Floats d;
  const float* product = work.buffers[1 - step % 2];
  const Place place = place_in_triangle(block, padded(work.width) / kBlock);
  const Vector b = hn::Set(d, work.rule.b), c = hn::Set(d, work.rule.c);
  symmetric_block(product, work.rule.c != 0 ? work.width : 0, work.stride, place, work.polynomial,
                  [&](std::int64_t row, std::int64_t column, Vector sum) {
                    const Vector old = hn::LoadU(d, product + row * work.stride + column);
                    return hn::MulAdd(b, old, hn::Mul(c, sum));
                  });
  if (place.row == place.column)
    for (std::int64_t k = place.row; k < place.row + kBlock; ++k)
      work.polynomial[k * work.stride + k] += work.rule.a;
}

// Rows of Y P, over what was A.
void multiply(const Orthogonalization& work, int step, std::int64_t block) {
  const Floats d;
  const float* y = work.buffers[step % 2];
  float* next = work.buffers[1 - step % 2];
  for (std::int64_t c = 0; c < padded(work.width); c += kTileColumns)
    for (std::int64_t r = block * kBlock; r < (block + 1) * kBlock; r += kTileRows) {
      Tile tile;
      clear(tile);
      multiply_add<false>(y + r * work.stride, work.stride, work.polynomial + c, work.stride,
                          work.width, tile);
      each_vector(tile, [&](int j, std::int64_t k, Vector sum) {
        hn::StoreU(sum, d, next + (r + j) * work.stride + c + k);
      });
    }
}

void store(const Orthogonalization& work, std::int64_t block) {
  const NewtonSchulzMatrix& matrix = work.matrix;
  const float* y = work.buffers[work.rule.steps % 2];
  float turned[kBlock * kBlock];
  for (std::int64_t c = 0; c < work.width; c += kBlock) { // a block of Y, and where it belongs
    const float* from = y + block * kBlock * work.stride + c;
    std::int64_t stride = work.stride, row = block * kBlock, column = c;
    if (work.wide) {
      transpose(from, work.stride, kBlock, kBlock, turned, kBlock);
      from = turned;
      stride = kBlock;
      std::swap(row, column);
    }
    const std::int64_t rows = std::min(kBlock, matrix.rows - row);
    const std::int64_t columns = std::min(kBlock, matrix.columns - column);
    for (std::int64_t r = 0; r < rows; ++r) {
      float* to = matrix.target + (row + r) * matrix.columns + column;
      for (std::int64_t k = 0; k < columns; ++k)
        to[k] = matrix.scale * from[r * stride + k] + (matrix.add ? to[k] : 0);
    }
  }
}

void run_phase(const Orthogonalization& work, Phase phase, int step, std::int64_t begin,
               std::int64_t end) {
  for (std::int64_t block = begin; block < end; ++block)
    switch (phase) {
    case Phase::load:
      load(work);
      break;
    case Phase::gram:
      gram(work, step, block);
      break;
    case Phase::polynomial:
      polynomial(work, step, block);
      break;
    case Phase::multiply:
      multiply(work, step, block);
      break;
    case Phase::store:
      store(work, block);
      break;
    }
}

} // namespace peakbench::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace peakbench::kernels {

HWY_EXPORT(run_phase);

namespace {

// Two matrices of 128 x 128.
constexpr std::int64_t kSharedFloats = 2 * 3 * 128 * (128 + 16);

std::int64_t blocks(const Orthogonalization& work, Phase phase) {
  switch (phase) {
  case Phase::load:
    return 1;
  case Phase::gram:
  case Phase::polynomial:
    return work.symmetric();
  case Phase::multiply:
  case Phase::store:
    return work.rows();
  }
  return 0;
}

// each(phase, step) in order.
template <typename Each>
void each_phase(const NewtonSchulzRule& rule, const Each& each) {
  each(Phase::load, 0);
  for (int step = 0; step < rule.steps; ++step)
    for (const Phase phase : {Phase::gram, Phase::polynomial, Phase::multiply})
      each(phase, step);
  each(Phase::store, 0);
}

void run_alone(const Orthogonalization& work) {
  each_phase(work.rule, [&](Phase phase, int step) {
    HWY_DYNAMIC_DISPATCH(run_phase)(work, phase, step, 0, blocks(work, phase));
  });
}

// All threads on a few matrices of one shape, phase by phase.
void run_together(std::span<const Orthogonalization> works) {
  each_phase(works[0].rule, [&](Phase phase, int step) {
    const std::int64_t each = blocks(works[0], phase);
    const auto total = static_cast<std::int64_t>(works.size()) * each;
    at::parallel_for(0, total, 1, [&](std::int64_t begin, std::int64_t end) {
      while (begin < end) {
        const std::int64_t first = begin % each, last = std::min(first + end - begin, each);
        HWY_DYNAMIC_DISPATCH(run_phase)
        (works[static_cast<std::size_t>(begin / each)], phase, step, first, last);
        begin += last - first;
      }
    });
  });
}

// Matrices of one shape in `slots` pieces of memory. Threads that have a matrix each are done
// together; what is left over, and what there are too many threads for, is shared out by blocks.
void run_shape(std::span<const NewtonSchulzMatrix> matrices, const NewtonSchulzRule& rule,
               std::int64_t slots, float* workspace) {
  const std::int64_t floats = Orthogonalization::floats(matrices[0]);
  const auto work = [&](std::int64_t i, std::int64_t slot) {
    return Orthogonalization(matrices[static_cast<std::size_t>(i)], rule,
                             workspace + slot * floats);
  };
  const auto count = static_cast<std::int64_t>(matrices.size());
  const std::int64_t threads = at::get_num_threads();
  const bool tiny = std::min(matrices[0].rows, matrices[0].columns) < kBlock;
  const std::int64_t workers = tiny ? 1 : std::min(threads, slots);
  const std::int64_t alone = threads > slots && !tiny ? 0 : count / workers * workers;
  at::parallel_for(0, alone == 0 ? 0 : workers, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t slot = begin; slot < end; ++slot)
      for (std::int64_t i = slot; i < alone; i += workers)
        run_alone(work(i, slot));
  });
  for (std::int64_t i = alone; i < count; i += slots) {
    std::vector<Orthogonalization> works;
    for (std::int64_t slot = 0; slot < std::min(slots, count - i); ++slot)
      works.push_back(work(i + slot, slot));
    run_together(works);
  }
}

// How many matrices from the first on have its shape, and how many of them are worked on at a time.
struct Run {
  std::size_t count;
  std::int64_t slots, floats;
};
Run first_run(std::span<const NewtonSchulzMatrix> matrices) {
  Run run{1, 0, Orthogonalization::floats(matrices[0])};
  while (run.count < matrices.size() && matrices[run.count].rows == matrices[0].rows &&
         matrices[run.count].columns == matrices[0].columns)
    ++run.count;
  run.slots =
      std::clamp<std::int64_t>(kSharedFloats / run.floats, 1, static_cast<std::int64_t>(run.count));
  return run;
}

} // namespace

std::int64_t newton_schulz_floats(std::span<const NewtonSchulzMatrix> matrices) {
  std::int64_t most = 0;
  for (; !matrices.empty(); matrices = matrices.subspan(first_run(matrices).count)) {
    const Run run = first_run(matrices);
    most = std::max(most, run.slots * run.floats);
  }
  return most;
}

void newton_schulz(std::span<const NewtonSchulzMatrix> matrices, const NewtonSchulzRule& rule,
                   float* workspace) {
  for (; !matrices.empty(); matrices = matrices.subspan(first_run(matrices).count)) {
    const Run run = first_run(matrices);
    run_shape(matrices.first(run.count), rule, run.slots, workspace);
  }
}

} // namespace peakbench::kernels
#endif // HWY_ONCE
