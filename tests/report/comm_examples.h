// Collective cases with figures chosen by hand.
#pragma once

#include "report/examples.h"

namespace peakbench::report::testing {

inline results::CommCase comm_case(const std::string& operation, std::int64_t bytes,
                                   double seconds) {
  results::CommCase row;
  row.operation = operation;
  row.backend = "auto";
  row.message_bytes = bytes;
  row.ranks = 4;
  row.case_id = results::case_id_of(row);
  row.status = "ok";
  row.validity = "VALID";
  row.transport = "mpi";
  row.hosts = 2;
  row.sent_bytes = bytes;
  row.seconds = seconds;
  row.seconds_lower = 0.8 * seconds;
  row.seconds_upper = 1.25 * seconds;
  row.algorithm_bandwidth = static_cast<double>(bytes) / seconds;
  row.bus_bandwidth = row.algorithm_bandwidth * (operation == "all_reduce" ? 1.5 : 1);
  row.repeats = 10;
  row.stop_reason = "max_repeats";
  return row;
}

// Two sizes of two operations, one wrong result, one that was skipped.
inline results::RunData comm_run() {
  results::RunData run;
  run.path = "comm.h5";
  run.comm = {comm_case("broadcast", 8, 1e-6), comm_case("all_reduce", 16000000, 0.008),
              comm_case("all_reduce", 8, 4e-6), comm_case("broadcast", 16000000, 0.002),
              comm_case("reduce", 8, 1e-6)};
  run.comm.back().validity = "INVALID: rank 1: element 0 of 2 is 1 instead of 2";
  results::CommCase skipped;
  skipped.operation = "reduce";
  skipped.backend = "nccl";
  skipped.message_bytes = 8;
  skipped.ranks = 4;
  skipped.case_id = results::case_id_of(skipped);
  skipped.status = "skipped";
  skipped.reason = "NCCL is not possible: two ranks are on one GPU";
  run.comm.push_back(skipped);
  return run;
}

} // namespace peakbench::report::testing
