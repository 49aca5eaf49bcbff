// EAB cases by arm and decode, and comparisons prompt by prompt.
#pragma once

#include <span>
#include <string_view>

#include "report/groups.h"

namespace peakbench::report {

using EabRows = Rows<results::EabCase>;

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

// Median over the prompts (and seeds) that both finished of one's figure / the other's.
using Figure = double (*)(const results::EabCase&);
double paired_ratio(const EabRows& rows, const EabRows& baseline, Figure figure);

// Figures.
double wall(const results::EabCase& row);
double peak_megabytes(const results::EabCase& row);

// Interval of the widest case, in percent.
std::string widest_interval(const EabRows& rows);

} // namespace peakbench::report
