// Jobs on the cluster that cluster.sh started, and the results of their runs.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "results/store.h"
#include "support/support.h"

namespace peakbench::testing {

// A tiny EP plan, 25 cases, on the CPU.
extern const char* const kTinyPlan;
// Options of `peakbench run` that make each of its cases last a moment, and one that stands still
// be dropped soon after a signal.
extern const char* const kSlowly;

class SlurmTest : public ::testing::Test {
protected:
  void SetUp() override; // skips by name where there is no cluster
  void TearDown() override;

  std::string file(const std::string& name) const { return (scratch_ / name).string(); }
  // Runs a command in the scratch folder, where tiny.yaml lies; what it prints and its status.
  struct Ended {
    int status = 0;
    std::string output;
  };
  Ended shell(const std::string& command) const;
  // sbatch OPTIONS jobs/SCRIPT ARGUMENTS: the job's number. Its log becomes log-NUMBER.
  std::string submit(const std::string& options, const std::string& script,
                     const std::string& arguments) const;
  // Waits for its end: "COMPLETED 0", "FAILED 3", ...
  std::string wait_for(const std::string& job) const;
  std::string field_of(const std::string& job, const std::string& name) const;
  std::string log_of(const std::string& job) const;
  // Waits until its log tells of so many finished cases, with the cases of one rank standing still:
  // the run does not come to its end before a signal does, however late that is.
  bool held_at_cases(const std::string& job, std::size_t count) const;
  // Until it is so, for as long as a job is waited for.
  static bool in_time(const std::function<bool()>& so);

  // What `mpirun -n 1 peakbench run tiny.yaml` gives.
  results::RunData plain_run(const std::string& options = "") const;

  ScratchFolder scratch_;
};

// All columns of all cases but times, placement and what the process weighs, by case.
std::map<std::string, std::string> contents(const results::RunData& data);

} // namespace peakbench::testing
