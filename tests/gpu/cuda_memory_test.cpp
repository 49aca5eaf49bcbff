#include "measure/cuda_memory.h"

#include <ATen/ATen.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <gtest/gtest.h>

#include <numeric>
#include <thread>

#include "base/error.h"
#include "measure/self_check.h"
#include "measure/trial.h"

namespace peakbench::measure {
namespace {

// Multiples of 512 bytes up to 1 MiB: sizes that the caching allocator does not round.
constexpr std::int64_t kBlock = 512 * 1024;

std::int64_t sum(const TagBytes& by_tag) {
  return std::accumulate(by_tag.begin(), by_tag.end(), std::int64_t{0});
}

at::Tensor bytes(std::int64_t count) {
  return at::empty({count}, at::TensorOptions().dtype(at::kByte).device(at::kCUDA, 0));
}

class CudaMemoryTest : public ::testing::Test {
protected:
  void SetUp() override {
    if (!at::hasCUDA())
      GTEST_SKIP() << "needs a GPU that CUDA can use (at::hasCUDA() is false)";
    memory_ = &DeviceMemory::of(c10::Device(at::kCUDA, 0));
  }
  DeviceMemory* memory_ = nullptr;
};

TEST_F(CudaMemoryTest, PassesTheUsersCheck) {
  for (const Check& check : check_memory_tracking(*memory_))
    EXPECT_TRUE(check.passed) << check.name << ": " << check.expected << ", " << check.measured;
}

// The published bug, on the device where it was published.
TEST_F(CudaMemoryTest, APeakReadAfterTheMemoryWasFreedIsNotZero) {
  const MemoryScope scope(*memory_);
  { const at::Tensor freed = bytes(kBlock); }
  EXPECT_EQ(scope.read().peak_bytes, kBlock);
  EXPECT_EQ(scope.read().live_bytes, 0); // what was published
}

TEST_F(CudaMemoryTest, PeaksAreThoseOfTheCachingAllocator) {
  namespace allocator = c10::cuda::CUDACachingAllocator;
  const MemoryScope scope(*memory_); // resets the allocator's peak
  {
    const at::Tensor odd = bytes(104729), large = bytes(37'000'001);
    at::Tensor product =
        at::matmul(at::ones({512, 512}, large.device()), at::ones({512, 512}, large.device()));
  }
  memory_->synchronize();
  const auto stat = allocator::getDeviceStats(0).allocated_bytes[0];
  const MemoryReading reading = scope.read();
  EXPECT_EQ(reading.start.total + reading.peak_bytes, stat.peak);
  EXPECT_EQ(reading.start.total + reading.live_bytes, stat.current);
  EXPECT_EQ(sum(reading.peak_by_tag), reading.peak_bytes);
}

TEST_F(CudaMemoryTest, NestedScopesHaveTheirOwnPeaks) {
  const MemoryScope outer(*memory_);
  { const at::Tensor step = bytes(2 * kBlock); }
  {
    const at::Tensor kept = bytes(kBlock);
    const MemoryScope inner(*memory_);
    { const at::Tensor step = bytes(kBlock); }
    EXPECT_EQ(inner.read().peak_bytes, kBlock);
    EXPECT_EQ(outer.read().peak_bytes, 2 * kBlock);
    { const at::Tensor first = bytes(kBlock), second = bytes(kBlock); }
    EXPECT_EQ(outer.read().peak_bytes, 3 * kBlock) << "also before the inner one closes";
  }
  EXPECT_EQ(outer.read().peak_bytes, 3 * kBlock);
}

TEST_F(CudaMemoryTest, TagsFollowTheBlockAndTheThread) {
  const LiveBytes before = memory_->live();
  const MemoryScope scope(*memory_);
  at::Tensor weights;
  std::thread([&] {
    const TagScope tag(Tag::weights);
    weights = bytes(2 * kBlock);
  }).join();
  {
    const TagScope tag(Tag::kv_cache);
    bytes(kBlock);
  }
  const MemoryReading reading = scope.read();
  EXPECT_EQ(reading.peak_by_tag[index_of(Tag::weights)], 2 * kBlock);
  EXPECT_EQ(reading.peak_by_tag[index_of(Tag::kv_cache)], kBlock);
  EXPECT_EQ(reading.peak_by_tag[index_of(Tag::workspace)], 0);
  EXPECT_EQ(reading.allocations, 2);
  weights.reset();
  EXPECT_EQ(memory_->live().by_tag, before.by_tag);
}

// A backward pass runs on a thread of the device, which must know the tag of the caller.
TEST_F(CudaMemoryTest, GradientsGetTheTagOfTheBackwardPass) {
  const at::Tensor weights = at::ones({512, 512}, at::TensorOptions(at::kCUDA).requires_grad(true));
  const at::Tensor loss = weights.mul(2).sum(); // []
  const MemoryScope scope(*memory_);
  {
    const TagScope tag(Tag::gradients);
    loss.backward();
  }
  EXPECT_GE(memory_->live().by_tag[index_of(Tag::gradients)] -
                scope.read().start.by_tag[index_of(Tag::gradients)],
            512 * 512 * 4);
}

TEST_F(CudaMemoryTest, TheSameWorkNeedsTheSamePeak) {
  const auto work = [] {
    const at::Tensor x = at::ones({300, 700}, at::kCUDA); // [300, 700]
    at::softmax(at::matmul(x, x.t()), -1);                // [300, 300]
    at::linear(x.to(at::kBFloat16), x.to(at::kBFloat16)); // [300, 300]
  };
  const TrialResult result =
      run_trials({.warm_up = 2, .min = 4, .max = 4, .interval = -1}, *memory_, Deadline(), work);
  EXPECT_TRUE(result.memory_repeats);
  EXPECT_GT(result.largest().memory.peak_bytes, 0);
}

TEST_F(CudaMemoryTest, TheDeviceHoldsMoreThanTheTensors) {
  const at::Tensor some = bytes(kBlock);
  EXPECT_GT(memory_->device_used_bytes(), memory_->live().total);
}

TEST_F(CudaMemoryTest, ReleasingUnusedMemoryGivesItBackToTheDevice) {
  { const at::Tensor large = bytes(512 << 20); }
  const std::int64_t used = memory_->device_used_bytes();
  memory_->release_unused();
  EXPECT_LE(memory_->device_used_bytes(), used - (512 << 20));
}

TEST_F(CudaMemoryTest, MoreThanTheDeviceHasIsOutOfMemory) {
  const MemoryScope scope(*memory_);
  EXPECT_THROW(bytes(std::int64_t{1} << 45), c10::OutOfMemoryError);
  EXPECT_EQ(scope.read().peak_bytes, 0);
}

TEST_F(CudaMemoryTest, ADeviceThatIsNotThereIsAUsersError) {
  EXPECT_THROW(cuda_memory(127), UserError);
  EXPECT_THROW(cuda_memory(-1), UserError);
}

TEST(CudaMemoryWithoutGpu, IsAUsersError) {
  if (at::hasCUDA())
    GTEST_SKIP() << "this machine has a GPU";
  EXPECT_THROW(cuda_memory(0), UserError);
}

} // namespace
} // namespace peakbench::measure
