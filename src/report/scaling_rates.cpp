#include "report/scaling_rates.h"

#include <cmath>
#include <map>
#include <utility>

namespace peakbench::report {

namespace {

using results::ScalingCase;
constexpr std::string_view kCompared[] = {"mode", "share", "ranks"};

ScalingRate rate_of(std::int64_t ranks, const Rows<ScalingCase>& rows) {
  const Rows<ScalingCase> ok = finished(rows);
  const auto over = [&](auto get) { return median_over(ok, get); };
  const auto rate_in = [](const ScalingCase& row, double seconds) {
    return real(row.cases) / seconds;
  };
  ScalingRate rate;
  rate.ranks = ranks;
  rate.rows = rows;
  rate.seconds = over([](const ScalingCase& row) { return row.seconds; });
  rate.cases_per_second = over([](const ScalingCase& row) { return row.cases_per_second; });
  rate.low = over([&](const ScalingCase& row) { return rate_in(row, row.seconds_upper); });
  rate.high = over([&](const ScalingCase& row) { return rate_in(row, row.seconds_lower); });
  rate.idle_share = over([](const ScalingCase& row) {
    return row.idle_seconds / (row.busy_seconds + row.idle_seconds);
  });
  return rate;
}

void compare(std::vector<ScalingRate>& rates) {
  const ScalingRate* fewest = nullptr;
  for (ScalingRate& rate : rates) {
    if (!fewest && !std::isnan(rate.cases_per_second))
      fewest = &rate;
    rate.speedup = rate.efficiency = results::kAbsentReal;
    if (!fewest)
      continue;
    rate.fewest_ranks = fewest->ranks;
    rate.speedup = rate.cases_per_second / fewest->cases_per_second;
    rate.efficiency = rate.speedup * real(fewest->ranks) / real(rate.ranks);
  }
}

} // namespace

ScalingLines scaling_lines(const std::vector<ScalingCase>& cases) {
  ScalingLines result;
  if (cases.empty())
    return result;
  result.grouping = group_rows(cases, kCompared);
  for (const auto& group : result.grouping.groups) {
    // Strong before weak, dynamic before static.
    std::map<std::pair<std::string, std::string>, std::map<std::int64_t, Rows<ScalingCase>>> parts;
    for (const ScalingCase* row : group.rows)
      parts[{row->mode, row->share}][row->ranks].push_back(row);
    for (const auto& [name, by_ranks] : parts) {
      ScalingLine line{name.first, name.second, group.setting, {}};
      for (const auto& [ranks, rows] : by_ranks)
        line.rates.push_back(rate_of(ranks, rows));
      compare(line.rates);
      result.lines.push_back(std::move(line));
    }
  }
  return result;
}

} // namespace peakbench::report
