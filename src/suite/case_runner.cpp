#include "suite/case_runner.h"

#include "base/error.h"
#include "cluster/devices.h"
#include "results/store.h"
#include "suite/eab_runner.h"
#include "suite/environment.h"
#include "suite/ep_runner.h"

namespace peakbench::suite {

namespace {

template <class Row>
std::string addressed(Row row, const Placement& placement) {
  row.record.rank = placement.rank;
  row.record.host = placement.host;
  row.record.device = device_name(placement.device);
  row.record.environment = placement.environment;
  return results::to_message(row);
}

class RunnerHere final : public CaseRunner {
public:
  RunnerHere(const Plan& plan, const Config& config, const Placement& placement, Traces traces)
      : plan_(plan), config_(config), placement_(placement), traces_(traces),
        eab_(plan, config, placement.device, {.stopped = [this] { return dropped_(); }}) {}

  std::optional<CaseResult> run(std::size_t index, const std::function<bool()>& dropped) override {
    dropped_ = dropped;
    const PlannedCase& one = plan_.cases[index];
    try {
      CaseResult finished;
      if (one.kind == Kind::eab)
        finished.message = addressed(eab_.run(plan_.eab[one.index]), placement_);
      else
        finished.message = addressed(
            run_ep_case(plan_.ep[one.index], config_, placement_.device, Looks::at_everything,
                        dropped, traces_ == Traces::apart ? &finished.trace : nullptr),
            placement_);
      cluster::release_cached_memory(placement_.device);
      return finished;
    } catch (const Interrupted&) {
      return std::nullopt;
    }
  }
  double load_seconds() const override { return eab_.load_seconds(); }

private:
  const Plan& plan_;
  const Config& config_;
  Placement placement_;
  Traces traces_;
  std::function<bool()> dropped_ = [] { return false; };
  EabRunner eab_;
};

} // namespace

std::unique_ptr<CaseRunner> runner_here(const Plan& plan, const Config& config,
                                        const Placement& placement, Traces traces) {
  return std::make_unique<RunnerHere>(plan, config, placement, traces);
}

bool runs_beside(const Config& config) {
  const ClusterConfig& cluster = config.cluster;
  return cluster.isolate == "process" || (cluster.isolate == "auto" && cluster.gather != "nccl");
}

} // namespace peakbench::suite
