#include "measure/memory.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <fstream>
#include <numeric>
#include <thread>

#include "base/error.h"

namespace peakbench::measure {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::int64_t kMegabyte = 1 << 20;

std::int64_t sum(const TagBytes& by_tag) {
  return std::accumulate(by_tag.begin(), by_tag.end(), std::int64_t{0});
}

at::Tensor bytes(std::int64_t count) { return at::empty({count}, at::kByte); }

// c10 keeps the allocator, so the object is one for all tests of a process.
class CpuMemoryTest : public ::testing::Test {
protected:
  DeviceMemory& memory_ = DeviceMemory::of(at::kCPU);
};

// The published bug: memory was read after it was freed, and naive sampling showed 0.00 MB.
TEST_F(CpuMemoryTest, APeakReadAfterTheMemoryWasFreedIsNotZero) {
  const std::int64_t live_before = memory_.live().total;
  const MemoryScope scope(memory_);
  { const at::Tensor freed = bytes(3 * kMegabyte); }
  EXPECT_EQ(scope.read().peak_bytes, 3 * kMegabyte);
  // Negative control: the published reading, of what is live, does show nothing.
  EXPECT_EQ(memory_.live().total - live_before, 0);
  EXPECT_EQ(scope.read().live_bytes, 0);
}

TEST_F(CpuMemoryTest, CountsTheBytesThatWereAskedForWithoutRounding) {
  const MemoryScope scope(memory_);
  const at::Tensor odd = bytes(1), prime = bytes(104729);
  const at::Tensor halves = at::empty({7, 3}, at::kBFloat16); // [7, 3]
  EXPECT_EQ(scope.read().live_bytes, 1 + 104729 + 7 * 3 * 2);
  EXPECT_EQ(scope.read().allocations, 3);
}

TEST_F(CpuMemoryTest, PeakIsBeyondWhatWasLiveAtTheStart) {
  const at::Tensor weights = bytes(5 * kMegabyte);
  const MemoryScope scope(memory_);
  { const at::Tensor step = bytes(kMegabyte); }
  EXPECT_EQ(scope.read().peak_bytes, kMegabyte);
  EXPECT_GE(scope.read().start.total, 5 * kMegabyte);
}

TEST_F(CpuMemoryTest, FreeingWhatWasThereBeforeMakesRoomBelowThePeak) {
  at::Tensor old = bytes(4 * kMegabyte);
  const MemoryScope scope(memory_);
  old.reset();
  const at::Tensor smaller = bytes(kMegabyte);
  EXPECT_EQ(scope.read().peak_bytes, 0);
  EXPECT_EQ(scope.read().live_bytes, -3 * kMegabyte);
}

TEST_F(CpuMemoryTest, APeakIsHighestLiveNotTheSumOfAllocations) {
  const MemoryScope scope(memory_);
  for (int i = 0; i < 10; ++i)
    bytes(kMegabyte);
  EXPECT_EQ(scope.read().peak_bytes, kMegabyte);
  EXPECT_EQ(scope.read().allocations, 10);
}

TEST_F(CpuMemoryTest, ProductsOfMatricesHoldTheirResultOnly) {
  const at::Tensor left = at::ones({300, 200}), right = at::ones({200, 100});
  const MemoryScope scope(memory_);
  const at::Tensor product = at::matmul(left, right); // [300, 100]
  EXPECT_EQ(scope.read().peak_bytes, 300 * 100 * 4);
}

TEST_F(CpuMemoryTest, NestedScopesHaveTheirOwnPeaks) {
  const MemoryScope outer(memory_);
  const at::Tensor kept = bytes(2 * kMegabyte);
  {
    const MemoryScope inner(memory_);
    { const at::Tensor step = bytes(3 * kMegabyte); }
    EXPECT_EQ(inner.read().peak_bytes, 3 * kMegabyte);
    EXPECT_EQ(inner.read().start.total - outer.read().start.total, 2 * kMegabyte);
    // Also before the inner one closes.
    EXPECT_EQ(outer.read().peak_bytes, 5 * kMegabyte);
  }
  { const at::Tensor step = bytes(kMegabyte); }
  EXPECT_EQ(outer.read().peak_bytes, 5 * kMegabyte);
  {
    const MemoryScope inner(memory_);
    { const at::Tensor step = bytes(kMegabyte); }
    EXPECT_EQ(inner.read().peak_bytes, kMegabyte) << "a sibling's peak leaked in";
  }
}

TEST_F(CpuMemoryTest, TagsAreTheCompositionAtTheMomentOfThePeak) {
  const MemoryScope scope(memory_);
  {
    const TagScope outer(Tag::weights);
    const at::Tensor weights = bytes(4 * kMegabyte);
    {
      const TagScope inner(Tag::logits);
      bytes(2 * kMegabyte); // the peak
    }
    const TagScope inner(Tag::kv_cache);
    bytes(kMegabyte); // after it, so not in it
  }
  const MemoryReading reading = scope.read();
  TagBytes expected{};
  expected[index_of(Tag::weights)] = 4 * kMegabyte;
  expected[index_of(Tag::logits)] = 2 * kMegabyte;
  EXPECT_EQ(reading.peak_by_tag, expected);
  EXPECT_EQ(sum(reading.peak_by_tag), reading.peak_bytes);
}

TEST_F(CpuMemoryTest, ABlockKeepsItsTagWhereverItIsFreed) {
  at::Tensor states;
  const LiveBytes before = memory_.live();
  {
    const TagScope tag(Tag::states);
    states = bytes(kMegabyte);
  }
  EXPECT_EQ(memory_.live().by_tag[index_of(Tag::states)],
            before.by_tag[index_of(Tag::states)] + kMegabyte);
  const TagScope other(Tag::logits);
  std::thread([&] { states.reset(); }).join();
  EXPECT_EQ(memory_.live().by_tag, before.by_tag);
}

TEST_F(CpuMemoryTest, TagsFollowTheThread) {
  const MemoryScope scope(memory_);
  const TagScope here(Tag::weights);
  std::thread([] {
    EXPECT_EQ(current_tag(), Tag::workspace);
    bytes(kMegabyte);
  }).join();
  EXPECT_EQ(scope.read().peak_by_tag[index_of(Tag::workspace)], kMegabyte);
  EXPECT_EQ(scope.read().peak_by_tag[index_of(Tag::weights)], 0);
}

TEST_F(CpuMemoryTest, LosesNothingBetweenThreads) {
  constexpr int kThreads = 8, kRounds = 2000;
  const MemoryScope scope(memory_);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread)
    threads.emplace_back([thread] {
      const TagScope tag(static_cast<Tag>(thread));
      at::Tensor kept;
      for (int round = 0; round < kRounds; ++round)
        kept = bytes(1000 + thread);
    });
  for (std::thread& thread : threads)
    thread.join();
  const MemoryReading reading = scope.read();
  EXPECT_EQ(reading.live_bytes, 0);
  EXPECT_EQ(reading.allocations, kThreads * kRounds);
  EXPECT_EQ(sum(reading.peak_by_tag), reading.peak_bytes);
  EXPECT_GE(reading.peak_bytes, 2 * 1000); // the old block goes after the new one is there
  EXPECT_LE(reading.peak_bytes, 2 * kThreads * (1000 + kThreads));
  for (std::size_t tag = 0; tag < kTagCount; ++tag)
    EXPECT_EQ(memory_.live().by_tag[tag], reading.start.by_tag[tag]);
}

// "Exact and equal from repeat to repeat": the operators that the workloads are made of.
class RepeatedWork : public ::testing::TestWithParam<std::pair<const char*, void (*)()>> {};

TEST_P(RepeatedWork, NeedsTheSamePeakToTheByte) {
  at::set_num_threads(2);
  DeviceMemory& memory = DeviceMemory::of(at::kCPU);
  std::int64_t first = 0;
  for (int repeat = 0; repeat < 6; ++repeat) {
    const MemoryScope scope(memory);
    GetParam().second();
    const MemoryReading reading = scope.read();
    if (repeat == 0)
      first = reading.peak_bytes;
    EXPECT_EQ(reading.peak_bytes, first) << "repeat " << repeat;
    EXPECT_GT(reading.peak_bytes, 0);
    EXPECT_EQ(reading.live_bytes, 0);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Operators, RepeatedWork,
    ::testing::Values(
        std::pair{"product",
                  +[] {
                    at::matmul(at::rand({257, 129}), at::rand({129, 65}));
                  }},
        std::pair{"softmax",
                  +[] {
                    at::softmax(at::rand({64, 4099}), -1);
                  }},
        std::pair{"linear_bfloat16",
                  +[] {
                    const at::Tensor x = at::rand({33, 576}).to(at::kBFloat16); // [33, 576]
                    at::linear(x, at::rand({1536, 576}).to(at::kBFloat16));     // [33, 1536]
                  }},
        std::pair{"sorting", +[] { at::sort(at::rand({100000}), 0, true); }},
        std::pair{"attention",
                  +[] {
                    const at::Tensor q = at::rand({1, 9, 200, 64}); // [1, heads, positions, dim]
                    at::scaled_dot_product_attention(q, q, q, {}, 0.0, true);
                  }}),
    [](const auto& test) { return test.param.first; });

TEST_F(CpuMemoryTest, ServesRawAllocation) {
  c10::Allocator* const allocator = c10::GetCPUAllocator();
  ASSERT_NE(allocator->raw_deleter(), nullptr);
  const MemoryScope scope(memory_);
  void* const block = allocator->raw_allocate(1000);
  EXPECT_EQ(scope.read().live_bytes, 1000);
  allocator->raw_deallocate(block);
  EXPECT_EQ(scope.read().live_bytes, 0);
}

TEST_F(CpuMemoryTest, EmptyTensorsNeedNothing) {
  const MemoryScope scope(memory_);
  const at::Tensor none = at::empty({0, 5});
  c10::Allocator* const allocator = c10::GetCPUAllocator();
  allocator->raw_deallocate(allocator->raw_allocate(0));
  EXPECT_EQ(scope.read().peak_bytes, 0);
  EXPECT_EQ(scope.read().allocations, 0);
}

TEST_F(CpuMemoryTest, BlocksAreAlignedForVectorInstructions) {
  std::vector<at::Tensor> kept;
  for (std::int64_t size = 1; size < 100000; size = size * 3 / 2 + 1) {
    kept.push_back(bytes(size));
    kept.back().fill_(1); // the sanitizers see a block that is too small
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(kept.back().data_ptr()) % 64, 0u) << size;
  }
}

TEST_F(CpuMemoryTest, FollowsResizingAndCopies) {
  const MemoryScope scope(memory_);
  at::Tensor grown = at::ones({100});
  grown.resize_({1000});
  EXPECT_EQ(scope.read().live_bytes, 4000);
  EXPECT_EQ(scope.read().peak_bytes, 4400);
  EXPECT_EQ(grown[99].item<float>(), 1.0f);
  const at::Tensor copy = grown.clone();
  EXPECT_EQ(scope.read().live_bytes, 8000);
}

TEST_F(CpuMemoryTest, LeavesBlocksOfTheDefaultAllocatorAlone) {
  c10::DataPtr older = c10::GetDefaultCPUAllocator()->allocate(kMegabyte);
  const MemoryScope scope(memory_);
  older.clear();
  EXPECT_EQ(scope.read().live_bytes, 0);
}

TEST_F(CpuMemoryTest, MoreThanTheMachineHasIsOutOfMemoryAndNotCounted) {
  const MemoryScope scope(memory_);
  EXPECT_THROW(bytes(std::int64_t{1} << 50), c10::OutOfMemoryError);
  EXPECT_THROW(bytes(std::numeric_limits<std::int64_t>::max() - 1), c10::OutOfMemoryError);
  EXPECT_EQ(scope.read().peak_bytes, 0);
  EXPECT_NO_THROW(bytes(kMegabyte));
}

// New pages from the kernel cost time in proportion to the memory, which would be charged to every
// step.
class CpuMemoryReuseTest : public CpuMemoryTest {
protected:
  void SetUp() override {
#ifdef __SANITIZE_ADDRESS__
    GTEST_SKIP() << "the address sanitizer has a heap of its own";
#endif
  }
  static void step() {
    std::vector<at::Tensor> layers;
    for (const std::int64_t size : {16 << 10, 200 << 10, 5 << 20, 60 << 20})
      for (int layer = 0; layer < 4; ++layer)
        layers.push_back(bytes(size).fill_(1));
  }
  static long faults_of_step() {
    rusage before{}, after{};
    getrusage(RUSAGE_SELF, &before);
    step();
    getrusage(RUSAGE_SELF, &after);
    return after.ru_minflt - before.ru_minflt;
  }
};

TEST_F(CpuMemoryReuseTest, ARepeatedStepTakesNoNewPages) {
  constexpr long kPages = 4 * (65 << 20) / 4096;
  step(); // the first places its blocks in a heap that others have used, the second in its own
          // order
  step();
  EXPECT_LT(faults_of_step(), kPages / 100);
  memory_.release_unused(); // the negative control: now they must come from the kernel again
  EXPECT_GT(faults_of_step(), kPages / 2);
}

TEST_F(CpuMemoryReuseTest, ReleasingUnusedMemoryKeepsFiguresAndData) {
  const at::Tensor kept = at::arange(100000);
  const MemoryScope scope(memory_);
  for (int i = 0; i < 4; ++i)
    bytes(20 * kMegabyte).fill_(1);
  const std::int64_t used = memory_.device_used_bytes();
  memory_.release_unused();
  EXPECT_LT(memory_.device_used_bytes(), used - 10 * kMegabyte);
  EXPECT_EQ(scope.read().peak_bytes, 20 * kMegabyte);
  EXPECT_EQ(kept[99999].item<std::int64_t>(), 99999);
}

TEST_F(CpuMemoryTest, AScopeEndsWithTheExceptionThatLeavesIt) {
  const MemoryScope outer(memory_);
  try {
    const MemoryScope inner(memory_);
    const at::Tensor step = bytes(kMegabyte);
    throw TimedOut("in the middle");
  } catch (const TimedOut&) {
  }
  EXPECT_EQ(outer.read().peak_bytes, kMegabyte);
  EXPECT_EQ(outer.read().live_bytes, 0);
}

TEST(DeviceMemory, IsOnePerDevice) {
  EXPECT_EQ(&DeviceMemory::of(at::kCPU), &DeviceMemory::of(c10::Device("cpu")));
  EXPECT_EQ(DeviceMemory::of(at::kCPU).device(), c10::Device("cpu"));
}

TEST(DeviceMemory, OfADeviceThatIsNotThereIsAUsersError) {
  // This program links no CUDA operators, so it has no GPU, whatever the machine has.
  EXPECT_THROW(DeviceMemory::of(c10::Device("cuda:0")), UserError);
  EXPECT_THROW(DeviceMemory::of(c10::Device("xpu")), UserError);
}

TEST(DeviceMemory, NeedsNoCudaOperators) {
  std::ifstream maps("/proc/self/maps");
  const std::string libraries{std::istreambuf_iterator<char>(maps), {}};
  EXPECT_THAT(libraries, HasSubstr("libtorch_cpu.so"));
  EXPECT_THAT(libraries, Not(HasSubstr("libtorch_cuda.so")));
}

// oneDNN frees through whatever allocator is there now, also what another one gave it.
TEST(CpuMemory, GivesBackWhatWasMadeBeforeIt) {
  DeviceMemory& memory = DeviceMemory::of(at::kCPU);
  c10::Allocator* const ours = c10::GetAllocator(c10::DeviceType::CPU);
  const std::int64_t before = memory.live().total;
  ours->raw_deallocate(c10::alloc_cpu(1000));
  EXPECT_EQ(memory.live().total, before);
  void* const block = ours->raw_allocate(1000);
  EXPECT_EQ(memory.live().total, before + 1000);
  ours->raw_deallocate(block);
  EXPECT_EQ(memory.live().total, before);
}

} // namespace
} // namespace peakbench::measure
