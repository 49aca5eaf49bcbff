// A training step of equilibrium propagation and of its rivals, and where the fused arm's time
// goes. Seed protocol: T = 30, batch 32, width 128, cross-entropy, init torch (what the rest of an
// argument list says is named in the benchmark's name). Threads: OMP_NUM_THREADS.
#include <ATen/ATen.h>

#include <string>

#include "ep/cone.h"
#include "ep/experiment.h"
#include "ep/muon.h"
#include "kernels/ep_settle.h"
#include "tests/bench/bench_main.h"

namespace peakbench {
namespace {

constexpr std::int64_t kDepths[] = {10, 100, 500, 1000};

ep::Settings protocol(ep::Arm arm, std::int64_t depth, ep::Optimizer optimizer) {
  ep::Settings settings;
  settings.arm = arm;
  settings.depth = bench::smoke ? 3 : depth;
  settings.optimizer = optimizer;
  settings.learning_rate = 1e-4; // many steps on one batch must not overflow
  return settings;
}

void step(benchmark::State& state, ep::Settings settings) {
  ep::Experiment experiment(settings, at::kCPU);
  experiment.step({});
  for (auto _ : state)
    experiment.step({});
}

struct KernelCall {
  explicit KernelCall(const ep::Settings& settings)
      : network(ep::draw_network(settings, at::kCPU)), batch(ep::draw_batch(settings, at::kCPU)) {
    for (const ep::Layer& layer : network.layers)
      call.layers.push_back({layer.weight.const_data_ptr<float>(),
                             layer.bias.const_data_ptr<float>(), layer.weight.size(1),
                             layer.weight.size(0)});
    call.first = std::max<std::int64_t>(0, settings.depth - settings.steps);
    call.rows = settings.batch;
    call.input = batch.input.const_data_ptr<float>();
    call.target = batch.target.const_data_ptr<float>();
    call.beta = static_cast<float>(settings.beta);
    call.rate = static_cast<float>(settings.rate);
    call.momentum = static_cast<float>(settings.momentum);
    layout = kernels::ep_layout(call, at::get_num_threads());
    memory = at::empty({layout.floats});
  }
  ep::Network network;
  ep::Batch batch;
  kernels::EpSettle call;
  kernels::EpLayout layout;
  at::Tensor memory;
};

void forward(benchmark::State& state, ep::Settings settings) {
  KernelCall kernel(settings);
  for (auto _ : state)
    kernels::ep_forward(kernel.call, kernel.layout, kernel.memory.data_ptr<float>());
}

void settle(benchmark::State& state, ep::Settings settings) {
  KernelCall kernel(settings);
  for (auto _ : state) {
    state.PauseTiming(); // settling begins at the forward pass
    kernels::ep_forward(kernel.call, kernel.layout, kernel.memory.data_ptr<float>());
    state.ResumeTiming();
    kernels::ep_settle(kernel.call, kernel.layout, 0, settings.steps,
                       kernel.memory.data_ptr<float>());
  }
}

// The whole phase, through the kernel or through ATen.
void cone(benchmark::State& state, ep::Settings settings, bool kernel) {
  const ep::Network network = ep::draw_network(settings, at::kCPU);
  const ep::Batch batch = ep::draw_batch(settings, at::kCPU);
  const Deadline deadline;
  const ep::Problem problem{settings, network, batch, nullptr, deadline};
  for (auto _ : state)
    (kernel ? ep::make_kernel_cone(problem) : ep::make_aten_cone(problem))
        ->settle(settings.beta, nullptr);
}

void orthogonalize(benchmark::State& state) {
  const at::Tensor matrix = at::randn({state.range(0), state.range(1)});
  for (auto _ : state)
    benchmark::DoNotOptimize(ep::orthogonalize(matrix, ep::NewtonSchulz::quintic).const_data_ptr());
}

// What the products of an orthogonalisation would cost in LibTorch: 15 of them a matrix.
void library_product(benchmark::State& state) {
  const auto type = state.range(1) == 1 ? at::kBFloat16 : at::kFloat;
  const at::Tensor a = at::randn({state.range(0), state.range(0)}).to(type);
  const at::Tensor b = at::randn({state.range(0), state.range(0)}).to(type);
  at::Tensor c = at::empty_like(a);
  for (auto _ : state)
    at::mm_out(c, a, b);
  const auto width = static_cast<double>(state.range(0));
  state.counters["FLOP"] =
      benchmark::Counter(2 * width * width * width, benchmark::Counter::kIsIterationInvariantRate);
}

template <typename... Arguments>
void add_one(const std::string& name, Arguments... arguments) {
  benchmark::RegisterBenchmark(name.c_str(), arguments...)
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
}

void add() {
  const std::vector<std::int64_t> depths =
      bench::smoke ? std::vector<std::int64_t>{3}
                   : std::vector<std::int64_t>(std::begin(kDepths), std::end(kDepths));
  for (const ep::Arm arm : {ep::Arm::ep_fused, ep::Arm::truncated_backprop, ep::Arm::backprop})
    for (const ep::Optimizer optimizer :
         {ep::Optimizer::sgd, ep::Optimizer::momentum, ep::Optimizer::muon})
      for (const std::int64_t depth : depths)
        add_one("step/" + std::string(ep::name_of(arm)) + "/" +
                    std::string(ep::kOptimizerNames[static_cast<std::size_t>(optimizer)]) +
                    "/depth:" + std::to_string(depth),
                step, protocol(arm, depth, optimizer));
  for (const std::int64_t depth : depths) {
    const ep::Settings settings = protocol(ep::Arm::ep_fused, depth, ep::Optimizer::sgd);
    add_one("forward/depth:" + std::to_string(depth), forward, settings);
    add_one("settle/depth:" + std::to_string(depth), settle, settings);
  }
  for (const std::int64_t width : {64, 128, 512, 1024})
    for (const bool kernel : {true, false}) {
      ep::Settings settings = protocol(ep::Arm::ep_fused, 30, ep::Optimizer::sgd);
      settings.width = bench::smoke ? 16 : width;
      settings.init = ep::Init::he;
      add_one((kernel ? "cone/kernel/width:" : "cone/aten/width:") + std::to_string(width), cone,
              settings, kernel);
    }
  auto* matrices = benchmark::RegisterBenchmark("orthogonalize", orthogonalize);
  matrices->Unit(benchmark::kMillisecond)->UseRealTime()->Args({10, 128})->Args({128, 128});
  auto* products = benchmark::RegisterBenchmark("library_product", library_product);
  products->Unit(benchmark::kMillisecond)->UseRealTime()->ArgNames({"width", "bf16"});
  products->Args({128, 0})->Args({128, 1});
  if (!bench::smoke) {
    matrices->Args({128, 784})->Args({512, 512})->Args({1024, 1024});
    products->Args({1024, 0})->Args({1024, 1});
  }
}

} // namespace
} // namespace peakbench

int main(int argc, char** argv) { return peakbench::bench::run(argc, argv, peakbench::add); }
