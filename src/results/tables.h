// The tables of rows within RunData, for what is done to each of them.
#pragma once

#include <iterator>
#include <utility>

#include "results/layout.h"
#include "results/store.h"

namespace peakbench::results {

// visit(name in the file, member) for every table of cases, of what belongs to them, and of ranks.
template <class Visit>
void for_each_table_member(Visit visit) {
  visit(kEabCases, &RunData::eab);
  visit(kEpCases, &RunData::ep);
  visit(kCommCases, &RunData::comm);
  visit(kScalingCases, &RunData::scaling);
  visit(kEabSamples, &RunData::eab_repeats);
  visit(kEpSamples, &RunData::ep_repeats);
  visit(kCommSamples, &RunData::comm_repeats);
  visit(kScalingSamples, &RunData::scaling_repeats);
  visit(kEpComponents, &RunData::ep_components);
  visit(kEpOperations, &RunData::ep_operations);
  visit(kEpTraining, &RunData::ep_training);
  visit(kRanks, &RunData::ranks);
}

// visit(name in the file, rows)
template <class Data, class Visit>
void for_each_table(Data& data, Visit visit) {
  for_each_table_member([&](const char* name, auto member) { visit(name, data.*member); });
}

// The rows of `more` to the ends of the tables of `all`.
inline void append(RunData& all, RunData& more) {
  for_each_table_member([&](const char*, auto member) {
    auto& rows = all.*member;
    auto& added = more.*member;
    if (rows.empty())
      rows = std::move(added);
    else
      rows.insert(rows.end(), std::make_move_iterator(added.begin()),
                  std::make_move_iterator(added.end()));
    added.clear();
  });
}

} // namespace peakbench::results
