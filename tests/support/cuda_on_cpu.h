// Runs the kernels of kernels/*.cuh on the CPU, so that tests on any machine run the very code that
// nvcc compiles. To be included before the first .cuh.
//
// A launch does one block after the other, a cooperative one (launch_together) all of them side by
// side, in either order. Threads are fibers of one CPU thread, each run until it has to wait for
// others; barriers, shuffles, ldmatrix and mma.sync (m16n8k16) are done when the last of their
// threads has come.
// It throws, and so fails the test, when
// - shared memory is read that nothing wrote, that a copy has not reached yet, or that another
//   thread wrote since the last barrier (so a barrier is missing, whether or not it showed);
// - shared memory is written that another thread has read or written since the last barrier;
// - a block reads or writes what another block of its cluster wrote or used since the cluster's
// last
//   barrier, or writes to one that may not have begun or has left;
// - a block of a cooperative launch reads or writes global memory that another one wrote or used,
//   and no chain of barriers and flags lies in between (support/cuda_grid.h);
// - threads wait for others that never come, come to different barriers, or have left;
// - an access to shared memory is out of bounds or not aligned, or a copy is never waited for.
// It counts bank conflicts of ldmatrix. Under the address sanitizer, accesses to global memory are
// watched as those of any program.
// It cannot show races between blocks that do not wait for each other, or that missing barriers of
// a block in front of a flag cause, what depends on warps running side by side, the rounding of
// the tensor cores and of exp2f, bank conflicts of plain accesses, limits of the hardware
// (registers, memory of a block, grids), errors in the inline PTX of kernels/device.cuh, or any
// time. A GPU shows those (tests/gpu).
#pragma once

#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <cmath>

#include "support/cuda_grid.h"

#define PEAKBENCH_CUDA_ON_CPU
#define PEAKBENCH_UNROLL
#define PEAKBENCH_UNROLL_BY(COUNT)
#define __device__

struct alignas(8) float2 {
  float x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline float rsqrtf(float value) { return 1 / std::sqrt(value); }

namespace peakbench::testing::cuda {

// What a lane brings to a shuffle or vote.
template <class X>
struct Exchanged {
  X mine;
  int from; // whose value it wants
  X got;
};
template <class X>
X exchange(X mine, int from, Where where) {
  Exchanged<X> lane{mine, from, {}};
  block().together(&lane, where, [](const std::vector<void*>& lanes) {
    for (void* each : lanes) {
      auto& one = *static_cast<Exchanged<X>*>(each);
      one.got = static_cast<Exchanged<X>*>(lanes[static_cast<std::size_t>(one.from) % 32])->mine;
    }
  });
  return lane.got;
}
inline int lane_index() { return static_cast<int>(threadIdx.x) % 32; }

// The bits of a 16-bit number as T.
template <class T>
float number(unsigned word, int half) {
  const auto bits = static_cast<std::uint16_t>(half == 0 ? word & 0xFFFFU : word >> 16);
  return static_cast<float>(T(bits, T::from_bits()));
}

// A lane's part of m16n8k16, where its elements are told in kernels/device.cuh.
struct Fragments {
  float* sum;
  const unsigned* a;
  unsigned b[2];
};
template <class T>
void multiply_fragments(const std::vector<void*>& lanes) {
  float a[16][16], b[16][8];
  const auto fragments = [&](int lane) -> Fragments& {
    return *static_cast<Fragments*>(lanes[static_cast<std::size_t>(lane)]);
  };
  for (int lane = 0; lane < 32; ++lane) {
    const int g = lane / 4, c = lane % 4 * 2;
    for (int i = 0; i < 4; ++i)
      for (int half = 0; half < 2; ++half)
        a[g + i % 2 * 8][c + i / 2 * 8 + half] = number<T>(fragments(lane).a[i], half);
    for (int i = 0; i < 2; ++i)
      for (int half = 0; half < 2; ++half)
        b[c + i * 8 + half][g] = number<T>(fragments(lane).b[i], half);
  }
  for (int lane = 0; lane < 32; ++lane)
    for (int i = 0; i < 4; ++i)
      for (int k = 0; k < 16; ++k)
        fragments(lane).sum[i] += a[lane / 4 + i / 2 * 8][k] * b[k][lane % 4 * 2 + i % 2];
}

struct Rows {
  const unsigned char* row;
  unsigned* to;
};
inline void load_rows(const void* row, unsigned (&to)[4], bool transposed, Where where) {
  block().read(row, 16, where);
  Rows mine{static_cast<const unsigned char*>(row), to};
  block().together(&mine, where, [&](const std::vector<void*>& lanes) {
    const auto rows = [&](int lane) -> Rows& {
      return *static_cast<Rows*>(lanes[static_cast<std::size_t>(lane)]);
    };
    for (int matrix = 0; matrix < 4; ++matrix) {
      std::uint16_t element[8][8];
      int banks[8] = {};
      for (int i = 0; i < 8; ++i) {
        std::memcpy(element[i], rows(matrix * 8 + i).row, 16);
        const auto bank = (rows(matrix * 8 + i).row - block().memory()) / 16 % 8;
        block().bank_conflicts += banks[bank]++ > 0 ? 1 : 0;
      }
      for (int lane = 0; lane < 32; ++lane) {
        const int r = lane / 4, c = lane % 4 * 2;
        const unsigned low = transposed ? element[c][r] : element[r][c];
        const unsigned high = transposed ? element[c + 1][r] : element[r][c + 1];
        rows(lane).to[matrix] = low | high << 16;
      }
    }
  });
}

} // namespace peakbench::testing::cuda

inline void __syncthreads(std::source_location where = std::source_location::current()) {
  peakbench::testing::cuda::block().barrier(where);
}
inline void __syncwarp(unsigned = 0xFFFFFFFFU,
                       std::source_location where = std::source_location::current()) {
  peakbench::testing::cuda::block().warp_barrier(where);
}
template <class X>
X __shfl_sync(unsigned, X value, int lane,
              std::source_location where = std::source_location::current()) {
  return peakbench::testing::cuda::exchange(value, lane, where);
}
template <class X>
X __shfl_xor_sync(unsigned, X value, int mask,
                  std::source_location where = std::source_location::current()) {
  return peakbench::testing::cuda::exchange(value, peakbench::testing::cuda::lane_index() ^ mask,
                                            where);
}

namespace peakbench::kernels::device {

namespace cpu = peakbench::testing::cuda;
using Bfloat16 = c10::BFloat16;
using Float16 = c10::Half;
using std::isfinite;

inline unsigned char* dynamic_shared() { return cpu::block().memory(); }
template <class X>
X load_shared(const X* from, cpu::Where where = cpu::Where::current()) {
  cpu::block().read(from, sizeof(X), where);
  return *from;
}
template <class X>
struct Same {
  using type = X;
};
template <class X>
void store_shared(X* to, typename Same<X>::type value, cpu::Where where = cpu::Where::current()) {
  cpu::block().write(to, sizeof(X), where);
  *to = value;
}
inline void copy_async(void* to, const void* from, bool there,
                       cpu::Where where = cpu::Where::current()) {
  if (there)
    cpu::watch_read(from, 16, where);
  cpu::block().copy(to, from, there, where);
}
inline void copy_async_word(void* to, const void* from, bool there,
                            cpu::Where where = cpu::Where::current()) {
  if (there)
    cpu::watch_read(from, 4, where);
  cpu::block().copy(to, from, there, where, 4);
}
inline void copy_async_commit() { cpu::block().commit(); }
template <int kPending>
void copy_async_wait() {
  cpu::block().wait(kPending);
}
template <class X>
X load_global(const X* from, cpu::Where where = cpu::Where::current()) {
  cpu::watch_read(from, sizeof(X), where);
  return *from;
}
template <class X>
void store_global(X* to, typename Same<X>::type value, cpu::Where where = cpu::Where::current()) {
  cpu::watch_write(to, sizeof(X), where);
  *to = value;
}
inline void grid_barrier(cpu::Where where = cpu::Where::current()) {
  cpu::block().grid_barrier(where,
                            [](const auto& all) { cpu::GlobalWatch::running()->barrier(all); });
}
inline void signal(std::int32_t* flag, std::int32_t value) {
  cpu::GlobalWatch::running()->signal(flag);
  *flag = value;
  cpu::block().progress();
}
inline void await(const std::int32_t* flag, std::int32_t least,
                  cpu::Where where = cpu::Where::current()) {
  cpu::block().wait_until([&] { return *flag >= least; }, where);
  cpu::GlobalWatch::running()->await(flag);
}
inline void reset(std::int32_t* flag) { *flag = 0; }
inline void raise(std::int32_t* flag) { *flag = 1; }
inline int cluster_rank() { return cpu::block().rank; }
inline void cluster_arrive(cpu::Where where = cpu::Where::current()) {
  cpu::block().cluster_arrive(where, [](const auto& all) {
    if (cpu::GlobalWatch* watch = cpu::GlobalWatch::running())
      watch->barrier(all);
  });
}
inline void cluster_wait(cpu::Where where = cpu::Where::current()) {
  cpu::block().cluster_wait(where);
}
inline void store_cluster(float* to, int rank, float value,
                          cpu::Where where = cpu::Where::current()) {
  cpu::block().write_to(rank, to, value, where);
}
inline void load_matrices(unsigned (&to)[4], const void* row,
                          cpu::Where where = cpu::Where::current()) {
  cpu::load_rows(row, to, false, where);
}
inline void load_matrices_transposed(unsigned (&to)[4], const void* row,
                                     cpu::Where where = cpu::Where::current()) {
  cpu::load_rows(row, to, true, where);
}
template <class T>
void multiply_add(float (&sum)[4], const unsigned (&a)[4], unsigned b0, unsigned b1,
                  cpu::Where where = cpu::Where::current()) {
  cpu::Fragments mine{sum, a, {b0, b1}};
  cpu::block().together(&mine, where, cpu::multiply_fragments<T>);
}
template <class T>
float to_float(T value) {
  return static_cast<float>(value);
}
template <class T>
T from_float(float value) {
  return static_cast<T>(value);
}

} // namespace peakbench::kernels::device
