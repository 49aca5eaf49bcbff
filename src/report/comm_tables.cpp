// The collectives: time and bandwidth over message sizes.
#include <algorithm>
#include <tuple>

#include "report/numbers.h"
#include "report/sections.h"
#include "report/validity.h"

namespace peakbench::report {

namespace {

using results::CommCase;

constexpr double kGigabyte = 1e9;

// Bytes a second.
std::string gigabytes(double bandwidth) { return number(bandwidth / kGigabyte); }
std::string microseconds(double seconds) { return number(1e6 * seconds); }

std::string interval(const CommCase& row) {
  if (row.repeats < 2)
    return kNothing;
  return microseconds(row.seconds_lower) + " to " + microseconds(row.seconds_upper);
}

// In one word; the reasons stand below, among the cases that are not ok.
std::string verdict(const CommCase& row) {
  return row.status == "ok" ? row.validity.substr(0, row.validity.find(':')) : row.status;
}

} // namespace

std::vector<Table> comm_tables(const std::vector<CommCase>& cases) {
  if (cases.empty())
    return {};
  std::vector<const CommCase*> rows;
  for (const CommCase& row : cases)
    rows.push_back(&row);
  std::ranges::stable_sort(rows, {}, [](const CommCase* row) {
    return std::tie(row->operation, row->backend, row->ranks, row->message_bytes);
  });
  Table table;
  table.title = "Collectives";
  table.columns = {{"operation", "", true},
                   {"backend", "", true},
                   {"ranks", ""},
                   {"size", "bytes"},
                   {"over", "", true},
                   {"hosts", ""},
                   {"sent", "bytes"},
                   {"n", ""},
                   {"time", "us"},
                   {"interval", "us"},
                   {"algorithm bandwidth", "GB/s"},
                   {"bus bandwidth", "GB/s"},
                   {"validity", "", true}};
  table.settings = 4;
  for (const CommCase* row : rows)
    table.rows.push_back(
        {row->operation, row->backend, count(row->ranks), count(row->message_bytes),
         row->transport.empty() ? kNothing : row->transport, count(row->hosts),
         count(row->sent_bytes), count(row->repeats), microseconds(row->seconds), interval(*row),
         gigabytes(row->algorithm_bandwidth), gigabytes(row->bus_bandwidth), verdict(*row)});
  table.notes.push_back("Time of one operation on the slowest rank, median of n repeats. Size as "
                        "nccl-tests counts it: "
                        "of the whole result of all_gather, else of one rank's buffer; sent: in "
                        "whole elements. GB = 10^9 bytes.");
  table.notes.push_back("Algorithm bandwidth: sent bytes / time; bus bandwidth: that x (n-1)/n "
                        "(all_gather), x 2(n-1)/n (all_reduce), x 1 (broadcast, reduce). mpi: host "
                        "memory; nccl: GPU memory.");
  table.validity = validity_of(cases);
  return {table};
}

} // namespace peakbench::report
