// The process beside a rank that runs its cases: what the rank tells it, and what it answers.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "suite/case_runner.h"
#include "suite/config.h"

namespace peakbench::suite {

// The first frame. The answer is a Ready.
struct WorkerJob {
  std::string yaml, path;
  std::vector<std::string> overrides;
  int copies = 0; // of the workload; 0: the configuration itself
  Placement placement;
};
std::string to_frame(const WorkerJob& job);
WorkerJob job_of(const std::string& frame);

struct WorkerReady {
  std::string plan_hash, error; // one of them is empty
};
std::string to_frame(const WorkerReady& ready);
WorkerReady ready_of(const std::string& frame);

// Every later frame to the worker is the number of a case; the answer is:
struct WorkerAnswer {
  std::string message; // results::to_message
  double load_seconds = 0;
  std::string error; // what no case could survive
};
std::string to_frame(const WorkerAnswer& answer);
WorkerAnswer answer_of(const std::string& frame);

// `peakbench worker`: serves until the other end is closed. Signals that end a run are left to the
// rank.
int worker_command();

} // namespace peakbench::suite
