// Known allocations, freed before the reading; and a real generation likewise.
#include <fmt/format.h>

#include "base/error.h"
#include "base/hash.h"
#include "eab/generation.h"
#include "llm/model.h"
#include "suite/verify_checks.h"

namespace peakbench::suite {

namespace {

constexpr const char* kPrompt = "The ferry left the harbour an hour before the fog came in, and";

// What the published code showed as 0.00 MB: the peak of generating, read after it ended.
measure::Check check_generation(const std::string& path, measure::DeviceMemory& memory) {
  const auto source = llm::ModelSource::open(path);
  const llm::Model model(*source, at::kFloat, memory.device());
  const auto tokenizer = source->tokenizer();
  if (!tokenizer)
    throw UserError(path + " has no tokenizer", "its weights are synthetic", "name a real model");
  const auto prompt = tokenizer->encode_prompt(kPrompt, llm::PromptFormat::raw);
  eab::Settings settings;
  settings.arm = eab::Arm::naive;
  settings.decode = eab::Decode::per_path;
  settings.max_new_tokens = 8;
  const measure::MemoryScope scope(memory);
  const eab::Generation generation = eab::generate(model, tokenizer.get(), tokenizer->end_tokens(),
                                                   prompt, hash64("verify"), settings, Deadline());
  const measure::MemoryReading reading = scope.read();
  // The keys and values of the prompt alone.
  const std::int64_t least =
      source->config().kv_bytes_per_token(4) * static_cast<std::int64_t>(prompt.size());
  return {fmt::format("naive generation with {}", source->config().name),
          fmt::format("a peak of at least {} bytes", least),
          fmt::format("{} bytes ({} still live)", reading.peak_bytes, reading.live_bytes),
          reading.peak_bytes >= least && generation.counters.samples == 1};
}

} // namespace

Checks check_memory(const std::string& model, c10::Device device) {
  measure::DeviceMemory& memory = measure::DeviceMemory::of(device);
  Checks checks = measure::check_memory_tracking(memory);
  if (!model.empty())
    checks.push_back(check_generation(model, memory));
  return checks;
}

} // namespace peakbench::suite
