// Memory per layer beside the published slopes, taken apart by tag.
#pragma once

#include <string>
#include <string_view>

#include "report/ep_depths.h"

namespace peakbench::report {

struct PublishedSlope {
  const char* name;
  std::string_view arm;
  double megabytes; // per layer
  bool with_weights;
};
// Width 128, batch 32, Muon, 32 bits (ep.md).
inline constexpr PublishedSlope kPublishedSlopes[] = {
    {"slope beyond weights", "backprop", 0.1331, false},
    {"slope beyond weights", "ep_autograd", 0.1331, false},
    {"slope with weights", "ep_autograd", 0.1992, true},
    {"slope with weights", "ep_manual", 0.2637, true}};
inline constexpr PublishedSlope kActivationSlope{"saved activations", "backprop", 0.0164, false};

// Within the 2 % that the goals allow.
bool is_within_tolerance(double measured, double published);

// MB per layer by regression; NaN where the rows do not tell. The tags sum to the total.
struct SlopeParts {
  double total = results::kAbsentReal;
  double weights = 0, gradients = 0, optimizer = 0, activations = 0, states = 0, workspace = 0;
  std::string depths; // that the regression is over
};
SlopeParts slope_parts(const EpRows& arm, bool with_weights);

struct SlopeVerdict {
  bool matches = false;
  bool explained = false; // another figure, and the parts say why
  std::string text;       // the slope, its parts where they matter, and the explanation
};
SlopeVerdict judge_slope_parts(const SlopeParts& parts, const PublishedSlope& published);

} // namespace peakbench::report
