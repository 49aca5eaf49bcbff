#include <fmt/format.h>

#include <filesystem>
#include <iostream>

#include "base/error.h"
#include "base/hash.h"
#include "cluster/devices.h"
#include "eab/generation.h"
#include "llm/model.h"
#include "measure/self_check.h"
#include "suite/commands.h"
#include "suite/config.h"

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

bool print_checks(const std::string& device, const std::vector<measure::Check>& checks) {
  bool all = true;
  for (const measure::Check& check : checks) {
    fmt::print("{} {:6} {}: expected {}, measured {}\n", check.passed ? "ok    " : "FAILED", device,
               check.name, check.expected, check.measured);
    all = all && check.passed;
  }
  return all;
}

} // namespace

int verify_memory_command(const VerifyOptions& options) {
  std::vector<c10::Device> devices;
  if (options.device != "cuda")
    devices.emplace_back(c10::kCPU);
  if (options.device != "cpu") {
    const c10::Device best = cluster::single_device(options.device);
    if (best.is_cuda())
      devices.push_back(best);
  }
  std::string model = options.model;
  if (const std::string usual = EabConfig().model.front();
      model.empty() && std::filesystem::exists(usual))
    model = usual;
  bool all = true;
  for (const c10::Device device : devices) {
    measure::DeviceMemory& memory = measure::DeviceMemory::of(device);
    std::vector<measure::Check> checks = measure::check_memory_tracking(memory);
    if (!model.empty())
      checks.push_back(check_generation(model, memory));
    all = print_checks(device.str(), checks) && all;
  }
  if (model.empty())
    fmt::print("no model was checked: name one with --model, or get the default one with "
               "tools/bootstrap.sh\n");
  fmt::print("memory tracking {} here\n", all ? "works" : "does NOT work");
  std::fflush(stdout);
  return all ? kExitOk : kExitFailedCases;
}

} // namespace peakbench::suite
