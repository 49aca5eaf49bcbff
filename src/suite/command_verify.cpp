#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "base/error.h"
#include "cluster/devices.h"
#include "suite/commands.h"
#include "suite/config.h"
#include "suite/verify_checks.h"

namespace peakbench::suite {

namespace {

// Where there is no model to be had: a shape with random weights.
constexpr const char* kSynthetic = "synthetic:smollm2-135m";

std::string model_of(const VerifyOptions& options) {
  const std::string usual = EabConfig().model.front();
  return options.model.empty() && std::filesystem::exists(usual) ? usual : options.model;
}

bool print(c10::Device device, const Checks& checks) {
  fmt::print("{}", checks_text(device.str(), checks));
  std::fflush(stdout);
  return all_passed(checks);
}

bool verify_memory(const VerifyOptions& options) {
  std::vector<c10::Device> devices;
  if (options.device != "cuda")
    devices.emplace_back(c10::kCPU);
  if (options.device != "cpu") {
    const c10::Device best = cluster::single_device(options.device);
    if (best.is_cuda())
      devices.push_back(best);
  }
  std::string model = model_of(options);
  if (options.what.empty() && model.starts_with("synthetic:"))
    model.clear(); // that one is for eab: it has no tokenizer to generate a text with
  bool all = true;
  for (const c10::Device device : devices)
    all = print(device, check_memory(model, device)) && all;
  if (model.empty())
    fmt::print("no model was checked: name one with --model, or get the default one with "
               "tools/bootstrap.sh\n");
  fmt::print("memory tracking {} here\n", all ? "works" : "does NOT work");
  return all;
}

bool verify_ep(const VerifyOptions& options) {
  const c10::Device device = cluster::single_device(options.device);
  const bool all = print(device, check_ep(device, options.published_gradient));
  fmt::print("equilibrium propagation {} its criteria here\n", all ? "meets" : "does NOT meet");
  return all;
}

bool verify_eab(const VerifyOptions& options) {
  const c10::Device device = cluster::single_device(options.device);
  const std::string model = model_of(options);
  const bool all = print(device, check_eab(model.empty() ? kSynthetic : model, device));
  fmt::print("entropy-adaptive branching with {} {} its criteria here\n",
             model.empty() ? kSynthetic : model, all ? "meets" : "does NOT meet");
  return all;
}

} // namespace

int verify_command(const VerifyOptions& options) {
  if (!std::getenv("OMP_NUM_THREADS"))
    at::set_num_threads(cluster::single_threads());
  bool all = true;
  const auto wanted = [&](const char* what) {
    return options.what.empty() || options.what == what;
  };
  if (wanted("memory"))
    all = verify_memory(options) && all;
  if (wanted("ep"))
    all = verify_ep(options) && all;
  if (wanted("eab"))
    all = verify_eab(options) && all;
  std::fflush(stdout);
  return all ? kExitOk : kExitFailedCases;
}

} // namespace peakbench::suite
