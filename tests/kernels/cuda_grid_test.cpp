// Cooperative launches on the CPU: that blocks and clusters work together as on a GPU, and that
// missing waits between them are seen.
#include <gmock/gmock.h>

#include "support/cuda_on_cpu.h"

#include "kernels/device.cuh"

namespace peakbench::testing {
namespace {

namespace device = kernels::device;
using cuda::Order;

constexpr unsigned kBlocks = 6, kThreads = 64;

int thread() { return static_cast<int>(threadIdx.x); }
int number() { return static_cast<int>(blockIdx.x); }
float* shared() { return reinterpret_cast<float*>(device::dynamic_shared()); }

// What the failure of a launch says; empty if it did not fail.
std::string failure(const std::function<void()>& kernel, Order order = Order::forward,
                    unsigned cluster = 1) {
  try {
    cuda::launch_together(kBlocks, cluster, kThreads, 1024, order, kernel);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

constexpr Order kOrders[] = {Order::forward, Order::reverse};
const auto race = ::testing::HasSubstr("and nothing in between");

// Every block hands its number to the next one.
std::string ring(Order order, std::vector<float>& got, const std::function<void(float*)>& wait) {
  std::vector<float> handed(kBlocks, -1);
  got.assign(kBlocks, -1);
  return failure(
      [&] {
        if (thread() == 0)
          device::store_global(&handed[blockIdx.x], static_cast<float>(number()));
        wait(handed.data());
        if (thread() == 1)
          got[blockIdx.x] = device::load_global(&handed[(blockIdx.x + 1) % kBlocks]);
      },
      order);
}

TEST(CudaGrid, BlocksMeetAtTheGridBarrier) {
  for (const Order order : kOrders) {
    std::vector<float> got;
    EXPECT_EQ(ring(order, got, [](float*) { device::grid_barrier(); }), "");
    EXPECT_THAT(got, ::testing::ElementsAre(1, 2, 3, 4, 5, 0));
  }
}

TEST(CudaGrid, SeesAMissingGridBarrier) {
  for (const Order order : kOrders) {
    std::vector<float> got;
    EXPECT_THAT(ring(order, got, [](float*) {}), race);
    EXPECT_THAT(ring(order, got, [](float*) { __syncthreads(); }), race);
  }
}

// Without a watch, blocks in another order would have shown it, too.
TEST(CudaGrid, OrderShowsWhatDependsOnIt) {
  const auto last = [](Order order) {
    int who = -1;
    EXPECT_EQ(failure([&] { who = number(); }, order), "");
    return who;
  };
  EXPECT_EQ(last(Order::forward), static_cast<int>(kBlocks) - 1);
  EXPECT_EQ(last(Order::reverse), 0);
}

TEST(CudaGrid, FlagsCarryWhatWasWrittenBefore) {
  // Block 0 writes, others read once they saw the flag of the block before them: a chain.
  const auto chain = [](Order order, bool wait) {
    std::vector<std::int32_t> flags(kBlocks, 0);
    std::vector<float> got(kBlocks, -1);
    float value = -1;
    const std::string what = failure(
        [&] {
          if (thread() == 0 && number() == 0)
            device::store_global(&value, 7.0F);
          if (thread() == 0) {
            if (number() > 0 && wait)
              device::await(&flags[blockIdx.x - 1], 1);
            device::signal(&flags[blockIdx.x], 1);
          }
          __syncthreads();
          if (thread() == 5)
            got[blockIdx.x] = device::load_global(&value);
        },
        order);
    return what.empty() ? std::to_string(static_cast<int>(got.back())) : what;
  };
  for (const Order order : kOrders) {
    EXPECT_EQ(chain(order, true), "7");
    EXPECT_THAT(chain(order, false), race);
  }
}

TEST(CudaGrid, SeesAnOverwriteThatDoesNotWaitForReaders) {
  for (const Order order : kOrders)
    for (const bool wait : {true, false}) {
      float value = 1;
      const std::string what = failure(
          [&] {
            if (thread() == 0)
              device::load_global(&value);
            if (wait)
              device::grid_barrier();
            if (thread() == 0 && number() == 3)
              device::store_global(&value, 2.0F);
          },
          order);
      if (wait)
        EXPECT_EQ(what, "");
      else
        EXPECT_THAT(what, race);
    }
}

TEST(CudaGrid, SeesBlocksThatDoNotCome) {
  std::int32_t flag = 0;
  EXPECT_THAT(failure([&] {
                if (thread() == 0 && number() == 2)
                  device::await(&flag, 1);
              }),
              ::testing::HasSubstr("do not come"));
  EXPECT_THAT(failure([] {
                if (number() > 0)
                  device::grid_barrier();
              }),
              ::testing::HasSubstr("barrier"));
}

void barrier_of_cluster() {
  device::cluster_arrive();
  device::cluster_wait();
}

// Clusters of 3: every block writes into the shared memory of the next one of its cluster.
std::string hand_over(Order order, const std::function<void()>& before,
                      const std::function<void()>& after, std::vector<float>& got) {
  got.assign(kBlocks, -1);
  return failure(
      [&] {
        before();
        const int rank = device::cluster_rank();
        if (thread() < 3)
          device::store_cluster(&shared()[thread()], (rank + 1) % 3,
                                static_cast<float>(10 * number() + thread()));
        after();
        if (thread() == 40)
          got[blockIdx.x] = device::load_shared(&shared()[2]);
      },
      order, 3);
}

TEST(CudaGrid, ClustersShareTheirMemory) {
  for (const Order order : kOrders) {
    std::vector<float> got;
    EXPECT_EQ(hand_over(order, barrier_of_cluster, barrier_of_cluster, got), "");
    EXPECT_THAT(got, ::testing::ElementsAre(22, 2, 12, 52, 32, 42));
  }
}

TEST(CudaGrid, SeesMissingBarriersOfAClusterAndOneTooFew) {
  const auto nothing = [] {};
  const auto seen = ::testing::AnyOf(::testing::HasSubstr("since the last barrier of the cluster"),
                                     ::testing::HasSubstr("nothing wrote"),
                                     ::testing::HasSubstr("may not have begun"),
                                     ::testing::HasSubstr("that has left"));
  for (const Order order : kOrders) {
    std::vector<float> got;
    EXPECT_THAT(hand_over(order, nothing, barrier_of_cluster, got), seen);
    EXPECT_THAT(hand_over(order, barrier_of_cluster, nothing, got), seen);
    EXPECT_THAT(hand_over(
                    order, barrier_of_cluster, [] { __syncthreads(); }, got),
                seen);
    // Behind the first half, before the second.
    EXPECT_THAT(hand_over(
                    order, barrier_of_cluster, [] { device::cluster_arrive(); }, got),
                seen);
  }
}

TEST(CudaGrid, SeesWritesOverWhatAnotherBlockStillUses) {
  const auto twice = [](bool wait) {
    return failure(
        [&] {
          barrier_of_cluster();
          device::store_shared(&shared()[thread()], 1.0F);
          if (wait)
            barrier_of_cluster();
          device::store_cluster(&shared()[thread()], (device::cluster_rank() + 1) % 2, 2.0F);
          barrier_of_cluster();
        },
        Order::forward, 2);
  };
  EXPECT_EQ(twice(true), "");
  EXPECT_THAT(twice(false), ::testing::HasSubstr("since the last barrier of the cluster"));
}

TEST(CudaGrid, SeesHalvesOfBarriersThatDoNotFit) {
  EXPECT_THAT(failure([] { device::cluster_arrive(); }, Order::forward, 2),
              ::testing::HasSubstr("has left"));
  EXPECT_THAT(failure([] { device::cluster_wait(); }, Order::forward, 2),
              ::testing::HasSubstr("without an arrival"));
  EXPECT_THAT(failure(
                  [] {
                    device::cluster_arrive();
                    device::cluster_arrive();
                  },
                  Order::forward, 2),
              ::testing::HasSubstr("second arrival"));
  EXPECT_THAT(failure(
                  [] {
                    if (number() % 2 == 0)
                      barrier_of_cluster();
                  },
                  Order::forward, 2),
              ::testing::HasSubstr("do not come"));
  EXPECT_THAT(failure([] { device::store_cluster(shared(), 5, 1.0F); }, Order::forward, 2),
              ::testing::HasSubstr("not in the cluster"));
}

} // namespace
} // namespace peakbench::testing
