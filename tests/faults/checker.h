// What must hold of a results file after kills.
#pragma once

#include <map>
#include <set>
#include <string>

#include "results/store.h"

namespace peakbench::testing {

// What the program let be known before it was killed, over all launches on one file.
struct Promised {
  std::set<std::string> reported;         // ids of cases that rank 0 had shown as written
  std::map<std::string, double> measured; // id -> seconds of records that were ok on some disk
};

// From rank 0's progress lines. `id_of`: label -> case id.
std::set<std::string> reported_in(const std::string& output,
                                  const std::map<std::string, std::string>& id_of);
// From `peakbench list`.
std::map<std::string, std::string> ids_by_label(const std::string& list);

// Empty, or what is wrong: a promised case is missing, or was measured again; a case, a repeat or a
// trace is there twice, or not at all.
std::string problem_with(const results::RunData& data, const Promised& promised);
// Empty, or how it differs from what an undisturbed run has found; but for times and placement.
std::string difference(const results::RunData& data, const results::RunData& undisturbed);

} // namespace peakbench::testing
