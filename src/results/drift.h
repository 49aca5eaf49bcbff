// Whether rows of /environment differ in what can change a measurement.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "results/records.h"
#include "results/store.h"

namespace peakbench::results {

struct Drift {
  std::string name;                // of the column
  std::vector<std::string> before; // distinct values, sorted
  std::vector<std::string> now;
};

// Rows of /environment that cases of the run are of, each once.
std::vector<EnvironmentRow> environments_of_cases(const RunData& run);

// Columns (devices, drivers, libraries, threads, our own version) whose values are others in `now`
// than in `before`.
std::vector<Drift> drift_between(std::span<const EnvironmentRow> before,
                                 std::span<const EnvironmentRow> now);
// Columns that have several values: `before` holds them all.
std::vector<Drift> drift_among(std::span<const EnvironmentRow> rows);

// "torch 2.10.0 before, 2.11.0 now; threads 1, 2 before, 4 now"
std::string text_of(std::span<const Drift> drifts);

} // namespace peakbench::results
