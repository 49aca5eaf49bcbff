// Encoding and decoding a text of 1 MB with the model's own tokenizer.
#include "llm/tokenizer.h"

#include "tests/bench/bench_main.h"

namespace peakbench {
namespace {

std::string text_of(std::size_t bytes) {
  std::string text;
  for (int i = 0; text.size() < bytes; ++i)
    text += "Line " + std::to_string(i) + ": the ferry left the harbour, d\xC3\xA9j\xC3\xA0 vu; " +
            std::to_string(i * 7919) + " people saw it.\n";
  return text;
}

void encode(benchmark::State& state) {
  const auto tokenizer = bench::open_model()->tokenizer();
  if (!tokenizer)
    return state.SkipWithError("the model has no tokenizer");
  const std::string text = text_of(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state)
    benchmark::DoNotOptimize(tokenizer->encode_prompt(text, llm::PromptFormat::raw).size());
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0));
}

void decode(benchmark::State& state) {
  const auto tokenizer = bench::open_model()->tokenizer();
  if (!tokenizer)
    return state.SkipWithError("the model has no tokenizer");
  const auto ids = tokenizer->encode_prompt(text_of(static_cast<std::size_t>(state.range(0))),
                                            llm::PromptFormat::raw);
  for (auto _ : state)
    benchmark::DoNotOptimize(tokenizer->decode(ids).size());
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0));
}

void add() {
  const std::int64_t bytes = bench::smoke ? 1000 : 1000000;
  benchmark::RegisterBenchmark("encode", encode)->Unit(benchmark::kMillisecond)->Arg(bytes);
  benchmark::RegisterBenchmark("decode", decode)->Unit(benchmark::kMillisecond)->Arg(bytes);
}

} // namespace
} // namespace peakbench

int main(int argc, char** argv) { return peakbench::bench::run(argc, argv, peakbench::add); }
