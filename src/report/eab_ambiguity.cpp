// Does branching follow what people find ambiguous? Rank correlation over the prompts.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/eab_arms.h"
#include "report/rank_correlation.h"
#include "report/sections.h"

namespace peakbench::report {

namespace {

using results::EabCase;

constexpr double kAlpha = 0.05;
// The columns that people's rating is held against.
struct Measure {
  const char *name, *unit;
  Figure figure;
  int decimals;
};
constexpr Measure kMeasures[] = {
    {"branches", "", branches, 0},
    {"branch rate", "", [](const EabCase& row) { return row.branch_rate; }, 4},
    {"mean entropy", "", [](const EabCase& row) { return row.mean_entropy; }, 4},
    {"answer entropy", "nats", [](const EabCase& row) { return row.answer_entropy; }, 3}};

struct RatedPrompt {
  std::string id;
  double rating;
  EabRows rows; // one per seed
};

std::vector<RatedPrompt> rated_prompts(const EabRows& rows) {
  std::vector<RatedPrompt> prompts;
  for (const EabCase* row : rows) {
    if (std::isnan(row->prompt_rating))
      continue;
    const auto same = [&](const RatedPrompt& prompt) {
      return prompt.id == row->prompt_id && prompt.rows.front()->prompt_hash == row->prompt_hash;
    };
    auto found = std::ranges::find_if(prompts, same);
    if (found == prompts.end())
      found = prompts.insert(found, {row->prompt_id, row->prompt_rating, {}});
    found->rows.push_back(row);
  }
  std::ranges::sort(prompts, [](const RatedPrompt& a, const RatedPrompt& b) {
    return std::pair(a.rating, a.id) < std::pair(b.rating, b.id);
  });
  return prompts;
}

std::string verdict(const RankCorrelation& found) {
  if (!(found.p < kAlpha))
    return "cannot tell";
  return found.rho > 0 ? "rises with the rating" : "falls with the rating";
}

} // namespace

std::vector<Table> eab_ambiguity_tables(const EabCases& cases) {
  const ArmDecode subject = subject_of(cases);
  const EabGrouping grouping = group_rows(cases, kEabCompared);
  const std::string of = fmt::format(": {}, {}", subject.arm, subject.decode);
  std::vector<Column> columns{{"prompt", "", true}, {"rating", ""}, {"samples", ""}};
  for (const Measure& measure : kMeasures)
    columns.push_back({measure.name, measure.unit});
  Table prompts = table_of("EAB: rating by people and branching" + of, grouping, columns);
  Table correlations = table_of("EAB: does branching follow the rating (Spearman)" + of, grouping,
                                {{"figure", "", true},
                                 {"prompts", ""},
                                 {"rho", ""},
                                 {"p", ""},
                                 {"p by", "", true},
                                 {"verdict", "", true}});
  for (const auto& group : grouping.groups) {
    const std::vector<RatedPrompt> rated = rated_prompts(finished(rows_of(group.rows, subject)));
    if (rated.empty())
      continue;
    std::vector<double> ratings;
    for (const RatedPrompt& prompt : rated) {
      ratings.push_back(prompt.rating);
      std::vector<std::string> cells{prompt.id, number(prompt.rating),
                                     whole(median_over(prompt.rows, samples))};
      for (const Measure& measure : kMeasures) {
        const double value = median_over(prompt.rows, measure.figure);
        cells.push_back(measure.decimals ? fixed(value, measure.decimals) : whole(value));
      }
      prompts.rows.push_back(joined(group.setting, cells));
    }
    for (const Measure& measure : kMeasures) {
      std::vector<double> values(rated.size());
      std::ranges::transform(rated, values.begin(), [&](const RatedPrompt& prompt) {
        return median_over(prompt.rows, measure.figure);
      });
      const RankCorrelation found = rank_correlation(ratings, values);
      correlations.rows.push_back(
          joined(group.setting,
                 {measure.name, std::to_string(found.pairs), fixed(found.rho, 3), number(found.p),
                  found.method.empty() ? kNothing : std::string(found.method), verdict(found)}));
    }
  }
  correlations.notes.push_back(fmt::format(
      "Spearman's rho over the prompts, average ranks for ties; p is two-sided: the share of all "
      "permutations up to 9 prompts, Student's t with n - 2 degrees of freedom beyond. Cannot "
      "tell: p is {} or more, or one of the two does not vary. {} figures are tried, so one of "
      "them alone with p near {} means little.",
      kAlpha, std::size(kMeasures), kAlpha));
  return {prompts, correlations};
}

} // namespace peakbench::report
