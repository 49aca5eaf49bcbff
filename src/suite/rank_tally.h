// What rank 0 knows of every rank's share of a launch, also of ranks that are lost before its end.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "results/records.h"
#include "suite/case_runner.h"

namespace peakbench::suite {

// Of one rank. What is not known is absent.
struct RankSummary {
  double cases = 0, restarts = 0;
  double start_seconds = 0; // until the process for the cases was ready
  double seconds = 0, busy_seconds = 0, idle_seconds = 0, load_seconds = 0;
  double gathered_bytes = 0, gathering_seconds = 0;
};
std::vector<double> values_of(const RankSummary& summary);
RankSummary summary_of(const std::vector<double>& values);

// What became of a rank.
struct RankOutcome {
  Placement placement;
  RankSummary summary;
  bool lost = false;
};

// A rank's summary on the same way as its cases, after the last of them: no collective call can be
// made any more once ranks are lost.
std::string summary_message(const RankSummary& summary);
// Nothing if the message is a case's.
std::optional<RankSummary> summary_in(const std::string& message);

// On rank 0, told of what comes from the others.
class RankTally {
public:
  explicit RankTally(const std::vector<Placement>& placements);
  void note_case(int from, double bytes);
  void note_summary(int from, const RankSummary& summary);
  void note_loss(int rank);
  // At the end, with rank 0's own. The others' time goes on from their summary until now. Of a
  // lost rank what came before: its cases, and their bytes.
  std::vector<RankOutcome> outcomes(const RankSummary& own) const;

private:
  using Clock = std::chrono::steady_clock;
  struct Known {
    Placement placement;
    double cases = 0, bytes = 0;
    std::optional<RankSummary> summary;
    Clock::time_point told_at{};
    bool lost = false;
  };
  std::vector<Known> ranks_;
};

} // namespace peakbench::suite
