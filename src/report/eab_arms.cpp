#include "report/eab_arms.h"

#include <map>
#include <tuple>

namespace peakbench::report {

using results::EabCase;

EabRows rows_of(const EabRows& rows, const ArmDecode& which) {
  EabRows found;
  for (const EabCase* row : rows)
    if (row->arm == which.arm && row->decode == which.decode)
      found.push_back(row);
  return found;
}

EabRows rows_preferring(const EabRows& rows, std::string_view arm, std::string_view decode) {
  EabRows found = rows_of(rows, {arm, decode});
  if (!finished(found).empty())
    return found;
  EabRows other = rows_of(rows, {arm, decode == "batched" ? "per_path" : "batched"});
  return found.empty() || !finished(other).empty() ? other : found;
}

double paired_ratio(const EabRows& rows, const EabRows& baseline, Figure figure) {
  using Key = std::tuple<std::string, std::string, std::int64_t>;
  const auto by_prompt = [&](const EabRows& all) {
    std::map<Key, std::vector<double>> values;
    for (const EabCase* row : finished(all))
      values[{row->prompt_id, row->prompt_hash, row->seed}].push_back(figure(*row));
    return values;
  };
  const auto below = by_prompt(baseline);
  std::vector<double> ratios;
  for (const auto& [key, values] : by_prompt(rows))
    if (const auto other = below.find(key); other != below.end() && median(other->second) > 0)
      ratios.push_back(median(values) / median(other->second));
  return median(ratios);
}

double wall(const EabCase& row) { return row.wall_seconds; }
double peak_megabytes(const EabCase& row) { return real(row.peak_bytes) / kMegabyte; }

std::string widest_interval(const EabRows& rows) {
  std::vector<double> widths;
  for (const EabCase* row : rows)
    widths.push_back(interval_percent(*row));
  return fixed(greatest(widths), 1);
}

} // namespace peakbench::report
