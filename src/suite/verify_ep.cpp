// The criteria of ep.md, measured on this machine.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <map>

#include "ep/analysis.h"
#include "suite/ep_runner.h"
#include "suite/plan.h"
#include "suite/verify_checks.h"

namespace peakbench::suite {

namespace {

void progress(const std::string& what) { fmt::print(stderr, "verify ep: {}\n", what); }

// Small enough for the slowest arm, ep_finite_difference; the signal reaches every layer.
ep::Settings compared_settings(ep::Arm arm) {
  ep::Settings settings;
  settings.arm = arm;
  settings.depth = 8;
  settings.width = 24;
  settings.batch = 8;
  settings.input_width = 32;
  settings.steps = 12;
  settings.init = ep::Init::orthogonal;
  return settings;
}

struct Compared {
  const char* name;
  double ep::Differences::*member;
};
constexpr Compared kCompared[] = {{"energy difference", &ep::Differences::energy},
                                  {"settled states", &ep::Differences::state},
                                  {"training loss", &ep::Differences::loss}};

std::string goal_of(const Compared& one) {
  return fmt::format("< {:.0e}", ep::kDifferenceLimits.*one.member);
}
bool passes(const ep::Differences& differences, const Compared& one) {
  return differences.*one.member < ep::kDifferenceLimits.*one.member;
}

// Every arm against ep_autograd, and the published gradient against it: from noisy states, and for
// ep_fused from the forward pass.
void compare_arms(c10::Device device, bool in_place, Checks& checks) {
  std::map<std::string, ep::Differences> published; // by where settling starts
  for (std::size_t i = 0; i < std::size(ep::kArmNames); ++i) {
    const auto arm = static_cast<ep::Arm>(i);
    if (!ep::comparable_with_autograd(arm))
      continue;
    progress(fmt::format("{} against ep_autograd", name_of(arm)));
    ep::Comparison found = ep::compare_with_autograd(compared_settings(arm), device, Deadline());
    if (in_place)
      found.arm = found.published;
    for (const Compared& one : kCompared)
      checks.push_back({fmt::format("{} of {}", one.name, name_of(arm)), goal_of(one),
                        fmt::format("{:.2e}", found.arm.*one.member), passes(found.arm, one)});
    published[arm == ep::Arm::ep_fused ? "the forward pass" : "noisy states"] = found.published;
  }
  for (const auto& [start, differences] : published)
    for (const Compared& one : kCompared)
      checks.push_back(control(fmt::format("{} of the published gradient from {}", one.name, start),
                               goal_of(one), fmt::format("{:.2e}", differences.*one.member),
                               !passes(differences, one)));
}

// A sweep with a small nudge is back-propagation, at 1000 layers.
void compare_sweep(c10::Device device, Checks& checks) {
  progress("ep_sweep_checkpoint against back-propagation at depth 1000");
  ep::Settings settings = compared_settings(ep::Arm::ep_sweep_checkpoint);
  settings.depth = 1000;
  constexpr double kLimit = 1e-3;
  const auto distance = [&](double beta) {
    settings.beta = beta;
    return ep::distance_to_backprop(settings, device, Deadline());
  };
  const double small = distance(1e-4), large = distance(0.5);
  checks.push_back({"gradient of ep_sweep_checkpoint at depth 1000, beta 1e-4, to backprop's",
                    "< 1e-03", fmt::format("{:.2e}", small), small < kLimit});
  checks.push_back(control("the same with beta 0.5", "< 1e-03", fmt::format("{:.2e}", large),
                           !(large < kLimit)));
}

// Single steps of the published protocol (width 128, batch 32, T = 30), for the goals in bytes.
struct Measured {
  const char* configuration;
  Looks looks = Looks::at_time_and_memory; // reach and saved activations need more
};
constexpr Measured kMeasured[] = {
    {"ep: {arms: [backprop], depths: [60], optimizer: muon, analysis_depths: [60]}",
     Looks::at_everything},
    {"ep: {arms: [backprop], depths: [100, 500], optimizer: muon}"},
    {"ep: {arms: [ep_autograd, ep_manual, ep_fused], depths: [60, 100, 500], optimizer: muon}"},
    {"ep: {arms: [ep_fused], depths: [1000], optimizer: muon}"},
    {"ep: {arms: [ep_autograd, ep_sweep_checkpoint], depths: [500], optimizer: sgd, "
     "init: residual}"},
    {"ep: {arms: [ep_sweep_checkpoint], depths: [1000], optimizer: sgd, init: residual}",
     Looks::at_everything}};

// The goals in bytes, with ep_autograd's memory in place of the arms' that are to have less.
void add_memory_controls(const results::RunData& run, Checks& checks) {
  for (const std::string arm : {"ep_fused", "ep_sweep_checkpoint"}) {
    results::RunData wrong;
    for (results::EpCase record : run.ep) {
      if (record.arm == arm)
        continue;
      wrong.ep.push_back(record);
      if (record.arm == "ep_autograd") {
        record.arm = arm;
        wrong.ep.push_back(record);
      }
    }
    for (const report::Criterion& one : report::ep_criteria(wrong).all)
      if (one.arm == arm && one.verdict != report::Verdict::not_measured)
        checks.push_back(control(fmt::format("{} of {}, with ep_autograd's memory", one.name, arm),
                                 one.goal, one.measured, one.verdict == report::Verdict::fail));
  }
}

void measure_memory(c10::Device device, Checks& checks) {
  results::RunData run;
  for (const Measured& one : kMeasured) {
    const Config config =
        parse_config(fmt::format("repeats: {{warm_up: 0, min: 1, max: 1}}\n{}", one.configuration),
                     "verify", {});
    const Plan plan = make_plan(config);
    for (const EpPlanned& planned : plan.ep) {
      const std::string label =
          fmt::format("{} at depth {}", planned.record.arm, planned.record.depth);
      progress(label);
      const results::EpRow row = run_ep_case(planned, config, device, one.looks);
      const bool valid = one.looks != Looks::at_everything || row.record.validity == "VALID";
      if (row.record.status != "ok" || !valid)
        checks.push_back({label, "a valid step", row.record.reason + row.record.validity, false});
      run.ep.push_back(row.record);
      run.ep_operations.insert(run.ep_operations.end(), row.operations.begin(),
                               row.operations.end());
    }
  }
  for (const report::Criterion& criterion : report::ep_criteria(run).all)
    if (std::ranges::none_of(kCompared,
                             [&](const Compared& one) { return criterion.name == one.name; }))
      checks.push_back(check_of(criterion));
  add_memory_controls(run, checks);
}

} // namespace

Checks check_ep(c10::Device device, bool published) {
  Checks checks;
  compare_arms(device, published, checks);
  if (published)
    return checks;
  compare_sweep(device, checks);
  measure_memory(device, checks);
  return checks;
}

} // namespace peakbench::suite
