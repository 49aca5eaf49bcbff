// peakbench-aggregate as a user runs it, in a folder with a results file of known figures.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "report/examples.h"
#include "results/examples.h"
#include "results/in_memory.h"
#include "results/python.h"
#include "results/store.h"

namespace peakbench::testing {

class AggregateRun : public ::testing::Test {
protected:
  using Eab = std::vector<results::EabCase>;
  using Ep = std::vector<results::EpCase>;

  // Cases, and of each `repeats` repeats around its time, 2 % apart at most.
  std::string write(const std::string& name, const Eab& eab, const Ep& ep, int repeats = 0) {
    const std::string path = scratch_ / name;
    results::Store store = results::Store::create(path, results::testing::example_info());
    for (const auto& row : eab)
      store.append(results::EabRow{row, around(row.case_id, row.wall_seconds, repeats), {}});
    for (const auto& row : ep)
      store.append(
          results::EpRow{row, around(row.case_id, row.step_seconds, repeats), {}, {}, {}, {}});
    return path;
  }
  results::testing::Output run(const std::string& arguments) const {
    return results::testing::run_program(command(arguments));
  }
  // Without what goes to the standard error.
  std::string output(const std::string& arguments) const {
    return results::testing::run_program("( " + command(arguments) + " 2>/dev/null )").text;
  }

  const results::testing::InMemory memory_;
  const ScratchFolder& scratch_ = *memory_;

private:
  std::string command(const std::string& arguments) const {
    using results::testing::quoted;
    return "cd " + quoted(scratch_.path()) + " && " + quoted(PEAKBENCH_AGGREGATE) + " " + arguments;
  }
  static std::vector<results::RepeatRow> around(const std::string& id, double seconds, int count) {
    std::vector<results::RepeatRow> rows;
    for (int i = 0; i < count; ++i) {
      const double place = count == 1 ? 0 : (i * 7 % count) / (count - 1.0) - 0.5;
      rows.push_back({id, i, seconds * (1 + 0.02 * place), 1, 1, 1});
    }
    return rows;
  }
};

} // namespace peakbench::testing
