// A training step on a GPU: ep_fused, truncated_backprop and backprop at the seed's depths, with
// the optimizers, until the device is done; `bytes`: the peak beyond the weights. cone: the phase
// alone, by the kernel and by ATen, at several widths.
#include <ATen/ATen.h>

#include <cstdio>
#include <string>

#include "ep/cone_cuda.h"
#include "ep/experiment.h"
#include "measure/memory.h"
#include "tests/bench/bench_main.h"

namespace peakbench {
namespace {

at::Device device() { return at::hasCUDA() ? at::Device(at::kCUDA, 0) : at::Device(at::kCPU); }

ep::Settings protocol(ep::Arm arm, std::int64_t depth, ep::Optimizer optimizer) {
  ep::Settings settings;
  settings.arm = arm;
  settings.depth = bench::smoke ? 3 : depth;
  settings.optimizer = optimizer;
  settings.learning_rate = 1e-4; // many steps on one batch must not overflow
  return settings;
}

void step(benchmark::State& state, ep::Settings settings) {
  measure::DeviceMemory& memory = measure::DeviceMemory::of(device());
  const measure::MemoryScope scope(memory);
  ep::Experiment experiment(settings, device());
  const auto once = [&] {
    experiment.step({});
    memory.synchronize();
  };
  once();
  for (auto _ : state)
    once();
  state.counters["bytes"] =
      static_cast<double>(scope.read().peak_bytes - experiment.weights_bytes());
}

void cone(benchmark::State& state, ep::Settings settings, bool kernel) {
  measure::DeviceMemory& memory = measure::DeviceMemory::of(device());
  const ep::Network network = ep::draw_network(settings, device());
  const ep::Batch batch = ep::draw_batch(settings, device());
  const Deadline deadline;
  const ep::Problem problem{settings, network, batch, nullptr, deadline};
  const auto once = [&] {
    std::unique_ptr<ep::Cone> one = kernel ? ep::make_cuda_cone(problem) : nullptr;
    if (!one)
      one = ep::make_aten_cone(problem);
    one->settle(settings.beta, nullptr);
    memory.synchronize();
  };
  if (kernel && !bench::smoke && !ep::make_cuda_cone(problem)) {
    state.SkipWithError("the kernel cannot run this");
    return;
  }
  once();
  for (auto _ : state)
    once();
}

template <typename... Arguments>
void add_one(const std::string& name, Arguments... arguments) {
  benchmark::RegisterBenchmark(name.c_str(), arguments...)
      ->Unit(benchmark::kMicrosecond)
      ->UseRealTime();
}

void add() {
  if (!bench::smoke && !at::hasCUDA()) {
    std::fputs("bench_ep_gpu needs a GPU that CUDA can use\n", stderr);
    return;
  }
  const std::vector<std::int64_t> depths =
      bench::smoke ? std::vector<std::int64_t>{3}
                   : std::vector<std::int64_t>{10, 50, 100, 200, 500, 1000};
  for (const ep::Arm arm : {ep::Arm::ep_fused, ep::Arm::truncated_backprop, ep::Arm::backprop})
    for (const ep::Optimizer optimizer :
         {ep::Optimizer::sgd, ep::Optimizer::momentum, ep::Optimizer::muon})
      for (const std::int64_t depth : depths)
        add_one("step/" + std::string(ep::name_of(arm)) + "/" +
                    std::string(ep::kOptimizerNames[static_cast<std::size_t>(optimizer)]) +
                    "/depth:" + std::to_string(depth),
                step, protocol(arm, depth, optimizer));
  for (const std::int64_t width : {64, 128, 192, 256, 512, 1024})
    for (const bool kernel : {true, false}) {
      ep::Settings settings = protocol(ep::Arm::ep_fused, 100, ep::Optimizer::sgd);
      settings.width = bench::smoke ? 16 : width;
      add_one((kernel ? "cone/kernel/width:" : "cone/aten/width:") + std::to_string(width), cone,
              settings, kernel);
    }
}

} // namespace
} // namespace peakbench

int main(int argc, char** argv) { return peakbench::bench::run(argc, argv, peakbench::add); }
