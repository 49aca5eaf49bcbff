#include "report/ep_slopes.h"

#include <fmt/format.h>

#include <cmath>

namespace peakbench::report {

namespace {

using results::EpCase;
using results::PeakByTag;

constexpr double kTolerance = 0.02;
constexpr double kByte = 1e-6; // in MB: to how much of a layer tags must add up

std::string parts_text(const SlopeParts& parts) {
  std::string text;
  const auto add = [&](const char* name, double value) {
    if (std::abs(value) > kByte)
      text += fmt::format("{}{} {:.4f}", text.empty() ? "" : " + ", name, value);
  };
  add("weights", parts.weights);
  add("gradients", parts.gradients);
  add("optimizer", parts.optimizer);
  add("activations", parts.activations);
  add("states", parts.states);
  add("workspace", parts.workspace);
  return text;
}

} // namespace

bool is_within_tolerance(double measured, double published) {
  return std::abs(measured / published - 1) <= kTolerance;
}

SlopeParts slope_parts(const EpRows& arm, bool with_weights) {
  const ByDepth values = by_depth(arm, with_weights ? report::with_weights : beyond_weights);
  SlopeParts parts;
  parts.total = slope_of(values);
  const auto of = [&](std::int64_t PeakByTag::*tag) {
    return slope_of(
        by_depth(arm, [&](const EpCase& row) { return real(row.peak.*tag) / kMegabyte; }));
  };
  // Weights at the peak are the network's; beyond them is what a tag has more than that.
  parts.weights = of(&PeakByTag::weights);
  if (!with_weights)
    parts.weights -= slope_of(
        by_depth(arm, [](const EpCase& row) { return real(row.weights_bytes) / kMegabyte; }));
  parts.gradients = of(&PeakByTag::gradients);
  parts.optimizer = of(&PeakByTag::optimizer);
  parts.activations = of(&PeakByTag::activations);
  parts.states = of(&PeakByTag::states);
  parts.workspace = of(&PeakByTag::workspace);
  for (const auto& [depth, value] : values)
    if (depth >= kSlopeFromDepth)
      parts.depths += (parts.depths.empty() ? "" : ", ") + std::to_string(depth);
  return parts;
}

SlopeVerdict judge_slope_parts(const SlopeParts& parts, const PublishedSlope& published) {
  SlopeVerdict verdict;
  verdict.matches = is_within_tolerance(parts.total, published.megabytes);
  verdict.text = fmt::format("{:.4f}", parts.total);
  const double sum = parts.weights + parts.gradients + parts.optimizer + parts.activations +
                     parts.states + parts.workspace;
  if (!(std::abs(sum - parts.total) <= kByte))
    return verdict; // a file without tags: nothing to explain with
  verdict.text += " = " + parts_text(parts);
  if (verdict.matches)
    return verdict;
  // What the published figure has that the peak here has not, or the other way round: one more set
  // of the weights' size (its prototype holds both phases' gradients until their contrast), and the
  // states, which it had given back before it read its memory.
  const double set = parts.gradients;
  struct Reason {
    double difference;
    const char* text;
  };
  for (const Reason& reason :
       {Reason{-parts.states, "published without the states"},
        Reason{set, "published with one more set of the weights' size"},
        Reason{set - parts.states,
               "published with one more set of the weights' size and without the states"}}) {
    if (reason.difference == 0 ||
        !is_within_tolerance(parts.total + reason.difference, published.megabytes))
      continue;
    verdict.explained = true;
    verdict.text += fmt::format("; {}: {:.4f}", reason.text, parts.total + reason.difference);
    break;
  }
  return verdict;
}

} // namespace peakbench::report
