#include "suite/rank_rows.h"

#include <cmath>

namespace peakbench::suite {

namespace {

std::int64_t whole(double value) {
  return std::isnan(value) ? results::kAbsent : static_cast<std::int64_t>(value);
}

} // namespace

std::vector<results::RankRow> rank_rows(const LaunchRow& launch,
                                        const std::vector<RankOutcome>& outcomes) {
  std::vector<results::RankRow> rows;
  for (const RankOutcome& outcome : outcomes) {
    const RankSummary& summary = outcome.summary;
    results::RankRow& row = rows.emplace_back();
    row.rank = outcome.placement.rank;
    row.ranks = static_cast<std::int64_t>(outcomes.size());
    row.started = launch.started;
    row.host = outcome.placement.host;
    row.share = launch.share;
    row.gather = launch.gather;
    row.isolate = launch.isolate;
    row.part = launch.part;
    row.ended = outcome.lost ? "lost" : launch.interrupted ? "interrupted" : "done";
    row.environment = outcome.placement.environment;
    row.cases = whole(summary.cases);
    row.restarts = whole(summary.restarts);
    row.start_seconds = summary.start_seconds;
    row.seconds = summary.seconds;
    row.busy_seconds = summary.busy_seconds;
    row.idle_seconds = summary.idle_seconds;
    row.load_seconds = summary.load_seconds;
    row.gathered_bytes = whole(summary.gathered_bytes);
    row.gathering_seconds = summary.gathering_seconds;
  }
  return rows;
}

} // namespace peakbench::suite
