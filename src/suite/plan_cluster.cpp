#include "suite/plan_cluster.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <vector>

#include "results/fields.h"

namespace peakbench::suite {

namespace {

// Collectives are short; what a case of them costs is its set-up.
constexpr double kCommSeconds = 1;

// 1, 2, 4, ... and all.
std::vector<std::int64_t> doubling(int ranks) {
  std::set<std::int64_t> counts{ranks};
  for (std::int64_t count = 1; count < ranks; count *= 2)
    counts.insert(count);
  return {counts.begin(), counts.end()};
}

void add_comm(const CommConfig& comm, int ranks, Plan& plan) {
  const std::vector<std::int64_t> all{ranks};
  for (const std::string& operation : comm.operation)
    for (const std::string& backend : comm.backend)
      for (const std::int64_t count : comm.ranks.empty() ? all : comm.ranks)
        for (const std::int64_t bytes : comm.bytes) {
          CommPlanned planned;
          planned.record.operation = operation;
          planned.record.backend = backend;
          planned.record.message_bytes = bytes;
          planned.record.ranks = count;
          plan.comm.push_back(planned);
        }
}

void add_scaling(const Config& config, int ranks, Plan& plan) {
  const ScalingConfig& scaling = *config.scaling;
  const std::string workload = make_plan(workload_of(config, 1)).hash;
  for (const std::string& mode : scaling.mode)
    for (const std::string& share : scaling.share)
      for (const std::int64_t count : scaling.ranks.empty() ? doubling(ranks) : scaling.ranks) {
        ScalingPlanned planned;
        planned.record.mode = mode;
        planned.record.share = share;
        planned.record.ranks = count;
        planned.record.workload = workload;
        planned.record.isolate = config.cluster.isolate == "none" ? "none" : "process";
        plan.scaling.push_back(planned);
      }
}

} // namespace

Config workload_of(const Config& config, int copies) {
  Config work = config;
  work.comm.reset();
  work.scaling.reset();
  work.timeline = false; // its cases are not recorded
  work.seed.clear();
  const std::int64_t first = config.seed.front();
  for (int copy = 0; copy < copies; ++copy)
    work.seed.push_back(first + copy);
  return work;
}

void add_cluster_cases(const Config& config, int ranks, Plan& plan) {
  if (config.comm)
    add_comm(*config.comm, ranks, plan);
  if (config.scaling)
    add_scaling(config, ranks, plan);
}

void number_cluster_cases(Plan& plan) {
  for (std::size_t i = 0; i < plan.comm.size(); ++i) {
    results::CommCase& record = plan.comm[i].record;
    record.case_id = results::case_id_of(record);
    plan.cases.push_back({Kind::comm, i, record.case_id, kCommSeconds, "", ""});
  }
  for (std::size_t i = 0; i < plan.scaling.size(); ++i) {
    results::ScalingCase& record = plan.scaling[i].record;
    record.case_id = results::case_id_of(record);
    plan.cases.push_back({Kind::scaling, i, record.case_id, kCommSeconds, "", ""});
  }
}

std::string cluster_label(const Plan& plan, const PlannedCase& one) {
  if (one.kind == Kind::comm) {
    const results::CommCase& record = plan.comm[one.index].record;
    return fmt::format("comm {} {} {} bytes, {} ranks", record.operation, record.backend,
                       record.message_bytes, record.ranks);
  }
  const results::ScalingCase& record = plan.scaling[one.index].record;
  return fmt::format("scaling {} {}, {} ranks", record.mode, record.share, record.ranks);
}

} // namespace peakbench::suite
