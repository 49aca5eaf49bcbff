// From logits to drawn tokens, all rows of a step: filters, entropy, draws of three tokens. The
// rival is what a plain program does with LibTorch: softmax, entropy, multinomial.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <cmath>

#include "eab/sampler.h"
#include "tests/bench/bench_main.h"

namespace peakbench {
namespace {

at::Tensor some_logits(std::int64_t rows, std::int64_t vocabulary) {
  return at::randn({rows, vocabulary}, at::make_generator<at::CPUGeneratorImpl>(1), at::kFloat)
      .mul_(3);
}

void ours(benchmark::State& state) {
  const at::Tensor logits = some_logits(state.range(0), state.range(1));
  eab::Settings settings;
  settings.top_p = state.range(2) == 1 ? 0.9 : 1.0;
  std::vector<eab::DrawSource> sources;
  for (std::int64_t row = 0; row < state.range(0); ++row)
    sources.push_back({row, static_cast<eab::Lineage>(row)});
  eab::Sampler sampler(settings);
  std::int64_t position = 0;
  for (auto _ : state) {
    sampler.read(logits, ++position, sources);
    for (std::size_t i = 0; i < sources.size(); ++i)
      benchmark::DoNotOptimize(sampler.draw(i, 3).gap);
  }
}

void plain(benchmark::State& state) {
  const at::Tensor logits = some_logits(state.range(0), state.range(1));
  for (auto _ : state) {
    at::Tensor scaled = logits / 0.8;
    if (state.range(2) == 1) {
      const auto [sorted, order] = scaled.sort(-1, /*descending=*/true);
      const at::Tensor probability = sorted.softmax(-1);
      const at::Tensor drop = (probability.cumsum(-1) - probability) > 0.9;
      scaled = scaled.scatter(-1, order, sorted.masked_fill(drop, -INFINITY));
    }
    const at::Tensor log_probability = scaled.log_softmax(-1);
    const at::Tensor probability = log_probability.exp();
    benchmark::DoNotOptimize(
        (probability * log_probability.nan_to_num(0, 0, 0)).sum(-1).data_ptr());
    benchmark::DoNotOptimize(probability.multinomial(3).data_ptr());
  }
}

void add() {
  using Function = void (*)(benchmark::State&);
  for (const auto& [name, function] :
       {std::pair<const char*, Function>("sampler", ours), {"libtorch", plain}}) {
    auto* one = benchmark::RegisterBenchmark(name, function)->Unit(benchmark::kMicrosecond);
    one->UseRealTime()->ArgNames({"rows", "vocabulary", "top_p"});
    for (const std::int64_t top_p : {0, 1})
      for (const std::int64_t vocabulary : {49152, 151936})
        one->Args({bench::smoke ? 2 : 20, vocabulary, top_p});
  }
}

} // namespace
} // namespace peakbench

int main(int argc, char** argv) { return peakbench::bench::run(argc, argv, peakbench::add); }
