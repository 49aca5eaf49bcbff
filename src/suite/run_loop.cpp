#include "suite/run_loop.h"

#include <unistd.h>

#include <iostream>
#include <map>
#include <optional>
#include <string>

#include "base/error.h"
#include "cluster/collector.h"
#include "cluster/devices.h"
#include "cluster/sharing.h"
#include "suite/eab_runner.h"
#include "suite/environment.h"
#include "suite/ep_runner.h"
#include "suite/interrupt.h"
#include "suite/progress.h"
#include "suite/selection.h"

namespace peakbench::suite {

namespace {

// Rank 0's end of the way: into the file, and onto the screen.
class Writer {
public:
  Writer(const Plan& plan, const std::vector<std::size_t>& selected, results::Store& store)
      : plan_(plan), store_(store), progress_(std::cerr, isatty(STDERR_FILENO) != 0,
                                              selected.size(), total_cost(plan, selected)) {
    for (const std::size_t index : selected)
      case_of_[plan.cases[index].id] = index;
  }
  void take(const std::string& message) {
    results::from_message(
        message,
        [&](results::EabRow row) {
          store_.append(row);
          show(row.record, row.record.wall_seconds);
        },
        [&](results::EpRow row) {
          store_.append(row);
          show(row.record, row.record.step_seconds);
        });
  }
  void end() { progress_.end(); }

private:
  static double total_cost(const Plan& plan, const std::vector<std::size_t>& selected) {
    double cost = 0;
    for (const std::size_t index : selected)
      cost += plan.cases[index].cost_seconds;
    return cost;
  }
  template <class Record>
  void show(const Record& record, double seconds) {
    const PlannedCase& one = plan_.cases[case_of_.at(record.case_id)];
    progress_.show({static_cast<int>(record.rank), plan_.label(one), record.status, record.reason,
                    record.validity, seconds, one.cost_seconds});
  }

  const Plan& plan_;
  results::Store& store_;
  Progress progress_;
  std::map<std::string, std::size_t> case_of_;
};

template <class Row>
std::string addressed(Row row, const cluster::Session& session, c10::Device device) {
  row.record.rank = session.rank();
  row.record.host = session.host();
  row.record.device = device_name(device);
  return results::to_message(row);
}

// Collective: true everywhere if true on any rank.
bool any_rank(const cluster::Session& session, bool mine) {
  bool any = false;
  for (const std::string& one : session.gather(mine ? "1" : "0"))
    any = any || one == "1";
  return session.broadcast(any ? "1" : "0") == "1";
}

} // namespace

LoopResult run_loop(const cluster::Session& session, const Plan& plan, const Config& config,
                    const std::vector<std::size_t>& selected, c10::Device device,
                    cluster::GatherBy gather, results::Store* store) {
  const std::vector<int> rank_of =
      cluster::share_statically(work_items(plan, selected), session.size());
  const std::vector<std::size_t> mine = ordered_share(plan, selected, rank_of, session.rank());
  std::optional<Writer> writer;
  if (store)
    writer.emplace(plan, selected, *store);
  cluster::Collector collector(session,
                               [&](int, const std::string& message) { writer->take(message); });
  EabRunner eab(plan, config, device);
  RankSummary summary;
  for (const std::size_t index : mine) {
    if (InterruptWatch::interrupted())
      collector.request_stop();
    if (collector.stopped())
      break;
    const Deadline clock;
    const PlannedCase& one = plan.cases[index];
    collector.send(
        one.is_eab ? addressed(eab.run(plan.eab[one.index]), session, device)
                   : addressed(run_ep_case(plan.ep[one.index], config, device), session, device));
    cluster::release_cached_memory(device);
    summary.cases += 1;
    summary.busy_seconds += clock.elapsed_seconds();
  }
  summary.load_seconds = eab.load_seconds();

  const Deadline waiting;
  std::optional<std::string> error;
  try {
    collector.finish();
  } catch (const std::exception& problem) {
    error = problem.what();
  }
  if (writer)
    writer->end();
  session.agree(error);
  summary.idle_seconds = waiting.elapsed_seconds();

  LoopResult result;
  result.interrupted = any_rank(session, InterruptWatch::interrupted());
  const std::vector<double> values{summary.cases, summary.busy_seconds, summary.idle_seconds,
                                   summary.load_seconds};
  for (const auto& row : cluster::gather_summary(session, gather, device, values))
    result.summaries.push_back({row[0], row[1], row[2], row[3]});
  return result;
}

} // namespace peakbench::suite
