// What kernels of ours need of a GPU beyond CUDA C++, as thin functions: asynchronous copies,
// matrix fragments, matrix products, and shared memory. Under nvcc they are inline PTX (sm_80 and
// later). Without it, tests include support/cuda_on_cpu.h first, which has the same functions for
// the CPU, and run the same kernels.
#pragma once

#include <cstdint>

#if defined(__CUDACC__)
#include <cooperative_groups.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#define PEAKBENCH_UNROLL _Pragma("unroll")
#define PEAKBENCH_PRAGMA(TEXT) _Pragma(#TEXT)
#define PEAKBENCH_UNROLL_BY(COUNT) PEAKBENCH_PRAGMA(unroll COUNT)

namespace peakbench::kernels::device {

using Bfloat16 = __nv_bfloat16;
using Float16 = __half;

__device__ inline unsigned char* dynamic_shared() {
  extern __shared__ __align__(16) unsigned char memory[];
  return memory;
}
__device__ inline unsigned shared_address(const void* pointer) {
  return static_cast<unsigned>(__cvta_generic_to_shared(pointer));
}
// All accesses to shared memory but those of the functions below go through these two, so that the
// CPU can watch them.
template <typename X>
__device__ inline X load_shared(const X* from) {
  return *from;
}
template <typename X>
__device__ inline void store_shared(X* to, X value) {
  *to = value;
}

// 16 bytes from global into shared memory, zeros if they are not `there`; both aligned.
__device__ inline void copy_async(void* to, const void* from, bool there) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;\n" ::"r"(shared_address(to)),
               "l"(from), "r"(there ? 16 : 0)
               : "memory");
}
__device__ inline void copy_async_commit() {
  asm volatile("cp.async.commit_group;\n" ::: "memory");
}
// Until all of this thread's groups but the last `kPending` have arrived.
template <int kPending>
__device__ inline void copy_async_wait() {
  asm volatile("cp.async.wait_group %0;\n" ::"n"(kPending) : "memory");
}

// 4 bytes of the same.
__device__ inline void copy_async_word(void* to, const void* from, bool there) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;\n" ::"r"(shared_address(to)),
               "l"(from), "r"(there ? 4 : 0)
               : "memory");
}

// For cooperative launches. Global memory that other blocks of the launch write is read and written
// with these two (past the first-level caches), so that the CPU can watch it.
template <typename X>
__device__ inline X load_global(const X* from) {
  return __ldcg(from);
}
template <typename X>
__device__ inline void store_global(X* to, X value) {
  __stcg(to, value);
}
// All threads of all blocks.
__device__ inline void grid_barrier() { cooperative_groups::this_grid().sync(); }
// From one thread of a block to one of another: what the block wrote before its last barrier is
// seen by who awaits at least this value, and by its block behind the next barrier.
__device__ inline void signal(std::int32_t* flag, std::int32_t value) {
  __threadfence();
  asm volatile("st.release.gpu.global.s32 [%0], %1;\n" ::"l"(flag), "r"(value) : "memory");
}
__device__ inline void await(const std::int32_t* flag, std::int32_t least) {
  std::int32_t now;
  do
    asm volatile("ld.acquire.gpu.global.s32 %0, [%1];\n" : "=r"(now) : "l"(flag) : "memory");
  while (now < least);
}
// A flag before anybody looks, and one that any number of threads may raise to 1.
__device__ inline void reset(std::int32_t* flag) { __stcg(flag, 0); }
__device__ inline void raise(std::int32_t* flag) { atomicExch(flag, 1); }

// A cluster of blocks that see each other's shared memory; below sm_90, of one block.
__device__ inline int cluster_rank() {
#if __CUDA_ARCH__ >= 900
  unsigned rank;
  asm("mov.u32 %0, %%cluster_ctarank;\n" : "=r"(rank));
  return static_cast<int>(rank);
#else
  return 0;
#endif
}
// A barrier in two halves: writes before the first half are seen behind the second.
__device__ inline void cluster_arrive() {
#if __CUDA_ARCH__ >= 900
  asm volatile("barrier.cluster.arrive.release;\n" ::: "memory");
#endif
}
__device__ inline void cluster_wait() {
#if __CUDA_ARCH__ >= 900
  asm volatile("barrier.cluster.wait.acquire;\n" ::: "memory");
#else
  __syncthreads();
#endif
}
// To the place in the shared memory of block `rank` of the cluster that `to` is in this block's.
__device__ inline void store_cluster(float* to, int rank, float value) {
#if __CUDA_ARCH__ >= 900
  unsigned address;
  asm volatile("mapa.shared::cluster.u32 %0, %1, %2;\n"
               : "=r"(address)
               : "r"(shared_address(to)), "r"(rank));
  asm volatile("st.shared::cluster.f32 [%0], %1;\n" ::"r"(address), "f"(value) : "memory");
#else
  *to = value;
#endif
}

// Four 8x8 matrices of 16-bit elements: lane i names row i % 8 of matrix i / 8 and gets elements
// 2 (i % 4) and the next of row i / 4 of each (of column i / 4 where transposed).
__device__ inline void load_matrices(unsigned (&to)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];\n"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(shared_address(row))
               : "memory");
}
__device__ inline void load_matrices_transposed(unsigned (&to)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];\n"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(shared_address(row))
               : "memory");
}

// sum [16, 8] += a [16, 16] b [16, 8]. With g = lane / 4 and c = 2 (lane % 4), a lane holds
// of a: rows g, g + 8, g, g + 8 at columns c, c, c + 8, c + 8 (and the next column each);
// of b: rows c and c + 8 (and the next row each) of column g;
// of sum: row g at columns c, c + 1, row g + 8 at the same.
template <typename T>
__device__ inline void multiply_add(float (&sum)[4], const unsigned (&a)[4], unsigned b0,
                                    unsigned b1);
#define PEAKBENCH_MULTIPLY_ADD(T, NAME)                                                            \
  template <>                                                                                      \
  __device__ inline void multiply_add<T>(float(&sum)[4], const unsigned(&a)[4], unsigned b0,       \
                                         unsigned b1) {                                            \
    asm("mma.sync.aligned.m16n8k16.row.col.f32." NAME "." NAME ".f32 "                             \
        "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};\n"                                  \
        : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])                                   \
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));                           \
  }
PEAKBENCH_MULTIPLY_ADD(Bfloat16, "bf16")
PEAKBENCH_MULTIPLY_ADD(Float16, "f16")
#undef PEAKBENCH_MULTIPLY_ADD

__device__ inline float to_float(float value) { return value; }
__device__ inline float to_float(Bfloat16 value) { return __bfloat162float(value); }
__device__ inline float to_float(Float16 value) { return __half2float(value); }
template <typename T>
__device__ inline T from_float(float value) {
  return value;
}
template <>
__device__ inline Bfloat16 from_float(float value) {
  return __float2bfloat16_rn(value);
}
template <>
__device__ inline Float16 from_float(float value) {
  return __float2half_rn(value);
}

} // namespace peakbench::kernels::device

#elif !defined(PEAKBENCH_CUDA_ON_CPU)
#error "Kernels are compiled by nvcc, or by a test that includes support/cuda_on_cpu.h first"
#endif

namespace peakbench::kernels::device {

constexpr unsigned kAllLanes = 0xFFFFFFFFU;

// Two neighbours of a row as one register of 16-bit elements.
template <typename T>
__device__ inline unsigned pack(float first, float second) {
  union {
    T halves[2];
    unsigned word;
  } both = {{from_float<T>(first), from_float<T>(second)}};
  static_assert(sizeof(T) == 2, "two of them fill a register");
  return both.word;
}

__device__ inline float warp_max(float value) {
  for (int offset = 16; offset > 0; offset /= 2)
    value = fmaxf(value, __shfl_xor_sync(kAllLanes, value, offset));
  return value;
}
__device__ inline float warp_sum(float value) {
  for (int offset = 16; offset > 0; offset /= 2)
    value += __shfl_xor_sync(kAllLanes, value, offset);
  return value;
}

} // namespace peakbench::kernels::device
