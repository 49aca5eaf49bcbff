// The tables of a run, each from measured rows only; empty lists where there is nothing to show.
#pragma once

#include <vector>

#include "report/report.h"

namespace peakbench::report {

std::vector<Table> eab_tables(const std::vector<results::EabCase>& cases);
// Parts of the above; a part may hold tables without rows.
// The published comparison, and the same of every arm.
std::vector<Table> eab_comparison_tables(const std::vector<results::EabCase>& cases);
// How the figures move with each setting that varies, the prompts' length and their domain.
std::vector<Table> eab_versus_tables(const std::vector<results::EabCase>& cases);
// What sharing saves against every arm that does not share.
std::vector<Table> eab_savings_tables(const std::vector<results::EabCase>& cases);
// Where an arm's time goes, and what decoding several prompts together gains.
std::vector<Table> eab_time_tables(const std::vector<results::EabCase>& cases);
// What the samples are worth, arm by arm.
std::vector<Table> eab_quality_tables(const std::vector<results::EabCase>& cases);
// Does branching follow the prompts' ratings by people?
std::vector<Table> eab_ambiguity_tables(const std::vector<results::EabCase>& cases);
// PASS or FAIL for every goal of eab.md that the cases can tell.
std::vector<Table> eab_criteria_tables(const std::vector<results::EabCase>& cases);
// What the measured trees would hold in models of published sizes.
std::vector<Table> eab_memory_tables(const std::vector<results::EabCase>& cases);
std::vector<Table> ep_tables(const std::vector<results::EpCase>& cases);
// Parts of the above.
struct EpLayout;
std::vector<Table> ep_memory_tables(const EpLayout& layout);
Table ep_time_table(const EpLayout& layout);
Table ep_savings_table(const EpLayout& layout);
// Of analysed cases: what the parts of a step cost, and what a graph keeps for the backward pass.
std::vector<Table> ep_profile_tables(const results::RunData& run);
// PASS or FAIL for every goal of ep.md that the file can tell.
std::vector<Table> ep_criteria_tables(const results::RunData& run);
// What training runs came to, against back-propagation.
std::vector<Table> ep_training_tables(const results::RunData& run);
// Where the peak is and what it is made of, of cases run with --timeline.
std::vector<Table> eab_timeline_tables(const std::vector<results::EabCase>& cases);
std::vector<Table> ep_timeline_tables(const std::vector<results::EpCase>& cases);
// How fast the ranks exchange messages.
std::vector<Table> comm_tables(const std::vector<results::CommCase>& cases);
// How many cases a second more ranks work off, and with what efficiency.
std::vector<Table> scaling_tables(const std::vector<results::ScalingCase>& cases);
// What every rank did.
std::vector<Table> rank_tables(const std::vector<results::RankRow>& ranks);
std::vector<Table> validity_tables(const results::RunData& run);
std::vector<Table> detail_tables(const results::RunData& run);

} // namespace peakbench::report
