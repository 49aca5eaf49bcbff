// What the books of the CPU's allocator cost: a tensor made and freed, without and with a recorder
// of the memory timeline, beside LibTorch's own allocator. Argument: bytes.
#include <ATen/ATen.h>
#include <c10/core/CPUAllocator.h>

#include "measure/timeline.h"
#include "tests/bench/bench_main.h"

namespace peakbench {
namespace {

void allocate(benchmark::State& state, c10::Allocator* allocator) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  for (auto _ : state)
    benchmark::DoNotOptimize(allocator->allocate(bytes).get());
}

void recorded(benchmark::State& state, c10::Allocator* allocator) {
  measure::record_timeline(measure::DeviceMemory::of(c10::kCPU),
                           [&] { allocate(state, allocator); });
}

void add() {
  c10::Allocator* const plain = c10::GetDefaultCPUAllocator();
  measure::DeviceMemory::of(c10::kCPU); // installs ours
  c10::Allocator* const ours = c10::GetCPUAllocator();
  benchmark::RegisterBenchmark("torch", allocate, plain)->Arg(64)->Arg(65536);
  benchmark::RegisterBenchmark("tracked", allocate, ours)->Arg(64)->Arg(65536);
  benchmark::RegisterBenchmark("recorded", recorded, ours)->Arg(64)->Arg(65536);
}

} // namespace
} // namespace peakbench

int main(int argc, char** argv) { return peakbench::bench::run(argc, argv, peakbench::add); }
