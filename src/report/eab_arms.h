// EAB cases by arm and decode, and comparisons prompt by prompt.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "report/groups.h"

namespace peakbench::report {

using EabRows = Rows<results::EabCase>;
using EabCases = std::vector<results::EabCase>;
using EabGrouping = Grouping<results::EabCase>;

// What the EAB tables compare or take medians over.
inline constexpr std::string_view kEabCompared[] = {"prompt_id", "prompt_hash", "domain",
                                                    "arm",       "decode",      "seed"};

struct ArmDecode {
  std::string_view arm, decode;
};
// In the order of the tables.
inline constexpr ArmDecode kEabOrder[] = {{"naive", "per_path"},       {"naive_batched", "batched"},
                                          {"prefill_once", "batched"}, {"original", "per_path"},
                                          {"original", "batched"},     {"cow", "per_path"},
                                          {"cow", "batched"}};

EabRows rows_of(const EabRows& rows, const ArmDecode& which);
// The first of the two decodes that has rows.
EabRows rows_preferring(const EabRows& rows, std::string_view arm, std::string_view decode);

using Figure = double (*)(const results::EabCase&);
// A prompt (and seed) that two arms finished, with the figure of each.
struct Pair {
  double own = 0, other = 0;
};
std::vector<Pair> pairs_of(const EabRows& rows, const EabRows& baseline, Figure figure);
// Median over the pairs of own / other.
double paired_ratio(const EabRows& rows, const EabRows& baseline, Figure figure);
// Median over the pairs of other / own, of times. Not 1 / paired_ratio: between the two middle ones
// of an even number of prompts that is another figure.
double paired_speed_up(const EabRows& rows, const EabRows& baseline);

// Figures; NaN where absent.
double wall(const results::EabCase& row);
double peak_megabytes(const results::EabCase& row);
double kv_megabytes(const results::EabCase& row);
double kv_over_bound(const results::EabCase& row);
double samples(const results::EabCase& row);
double branches(const results::EabCase& row);
double computed_tokens(const results::EabCase& row); // prompts included
double megabytes(std::int64_t bytes);
double percent_saved(double ratio);

// The branching arm that a table about EAB alone speaks of: cow before original, batched before
// per_path, and one that finished a case before one that did not. Empty names if none is there.
ArmDecode subject_of(const EabCases& cases);

// Prompts of about one length, shortest and longest: at most a quarter longer.
using Lengths = std::pair<std::int64_t, std::int64_t>;
std::vector<Lengths> lengths_of(const EabRows& rows);
// Is length something that was varied: the longest at least twice the shortest?
bool lengths_vary(const std::vector<Lengths>& lengths);
EabRows rows_within(const EabRows& rows, const Lengths& lengths);
std::string text_of(const Lengths& lengths);
// "medians over 6 prompts, 1 repeat each": what the figures of a picture rest on.
std::string medians_text(const EabRows& rows);

// Interval of the widest case, in percent.
std::string widest_interval(const EabRows& rows);

} // namespace peakbench::report
