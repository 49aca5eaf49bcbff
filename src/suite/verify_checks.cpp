#include "suite/verify_checks.h"

#include <fmt/format.h>

#include <algorithm>

namespace peakbench::suite {

measure::Check control(const std::string& what, const std::string& goal,
                       const std::string& measured, bool failed) {
  return {"control: " + what, fmt::format("to fail ({})", goal),
          measured + (failed ? ": fails as it must" : ": passes, so that the check tells nothing"),
          failed};
}

measure::Check check_of(const report::Criterion& criterion) {
  std::string name = criterion.name + " of " + criterion.arm;
  if (criterion.verdict != report::Verdict::not_measured)
    name += " at depth " + criterion.at;
  const bool passed =
      criterion.verdict == report::Verdict::pass || criterion.verdict == report::Verdict::explained;
  return {name, criterion.goal,
          criterion.verdict == report::Verdict::not_measured ? "nothing: not measured"
          : criterion.verdict == report::Verdict::explained  ? "(explained) " + criterion.measured
                                                             : criterion.measured,
          passed};
}

bool all_passed(const Checks& checks) {
  return std::ranges::all_of(checks, [](const measure::Check& one) { return one.passed; });
}

std::string checks_text(const std::string& device, const Checks& checks) {
  std::string text;
  for (const measure::Check& check : checks)
    text +=
        fmt::format("{} {:6} {}: expected {}, measured {}\n", check.passed ? "ok    " : "FAILED",
                    device, check.name, check.expected, check.measured);
  return text;
}

} // namespace peakbench::suite
