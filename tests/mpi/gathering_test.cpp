// The whole program: what ranks send to rank 0 arrives, and the collectives are measured and kept.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <set>

#include "launcher.h"
#include "results/python.h"
#include "results/store.h"
#include "support/support.h"

namespace peakbench::testing {
namespace {

namespace fs = std::filesystem;
using results::testing::quoted;
using ::testing::HasSubstr;

constexpr const char* kEp = R"(
name: tiny
repeats: {warm_up: 0, min: 1, max: 1}
device: cpu
ep: {arms: [backprop, ep_fused, truncated_backprop], depths: [8, 9], width: 16, batch: 8, steps: 5}
)";

constexpr const char* kComm = R"(
name: comm
repeats: {warm_up: 1, min: 3, max: 3}
device: cpu
comm:
  operation: [all_gather, all_reduce, broadcast, reduce]
  backend: [mpi, nccl]
  bytes: [3, 8, 4099]
  ranks: [1, 2, 3]
)";

class GatheringTest : public ::testing::Test {
protected:
  Ended run(const std::string& yaml, int ranks, const std::string& file,
            const std::vector<std::string>& more = {}) const {
    write_file(scratch_ / "config.yaml", yaml);
    std::vector<std::string> arguments{"run", (scratch_ / "config.yaml").string(), "--out",
                                       (scratch_ / file).string()};
    for (const std::string& one : more)
      arguments.insert(arguments.end(), {"--set", one});
    return run_program(ranks, arguments);
  }
  results::RunData load(const std::string& file) const {
    return results::load((scratch_ / file).string());
  }
  ScratchFolder scratch_;
};

std::string bytes_of(const std::vector<double>& values) {
  std::string bytes(values.size() * sizeof(double), '\0');
  if (!values.empty())
    std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

// case id -> its trace, to the bit (NaN where a layer has no gradient).
std::map<std::string, std::string> traces_of(const results::RunData& run) {
  std::map<std::string, std::string> traces;
  for (const results::EpCase& record : run.ep) {
    const results::EpTrace trace = results::load_ep_trace(run.path, record.case_id);
    EXPECT_EQ(trace.gradient_norm.size(), static_cast<std::size_t>(record.depth));
    EXPECT_EQ(trace.cosine_to_backprop.size(), static_cast<std::size_t>(record.depth));
    EXPECT_EQ(trace.energy.empty(), record.arm != "ep_fused");
    traces[record.case_id] = bytes_of(trace.energy) + "|" + bytes_of(trace.gradient_norm) + "|" +
                             bytes_of(trace.cosine_to_backprop);
  }
  return traces;
}

TEST_F(GatheringTest, TracesThroughTheChannelAreThoseOfTheMessage) {
  // In one process beside one rank all of a trace is in the message.
  ASSERT_EQ(run(kEp, 1, "whole.h5", {"cluster={threads: 1}"}).status, 0);
  const auto expected = traces_of(load("whole.h5"));
  ASSERT_EQ(expected.size(), 6u);
  std::set<std::string> distinct;
  for (const auto& [id, trace] : expected)
    distinct.insert(trace);
  EXPECT_EQ(distinct.size(), 6u) << "else traces of other cases would pass, too";
  for (const int ranks : {1, 2, 4}) {
    const std::string file = "apart" + std::to_string(ranks) + ".h5";
    const Ended ended =
        run(kEp, ranks, file, {"cluster={threads: 1, isolate: none, share: static}"});
    ASSERT_EQ(ended.status, 0) << ended.output;
    EXPECT_EQ(traces_of(load(file)), expected) << ranks;
  }
}

TEST_F(GatheringTest, WhatWasSentIsCounted) {
  for (const char* isolate : {"none", "process"}) {
    const std::string file = std::string(isolate) + ".h5";
    ASSERT_EQ(run(kEp, 2, file,
                  {"cluster={threads: 1, share: static, isolate: " + std::string(isolate) + "}"})
                  .status,
              0);
    const results::RunData data = load(file);
    ASSERT_EQ(data.ranks.size(), 2u);
    for (const results::RankRow& row : data.ranks) {
      EXPECT_EQ(row.gather, "mpi");
      EXPECT_EQ(row.isolate, isolate);
      std::int64_t values = 0; // of traces
      for (const results::EpCase& record : data.ep)
        if (record.rank == row.rank)
          values += 2 * record.depth;
      ASSERT_GT(values, 0) << "static sharing gives every rank some";
      if (row.rank == 0) {
        EXPECT_EQ(row.gathered_bytes, 0) << "rank 0 sends to nobody";
        EXPECT_EQ(row.gathering_seconds, 0);
      } else {
        EXPECT_GT(row.gathered_bytes, values * 8) << "traces, and the records they belong to";
        EXPECT_GT(row.gathering_seconds, 0);
      }
    }
  }
}

TEST_F(GatheringTest, CollectivesAreMeasuredAndKept) {
  const Ended ended = run(kComm, 2, "comm.h5");
  EXPECT_EQ(ended.status, 1) << "some cases are skipped" << ended.output;
  const results::RunData data = load("comm.h5");
  ASSERT_EQ(data.comm.size(), 4u * 2 * 3 * 3);
  std::map<std::string, int> statuses;
  for (const results::CommCase& record : data.comm) {
    ++statuses[record.status];
    if (record.ranks > 2) {
      EXPECT_THAT(record.reason, HasSubstr("the run has 2 ranks"));
    } else if (record.backend == "nccl") {
      EXPECT_THAT(record.reason, HasSubstr("NCCL is not possible: "));
    } else {
      EXPECT_EQ(record.validity, "VALID");
      EXPECT_GT(record.seconds, 0);
      EXPECT_EQ(record.hosts, 1);
    }
  }
  EXPECT_EQ(statuses["ok"], 4 * 3 * 2);
  EXPECT_EQ(statuses["skipped"], 4 * 3 * 4);
  EXPECT_EQ(data.comm_repeats.size(), 4u * 3 * 2 * 3);
}

TEST_F(GatheringTest, H5pyReadsTheCollectives) {
  PEAKBENCH_NEEDS_PYTHON(python, "h5py");
  ASSERT_EQ(run(kComm, 2, "comm.h5", {"comm.backend=mpi", "comm.ranks=[2]"}).status, 0);
  write_file(scratch_ / "read.py", R"(
import h5py
file = h5py.File('comm.h5', 'r')
cases, samples = file['/comm/cases'][:], file['/comm/samples'][:]
assert len(cases) == 12 and len(samples) == 36, (len(cases), len(samples))
for case in cases:
    n, sent = case['ranks'], case['sent_bytes']
    factor = {b'all_gather': (n - 1) / n, b'all_reduce': 2 * (n - 1) / n}.get(case['operation'], 1)
    assert abs(case['algorithm_bandwidth'] - sent / case['seconds']) <= 1e-9 * case['algorithm_bandwidth']
    assert abs(case['bus_bandwidth'] - factor * case['algorithm_bandwidth']) <= 1e-9 * case['bus_bandwidth']
    mine = sorted(s['seconds'] for s in samples if s['case_id'] == case['case_id'])
    assert len(mine) == 3 and mine[1] == case['seconds']
print('good')
)");
  const auto output = results::testing::run_program("cd " + quoted(scratch_.path().string()) +
                                                    " && " + python + " read.py");
  EXPECT_EQ(output.text, "good\n");
}

} // namespace
} // namespace peakbench::testing
