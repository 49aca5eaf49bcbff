// tree_attention of one layer against LibTorch's scaled_dot_product_attention on dense copies of
// every path, which are made beforehand; and, on a GPU, decode steps with and without CUDA graphs.
// attention/... arguments: 1 for CUDA, paths, prompt tokens, head width, bits of an element, query
// heads per kv head. On a GPU the time is the device's: calls are replayed as a graph; `host` is
// what it takes to launch one call. On the CPU it is the call's.
// step arguments: paths, prompt tokens, bits, 1 for graphs. `host`: until the call returns.
#include <ATen/ATen.h>

#include <chrono>
#include <cmath>

#include "kernels/plan_tree.h"
#include "kernels/tree_attention.h"
#include "llm/model.h"
#include "llm/step_graph.h"
#include "measure/memory.h"
#include "tests/bench/bench_main.h"

namespace peakbench {
namespace {

constexpr std::int64_t kKvHeads = 2, kOwnTokens = 50;

double seconds(const std::function<void()>& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

at::ScalarType type_of(std::int64_t bits) { return bits == 32 ? at::kFloat : at::kBFloat16; }

// A prompt that all paths share, and what each has of its own, as a branching run leaves it: the
// slots of a step side by side.
struct Attention {
  at::Tensor query;               // [paths, heads, width]
  std::vector<at::Tensor> chunks; // one
  kernels::TreeAttentionPlan plan;
  at::Tensor dense_query, key, value; // [paths, kv_heads, group or tokens, width]
  double scale;

  Attention(at::Device device, std::int64_t paths, std::int64_t prompt, std::int64_t width,
            at::ScalarType dtype, std::int64_t group) {
    const auto options = at::TensorOptions(dtype).device(device);
    const std::int64_t tokens = prompt + kOwnTokens;
    scale = 1 / std::sqrt(static_cast<double>(width));
    query = at::randn({paths, kKvHeads * group, width}, options);
    const at::Tensor pool =
        at::randn({1, 2, prompt + paths * kOwnTokens, kKvHeads, width}, options);
    chunks = {pool};
    std::vector<std::vector<kernels::SlotRun>> lists;
    key = at::empty({paths, kKvHeads, tokens, width}, options);
    value = at::empty_like(key);
    for (std::int64_t path = 0; path < paths; ++path) {
      auto& list = lists.emplace_back();
      list.push_back({0, 0, static_cast<std::int32_t>(prompt)});
      for (std::int64_t i = 0; i < kOwnTokens; ++i)
        list.push_back({0, static_cast<std::int32_t>(prompt + i * paths + path), 1});
      const at::Tensor own = at::arange(kOwnTokens, at::TensorOptions(at::kLong).device(device))
                                 .mul(paths)
                                 .add(prompt + path);
      for (const std::int64_t which : {0, 1}) {
        const at::Tensor rows = pool[0][which]; // [slots, kv_heads, width]
        (which == 0 ? key : value)
            .select(0, path)
            .copy_(at::cat({rows.narrow(0, 0, prompt), rows.index_select(0, own)}).transpose(0, 1));
      }
    }
    plan = kernels::plan_tree(
        std::vector<std::span<const kernels::SlotRun>>(lists.begin(), lists.end()));
    dense_query = query.view({paths, kKvHeads, group, width});
  }

  at::Tensor tree() const { return kernels::tree_attention(query, chunks, 0, plan, scale); }
  // The heads of a group as positions that all see everything: keys are not repeated.
  at::Tensor dense() const {
    return at::scaled_dot_product_attention(dense_query, key, value, {}, 0, false, scale);
  }
};

void attention(benchmark::State& state, bool tree) {
  const at::Device device = state.range(0) == 1 ? at::Device(at::kCUDA, 0) : at::Device(at::kCPU);
  const Attention work(device, state.range(1), state.range(2), state.range(3),
                       type_of(state.range(4)), state.range(5));
  const double distance =
      (work.tree().to(at::kFloat) - work.dense().view_as(work.query).to(at::kFloat))
          .abs()
          .max()
          .item<double>();
  if (!(distance < (state.range(4) == 32 ? 1e-4 : 0.05))) {
    state.SkipWithError("the two differ");
    return;
  }
  const auto once = [&] { benchmark::DoNotOptimize(tree ? work.tree() : work.dense()); };
  const double read = static_cast<double>(
      (tree ? work.chunks[0].nbytes() : work.key.nbytes() + work.value.nbytes()));
  using benchmark::Counter;
  if (device.is_cpu()) {
    for (auto _ : state)
      once();
  } else {
    constexpr int kCalls = 10;
    measure::DeviceMemory& memory = measure::DeviceMemory::of(device);
    llm::StepGraphs graphs(device, true);
    const auto calls = [&] {
      for (int i = 0; i < kCalls; ++i)
        once();
    };
    for (int i = 0; i < 3; ++i)
      graphs.run({1}, calls);
    memory.synchronize();
    for (auto _ : state)
      state.SetIterationTime(seconds([&] {
                               graphs.run({1}, calls);
                               memory.synchronize();
                             }) /
                             kCalls);
    state.counters["host"] = seconds(calls) / kCalls;
    memory.synchronize();
  }
  state.counters["read"] =
      Counter(read, Counter::kIsIterationInvariantRate, Counter::OneK::kIs1024);
}

void step(benchmark::State& state) {
  const auto dtype = type_of(state.range(2));
  const at::Device gpu(at::kCUDA, 0);
  static std::unique_ptr<llm::Model> model;
  static std::pair<at::ScalarType, bool> made;
  const std::pair wanted(dtype, state.range(3) == 1);
  if (!model || made != wanted) {
    model.reset();
    model = std::make_unique<llm::Model>(*bench::open_model(), dtype, gpu,
                                         llm::ModelOptions{.cuda_graphs = wanted.second});
    made = wanted;
  }
  std::vector<std::int32_t> prompt, tokens;
  for (std::int64_t i = 0; i < state.range(1); ++i)
    prompt.push_back(static_cast<std::int32_t>(i * 37 % 1000 + 100));
  const auto store = model->make_kv_store(llm::KvKind::shared);
  std::vector<llm::PathId> paths{store->create()};
  model->prefill(prompt, *store, paths);
  while (static_cast<std::int64_t>(paths.size()) < state.range(0))
    paths.push_back(store->fork(paths.front()));
  for (std::size_t i = 0; i < paths.size(); ++i)
    tokens.push_back(static_cast<std::int32_t>(100 + i));
  measure::DeviceMemory& memory = measure::DeviceMemory::of(gpu);
  for (int i = 0; i < 3; ++i)
    model->step(tokens, *store, paths);
  memory.synchronize();
  double host = 0;
  for (auto _ : state) {
    host += seconds([&] { model->step(tokens, *store, paths); });
    memory.synchronize();
  }
  state.counters["host"] = benchmark::Counter(host, benchmark::Counter::kAvgIterations);
  state.SetLabel(bench::model_name);
}

void add() {
  for (const bool tree : {true, false}) {
    auto* one =
        benchmark::RegisterBenchmark(tree ? "attention/tree" : "attention/dense",
                                     [tree](benchmark::State& state) { attention(state, tree); });
    one->Unit(benchmark::kMicrosecond)
        ->ArgNames({"cuda", "paths", "prompt", "width", "bits", "group"});
    if (bench::smoke) {
      one->UseRealTime()->Args({0, 3, 40, 64, 32, 3});
      continue;
    }
    const bool cuda = at::hasCUDA();
    if (cuda)
      one->UseManualTime();
    else
      one->UseRealTime();
    const std::vector<std::int64_t> prompts =
        cuda ? std::vector<std::int64_t>{200, 1000, 4096} : std::vector<std::int64_t>{200, 1000};
    for (const std::int64_t bits : {16, 32})
      for (const std::int64_t width : {64, 80, 96, 128})
        for (const std::int64_t paths : {1, 20, 64})
          for (const std::int64_t prompt : prompts)
            if (cuda || (width % 64 == 0 && paths > 1))
              one->Args({cuda, paths, prompt, width, bits, width == 64 ? 3 : 8});
  }
  if (bench::smoke || !at::hasCUDA())
    return;
  auto* one = benchmark::RegisterBenchmark("step", step)->Unit(benchmark::kMicrosecond);
  one->UseRealTime()->ArgNames({"paths", "prompt", "bits", "graphs"});
  for (const std::int64_t bits : {16, 32})
    for (const std::int64_t graphs : {0, 1})
      for (const std::int64_t paths : {1, 20, 64})
        for (const std::int64_t prompt : {200, 4000})
          one->Args({paths, prompt, bits, graphs});
}

} // namespace
} // namespace peakbench

int main(int argc, char** argv) { return peakbench::bench::run(argc, argv, peakbench::add); }
