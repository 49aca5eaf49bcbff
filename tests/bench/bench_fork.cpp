// What a fork costs: microseconds and bytes of keys and values copied, shared store against deep
// copy, by the length of the forked path. SmolLM2's shape, bfloat16.
#include <ATen/ATen.h>

#include "llm/kv_store.h"
#include "tests/bench/bench_main.h"

namespace peakbench {
namespace {

void fork(benchmark::State& state) {
  llm::ModelConfig config;
  config.layers = 30;
  config.kv_heads = 3;
  config.head_width = 64;
  const auto kind = state.range(0) == 1 ? llm::KvKind::shared : llm::KvKind::dense;
  const auto store = llm::make_kv_store(kind, config, at::kBFloat16, at::kCPU);
  const llm::PathId parent = store->create();
  store->reserve(std::vector{parent}, state.range(1));
  const std::int64_t before = store->statistics().copied_bytes;
  for (auto _ : state) {
    const llm::PathId child = store->fork(parent);
    state.PauseTiming(); // what comes after is not the fork
    store->release(child);
    state.ResumeTiming();
  }
  const auto copied = static_cast<double>(store->statistics().copied_bytes - before);
  state.counters["bytes_copied"] = copied / static_cast<double>(state.iterations());
}

void add() {
  auto* one = benchmark::RegisterBenchmark("fork", fork)->Unit(benchmark::kMicrosecond);
  one->ArgNames({"shared", "tokens"});
  for (const std::int64_t shared : {1, 0})
    for (const std::int64_t tokens : {200, 1000, 4000})
      one->Args({shared, tokens});
}

} // namespace
} // namespace peakbench

int main(int argc, char** argv) { return peakbench::bench::run(argc, argv, peakbench::add); }
