// The tool that runs the GPU's kernels on the CPU: that it computes what a GPU would, and that it
// sees the mistakes it promises to see.
#include "support/cuda_on_cpu.h"

#include <gmock/gmock.h>

#include <random>

#include "kernels/device.cuh"

namespace peakbench::testing {
namespace {

using kernels::device::Bfloat16;
using kernels::device::Float16;
namespace device = kernels::device;

int thread() { return static_cast<int>(threadIdx.x); }
float* shared() { return reinterpret_cast<float*>(device::dynamic_shared()); }

// What the failure of a launch of 64 threads says; empty if it did not fail.
std::string failure(const std::function<void()>& kernel, std::size_t bytes = 1024) {
  try {
    cuda::launch({1}, {64}, bytes, kernel);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

TEST(CudaOnCpu, ThreadsExchangeThroughSharedMemory) {
  std::vector<float> out(3 * 64);
  cuda::launch({3}, {64}, 1024, [&] {
    device::store_shared(&shared()[thread()], static_cast<float>(thread() * thread()));
    __syncthreads();
    out[blockIdx.x * 64 + threadIdx.x] = device::load_shared(&shared()[63 - thread()]);
  });
  for (int i = 0; i < 3 * 64; ++i)
    EXPECT_EQ(out[static_cast<std::size_t>(i)], static_cast<float>((63 - i % 64) * (63 - i % 64)));
}

TEST(CudaOnCpu, ShufflesGoBetweenLanes) {
  std::vector<float> sums(64);
  cuda::launch({1}, {64}, 0,
               [&] { sums[threadIdx.x] = device::warp_sum(static_cast<float>(thread())); });
  EXPECT_EQ(sums[0], 31 * 16);
  EXPECT_EQ(sums[40], 31 * 16 + 32 * 32);
}

// Whether it shows as a stale value or not depends on who comes first.
const auto race = ::testing::AnyOf(::testing::HasSubstr("since the last barrier"),
                                   ::testing::HasSubstr("nothing wrote"));

TEST(CudaOnCpu, SeesMissingBarriers) {
  const auto from_another_warp = [](auto wait) {
    return failure([&] {
      device::store_shared(&shared()[thread()], 1.0F);
      wait();
      device::load_shared(&shared()[(thread() + 32) % 64]);
    });
  };
  EXPECT_EQ(from_another_warp([] { __syncthreads(); }), "");
  EXPECT_THAT(from_another_warp([] {}), race);
  EXPECT_THAT(from_another_warp([] { __syncwarp(); }), race);

  const auto from_the_same_warp = [](auto wait) {
    return failure([&] {
      device::store_shared(&shared()[thread()], 1.0F);
      wait();
      device::load_shared(&shared()[thread() ^ 1]);
    });
  };
  EXPECT_EQ(from_the_same_warp([] { __syncwarp(); }), "");
  EXPECT_THAT(from_the_same_warp([] {}), race);

  const auto written_over = [](auto wait) {
    return failure([&] {
      if (thread() == 0)
        device::store_shared(&shared()[0], 1.0F);
      __syncthreads();
      device::load_shared(&shared()[0]);
      wait();
      if (thread() == 63)
        device::store_shared(&shared()[0], 2.0F);
    });
  };
  EXPECT_EQ(written_over([] { __syncthreads(); }), "");
  EXPECT_THAT(written_over([] {}), race);
}

TEST(CudaOnCpu, SeesMemoryThatNobodyWrote) {
  EXPECT_THAT(failure([] {
                device::store_shared(&shared()[thread()], 1.0F);
                device::load_shared(&shared()[thread() + 64]);
              }),
              ::testing::HasSubstr("nothing wrote"));
}

TEST(CudaOnCpu, SeesAccessesThatAreOutOfPlace) {
  EXPECT_THAT(failure([] { device::store_shared(&shared()[thread() + 200], 1.0F); }),
              ::testing::HasSubstr("outside"));
  EXPECT_THAT(failure([] {
                device::store_shared(reinterpret_cast<float2*>(&shared()[3 * thread()]),
                                     make_float2(1, 2));
              }),
              ::testing::HasSubstr("not aligned"));
}

TEST(CudaOnCpu, CopiesArriveWhenTheyAreWaitedFor) {
  alignas(16) float from[4] = {1, 2, 3, 4};
  const auto copied = [&](auto wait, bool there) {
    float sum = 0;
    const std::string what = failure([&] {
      if (thread() == 0)
        device::copy_async(shared(), from, there);
      wait();
      if (thread() == 0)
        for (int i = 0; i < 4; ++i)
          sum += device::load_shared(&shared()[i]);
    });
    return what.empty() ? std::to_string(static_cast<int>(sum)) : what;
  };
  const auto right = [] {
    device::copy_async_commit();
    device::copy_async_wait<0>();
  };
  EXPECT_EQ(copied(right, true), "10");
  EXPECT_EQ(copied(right, false), "0");
  EXPECT_THAT(copied([] { device::copy_async_commit(); }, true),
              ::testing::HasSubstr("before the copy has arrived"));
  EXPECT_THAT(copied([] { device::copy_async_wait<0>(); }, true),
              ::testing::HasSubstr("before the copy has arrived"))
      << "not committed";
  EXPECT_THAT(copied(
                  [] {
                    device::copy_async_commit();
                    device::copy_async_wait<1>();
                  },
                  true),
              ::testing::HasSubstr("before the copy has arrived"));
  EXPECT_THAT(failure([&] { device::copy_async(shared() + 4 * thread(), from, true); }),
              ::testing::HasSubstr("nobody waits for"));
}

TEST(CudaOnCpu, SeesThreadsThatDoNotMeet) {
  const auto half_a_warp = [] {
    if (thread() < 20)
      device::warp_sum(1);
  };
  EXPECT_THAT(failure(half_a_warp), ::testing::HasSubstr("do not come"));
  const auto two_barriers = [] {
    if (thread() < 32)
      __syncthreads();
    else
      __syncthreads();
  };
  EXPECT_THAT(failure(two_barriers), ::testing::HasSubstr("wait for each other at line"));
  const auto one_left = [] {
    if (thread() > 0)
      __syncthreads();
  };
  EXPECT_THAT(failure(one_left), ::testing::HasSubstr("barrier"));
}

// a [16, 16] b [16, 8] through shared memory, fragments and one instruction; b as rows of b, or as
// rows of its transpose.
template <class T>
void check_product(bool transposed) {
  std::mt19937 random(3);
  float a[16][16], b[16][8], c[16][8];
  const auto fill = [&](auto& matrix) {
    for (auto& row : matrix)
      for (float& value : row)
        value = static_cast<float>(static_cast<int>(random() % 17) - 8); // exact in every type
  };
  fill(a);
  fill(b);
  constexpr int kPitch = 24; // an odd number of 16 bytes
  const std::int64_t conflicts = cuda::launch({1}, {32}, 2 * 16 * kPitch * sizeof(T), [&] {
    T* const left = reinterpret_cast<T*>(device::dynamic_shared());
    T* const right = left + 16 * kPitch;
    const auto put = [](T* row, int column, float first, float second) {
      device::store_shared(reinterpret_cast<unsigned*>(row + column),
                           device::pack<T>(first, second));
    };
    for (int i = thread(); i < 16 * 8; i += 32)
      put(left + i / 8 * kPitch, i % 8 * 2, a[i / 8][i % 8 * 2], a[i / 8][i % 8 * 2 + 1]);
    for (int i = thread(); i < 16 * 4; i += 32)
      if (transposed) // rows of b
        put(right + i / 4 * kPitch, i % 4 * 2, b[i / 4][i % 4 * 2], b[i / 4][i % 4 * 2 + 1]);
      else // columns of b
        put(right + i / 8 * kPitch, i % 8 * 2, b[i % 8 * 2][i / 8], b[i % 8 * 2 + 1][i / 8]);
    __syncthreads();
    unsigned x[4], y[4];
    const int matrix = thread() / 8, line = thread() % 8;
    device::load_matrices(x, left + (matrix % 2 * 8 + line) * kPitch + matrix / 2 * 8);
    // Two of the four matrices are b's.
    if (transposed)
      device::load_matrices_transposed(y, right + (matrix % 2 * 8 + line) * kPitch);
    else
      device::load_matrices(y, right + line * kPitch + matrix % 2 * 8);
    float sum[4] = {};
    device::multiply_add<T>(sum, x, y[0], y[1]);
    for (int i = 0; i < 4; ++i)
      c[thread() / 4 + i / 2 * 8][thread() % 4 * 2 + i % 2] = sum[i];
  });
  for (int i = 0; i < 16; ++i)
    for (int j = 0; j < 8; ++j) {
      float right = 0;
      for (int k = 0; k < 16; ++k)
        right += a[i][k] * b[k][j];
      EXPECT_EQ(c[i][j], right) << i << ", " << j;
    }
  EXPECT_EQ(conflicts, 0);
}

TEST(CudaOnCpu, FragmentsMultiplyAsMatrices) {
  check_product<Bfloat16>(false);
  check_product<Bfloat16>(true);
  check_product<Float16>(false);
  check_product<Float16>(true);
}

TEST(CudaOnCpu, CountsBankConflicts) {
  const auto conflicts = [](int pitch_bytes) {
    return cuda::launch({1}, {32}, 32 * 256, [&] {
      unsigned char* const row = device::dynamic_shared() + thread() * pitch_bytes;
      for (int i = 0; i < 4; ++i)
        device::store_shared(reinterpret_cast<float*>(row) + i, 0.0F);
      __syncthreads();
      unsigned all[4];
      device::load_matrices(all, row);
    });
  };
  EXPECT_EQ(conflicts(144), 0);
  EXPECT_EQ(conflicts(128), 4 * 7) << "eight rows in the same banks, of four matrices";
  EXPECT_EQ(conflicts(32), 4 * 4);
}

} // namespace
} // namespace peakbench::testing
