#include <fmt/format.h>

#include <optional>
#include <set>

#include "base/deadline.h"
#include "cluster/collectives.h"
#include "cluster/devices.h"
#include "suite/collective_case.h"
#include "suite/comm_measure.h"
#include "suite/interrupt.h"

namespace peakbench::suite {

namespace {

// A signal leaves the case its time of grace, a second one none.
class Grace {
public:
  explicit Grace(double seconds) : seconds_(seconds) {}
  bool is_over() {
    if (InterruptWatch::at_once())
      return true;
    if (!InterruptWatch::interrupted())
      return false;
    if (!since_)
      since_.emplace();
    return since_->elapsed_seconds() > seconds_;
  }

private:
  double seconds_;
  std::optional<Deadline> since_;
};

std::int64_t count_hosts(const cluster::Session& session) {
  const std::vector<std::string> all = session.gather(session.host());
  return static_cast<std::int64_t>(std::set<std::string>(all.begin(), all.end()).size());
}

// On the ranks that take part.
void measure_here(const cluster::Session& session, const Config& config, const Placement& placement,
                  results::CommRow& row) {
  results::CommCase& record = row.record;
  record.hosts = count_hosts(session);
  const std::string obstacle =
      record.backend == "mpi" ? "" : cluster::nccl_obstacle(session, placement.device);
  if (record.backend == "nccl" && !obstacle.empty()) {
    record.status = "skipped";
    record.reason = "NCCL is not possible: " + obstacle;
    return;
  }
  const auto by = record.backend == "mpi" || !obstacle.empty() ? cluster::GatherBy::mpi
                                                               : cluster::GatherBy::nccl;
  record.transport = cluster::name_of(by);
  Grace grace(config.cluster.grace_seconds);
  const CommLimits limits{config.repeats, config.case_time_limit_seconds,
                          [&] { return grace.is_over(); }};
  std::unique_ptr<cluster::Collectives> collectives;
  Outcome outcome = done_together(session, [&] {
    collectives =
        cluster::make_collectives(session, by, placement.device, config.case_time_limit_seconds);
  });
  if (outcome.status == "ok")
    outcome = measure_collective(session, *collectives, limits, row);
  record.status = outcome.status == "interrupted" ? "" : outcome.status;
  record.reason = outcome.reason;
}

} // namespace

results::CommRow run_comm_case(const cluster::Session& session, const CommPlanned& planned,
                               const Config& config, const Placement& placement) {
  results::CommRow row;
  row.record = planned.record;
  if (planned.record.ranks > session.size()) {
    row.record.status = "skipped";
    row.record.reason =
        fmt::format("the run has {} rank{}", session.size(), session.size() == 1 ? "" : "s");
    return row;
  }
  if (const auto part = session.of_first(static_cast<int>(planned.record.ranks))) {
    measure_here(*part, config, placement, row);
    cluster::release_cached_memory(placement.device);
  }
  session.barrier(); // those that take no part wait here, quietly
  return row;
}

} // namespace peakbench::suite
