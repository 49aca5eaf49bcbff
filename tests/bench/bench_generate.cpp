// A whole generation per arm: a prompt of 200 tokens, 20 paths, 50 new tokens, budget as published.
// With products, attention and sampling apart; the rest is overhead. Arguments: arm (eab::Arm), 1
// for bfloat16.
#include <ATen/ATen.h>

#include <map>

#include "eab/generation.h"
#include "llm/model.h"
#include "tests/bench/bench_main.h"

namespace peakbench {
namespace {

struct Loaded {
  at::ScalarType dtype;
  std::int64_t vocabulary;
  std::shared_ptr<const llm::Tokenizer> tokenizer; // none with random weights
  llm::Model model;
};

const Loaded& load(at::ScalarType dtype) {
  static std::unique_ptr<Loaded> loaded;
  if (!loaded || loaded->dtype != dtype) {
    loaded.reset();
    const auto source = bench::open_model();
    const bool random = source->config().random_weights;
    loaded.reset(new Loaded{dtype, source->config().vocabulary,
                            random ? nullptr : source->tokenizer(),
                            llm::Model(*source, dtype, at::kCPU)});
  }
  return *loaded;
}

std::vector<std::int32_t> prompt_of(const Loaded& loaded, std::size_t tokens) {
  std::vector<std::int32_t> ids;
  if (loaded.tokenizer) {
    std::string text;
    while (ids.size() < tokens) {
      text +=
          "The ferry left the harbour an hour before the fog came in, and nobody could say why. ";
      ids = loaded.tokenizer->encode_prompt(text, llm::PromptFormat::raw);
    }
    ids.resize(tokens);
  }
  for (std::size_t i = 0; ids.size() < tokens; ++i)
    ids.push_back(static_cast<std::int32_t>(i * 37 % 1000 + 100));
  return ids;
}

void generate(benchmark::State& state) {
  const Loaded& loaded = load(state.range(1) == 1 ? at::kBFloat16 : at::kFloat);
  const std::vector<std::int32_t> prompt = prompt_of(loaded, bench::smoke ? 8 : 200);
  eab::Settings settings;
  settings.arm = static_cast<eab::Arm>(state.range(0));
  settings.decode = settings.arm == eab::Arm::naive ? eab::Decode::per_path : eab::Decode::batched;
  settings.budget = eab::Budget::published;
  settings.samples = bench::smoke ? 2 : 20;
  settings.max_new_tokens = bench::smoke ? 3 : 50;
  if (!loaded.tokenizer)
    settings.schedule = {3, 3, 2};
  eab::Generation run;
  double products = 0, attention = 0, sampling = 0, tokens = 0;
  for (auto _ : state) {
    run = eab::generate(loaded.model, nullptr, {}, prompt, 1, settings, Deadline());
    products += run.forward.products;
    attention += run.forward.attention;
    sampling += run.sampling_seconds;
    tokens += static_cast<double>(run.counters.emitted_tokens);
  }
  using benchmark::Counter;
  state.counters["products"] = Counter(products, Counter::kAvgIterations);
  state.counters["attention"] = Counter(attention, Counter::kAvgIterations);
  state.counters["sampling"] = Counter(sampling, Counter::kAvgIterations);
  state.counters["tokens"] = Counter(tokens, Counter::kAvgIterations);
  state.counters["kv_over_bound"] = static_cast<double>(run.kv.peak.physical_bytes) /
                                    static_cast<double>(run.kv.peak.bound_bytes);
  state.SetLabel(std::string(name_of(settings.arm)) + ", " + bench::model_name);
}

void add() {
  auto* one = benchmark::RegisterBenchmark("generate", generate)->Unit(benchmark::kMillisecond);
  one->UseRealTime()->ArgNames({"arm", "bf16"});
  for (const std::int64_t bf16 : {1, 0})
    for (const eab::Arm arm : {eab::Arm::cow, eab::Arm::original, eab::Arm::prefill_once,
                               eab::Arm::naive_batched, eab::Arm::naive})
      if (!bench::smoke || (bf16 == 1 && arm == eab::Arm::cow))
        one->Args({static_cast<std::int64_t>(arm), bf16});
}

} // namespace
} // namespace peakbench

int main(int argc, char** argv) { return peakbench::bench::run(argc, argv, peakbench::add); }
