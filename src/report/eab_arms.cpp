#include "report/eab_arms.h"

#include <fmt/format.h>

#include <map>
#include <set>
#include <tuple>

#include "report/validity.h"

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

std::vector<Pair> pairs_of(const EabRows& rows, const EabRows& baseline, Figure figure) {
  using Key = std::tuple<std::string, std::string, std::int64_t>;
  const auto by_prompt = [&](const EabRows& all) {
    std::map<Key, std::vector<double>> values;
    for (const EabCase* row : finished(all))
      values[{row->prompt_id, row->prompt_hash, row->seed}].push_back(figure(*row));
    return values;
  };
  const auto below = by_prompt(baseline);
  std::vector<Pair> pairs;
  for (const auto& [key, values] : by_prompt(rows))
    if (const auto other = below.find(key); other != below.end() && median(other->second) > 0)
      pairs.push_back({median(values), median(other->second)});
  return pairs;
}

double paired_ratio(const EabRows& rows, const EabRows& baseline, Figure figure) {
  std::vector<double> ratios;
  for (const Pair& pair : pairs_of(rows, baseline, figure))
    ratios.push_back(pair.own / pair.other);
  return median(ratios);
}

double paired_speed_up(const EabRows& rows, const EabRows& baseline) {
  return paired_ratio(baseline, rows, wall);
}

double wall(const EabCase& row) { return row.wall_seconds; }
double megabytes(std::int64_t bytes) { return real(bytes) / kMegabyte; }
double peak_megabytes(const EabCase& row) { return megabytes(row.peak_bytes); }
double kv_megabytes(const EabCase& row) { return megabytes(row.kv_physical_bytes); }
double kv_over_bound(const EabCase& row) {
  return real(row.kv_physical_bytes) / real(row.kv_bound_bytes);
}
double samples(const EabCase& row) { return real(row.samples); }
double branches(const EabCase& row) { return real(row.branches); }
double computed_tokens(const EabCase& row) {
  return real(row.prefill_tokens) + real(row.decode_forwards);
}
double percent_saved(double ratio) { return 100 * (1 - ratio); }

ArmDecode subject_of(const EabCases& cases) {
  constexpr ArmDecode kBestFirst[] = {
      {"cow", "batched"}, {"cow", "per_path"}, {"original", "batched"}, {"original", "per_path"}};
  for (const bool finished_only : {true, false})
    for (const ArmDecode& which : kBestFirst)
      for (const EabCase& row : cases)
        if (row.arm == which.arm && row.decode == which.decode &&
            (!finished_only || row.status == "ok"))
          return which;
  return {};
}

std::vector<Lengths> lengths_of(const EabRows& rows) {
  std::set<std::int64_t> all;
  for (const EabCase* row : rows)
    if (row->prompt_tokens >= 0)
      all.insert(row->prompt_tokens);
  std::vector<Lengths> ranges;
  for (const std::int64_t length : all)
    if (ranges.empty() || 4 * length > 5 * ranges.back().first)
      ranges.emplace_back(length, length);
    else
      ranges.back().second = length;
  return ranges;
}

bool lengths_vary(const std::vector<Lengths>& lengths) {
  return !lengths.empty() && lengths.back().second >= 2 * lengths.front().first;
}

EabRows rows_within(const EabRows& rows, const Lengths& lengths) {
  EabRows inside;
  for (const EabCase* row : rows)
    if (row->prompt_tokens >= lengths.first && row->prompt_tokens <= lengths.second)
      inside.push_back(row);
  return inside;
}

std::string medians_text(const EabRows& rows) {
  const EabRows ok = finished(rows);
  std::set<std::pair<std::string, std::string>> prompts;
  for (const results::EabCase* row : ok)
    prompts.insert({row->prompt_id, row->prompt_hash});
  const std::string repeats = repeats_each(ok);
  return fmt::format("medians over {} prompt{}{}{}", prompts.size(), prompts.size() == 1 ? "" : "s",
                     repeats.empty() ? "" : ", ", repeats);
}

std::string text_of(const Lengths& lengths) {
  const auto& [shortest, longest] = lengths;
  return shortest == longest ? count(shortest) : count(shortest) + "-" + count(longest);
}

std::string widest_interval(const EabRows& rows) {
  std::vector<double> widths;
  for (const EabCase* row : rows)
    widths.push_back(interval_percent(*row));
  return fixed(greatest(widths), 1);
}

} // namespace peakbench::report
