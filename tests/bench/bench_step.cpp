// A decode step of the shared store, and where its time goes: weights' products, attention, and the
// rest (norms, rotary, activation, embedding, bookkeeping). Arguments: paths, prompt tokens, 1 for
// bfloat16.
#include <ATen/ATen.h>

#include <map>

#include "llm/model.h"
#include "tests/bench/bench_main.h"

namespace peakbench {
namespace {

const llm::Model& model_of(at::ScalarType dtype) {
  static std::map<at::ScalarType, std::unique_ptr<llm::Model>> models;
  std::unique_ptr<llm::Model>& model = models[dtype];
  if (!model) {
    models.clear();
    const auto source = bench::open_model();
    return *(models[dtype] = std::make_unique<llm::Model>(*source, dtype, at::kCPU));
  }
  return *model;
}

void step(benchmark::State& state) {
  const auto paths = static_cast<std::size_t>(state.range(0));
  const auto dtype = state.range(2) == 1 ? at::kBFloat16 : at::kFloat;
  const llm::Model& model = model_of(dtype);
  std::vector<std::int32_t> prompt, tokens;
  for (std::int64_t i = 0; i < state.range(1); ++i)
    prompt.push_back(static_cast<std::int32_t>(i * 37 % 1000 + 100));
  const auto store = model.make_kv_store(llm::KvKind::shared);
  std::vector<llm::PathId> ids{store->create()};
  model.prefill(prompt, *store, ids);
  for (std::size_t i = 0; i < paths; ++i) {
    if (i > 0)
      ids.push_back(store->fork(ids.front()));
    tokens.push_back(static_cast<std::int32_t>(100 + i));
  }
  model.step(tokens, *store, ids);
  llm::ForwardTimes times;
  for (auto _ : state)
    benchmark::DoNotOptimize(model.step(tokens, *store, ids, &times).data_ptr());
  using benchmark::Counter;
  state.counters["products"] = Counter(times.products, Counter::kAvgIterations);
  state.counters["attention"] = Counter(times.attention, Counter::kAvgIterations);
  state.SetLabel(bench::model_name);
}

void add() {
  auto* one = benchmark::RegisterBenchmark("step", step)->Unit(benchmark::kMillisecond);
  one->UseRealTime()->ArgNames({"paths", "prompt", "bf16"});
  if (bench::smoke) {
    one->Args({2, 10, 1});
    return;
  }
  for (const std::int64_t bf16 : {1, 0}) {
    for (const std::int64_t paths : {1, 20})
      one->Args({paths, 200, bf16});
    for (const std::int64_t prompt : {200, 1000, 4000})
      one->Args({64, prompt, bf16});
  }
}

} // namespace
} // namespace peakbench

int main(int argc, char** argv) { return peakbench::bench::run(argc, argv, peakbench::add); }
