#include "suite/shared_cases.h"

#include <memory>
#include <optional>

#include "base/deadline.h"
#include "cluster/collector.h"
#include "cluster/work_source.h"
#include "suite/ep_runner.h"
#include "suite/interrupt.h"
#include "suite/selection.h"

namespace peakbench::suite {

namespace {

// When a running case has to go.
class Grace {
public:
  Grace(const cluster::Collector& collector, double seconds)
      : collector_(collector), seconds_(seconds) {}
  bool is_over() {
    if (InterruptWatch::at_once())
      return true;
    if (!InterruptWatch::interrupted() && !collector_.stopped())
      return false;
    if (!since_)
      since_.emplace();
    return since_->elapsed_seconds() > seconds_;
  }

private:
  const cluster::Collector& collector_;
  double seconds_;
  std::optional<Deadline> since_;
};

} // namespace

RankSummary run_shared_cases(const cluster::Session& session, const SharedWork& work,
                             CaseRunner& runner,
                             const std::function<void(const results::AnyRow&)>& sink) {
  const std::vector<std::size_t> ordered = in_running_order(work.plan, work.selected);
  const auto take = [&](int, const std::string& message, const std::vector<double>& trace) {
    results::AnyRow row = results::from_message(message);
    if (!trace.empty())
      put_trace(std::get<results::EpRow>(row), trace);
    sink(row);
  };
  const auto collector_of = [&] {
    return work.channel ? std::make_unique<cluster::Collector>(session, take, *work.channel)
                        : std::make_unique<cluster::Collector>(
                              session, [&](int from, const std::string& message) {
                                take(from, message, {});
                              });
  };
  const std::unique_ptr<cluster::Collector> owner = collector_of();
  cluster::Collector& collector = *owner;
  const auto source =
      cluster::make_work_source(session, work_items(work.plan, ordered), work.share);
  Grace grace(collector, work.cluster.grace_seconds);
  RankSummary summary;
  const double loaded_before = runner.load_seconds();
  const std::int64_t restarts_before = runner.restarts();
  const auto stopped = [&] {
    if (InterruptWatch::interrupted())
      collector.request_stop();
    return collector.stopped();
  };
  const Deadline starting;
  runner.prepare();
  summary.start_seconds = starting.elapsed_seconds();
  const Deadline all;
  while (!stopped()) {
    const std::optional<std::size_t> item = source->next(stopped);
    if (!item)
      break;
    const Deadline clock;
    const auto finished = runner.run(ordered[*item], [&] {
      if (InterruptWatch::interrupted())
        collector.request_stop();
      return grace.is_over();
    });
    summary.busy_seconds += clock.elapsed_seconds();
    if (!finished)
      break;
    collector.send(finished->message, finished->trace);
    summary.cases += 1;
  }
  std::optional<std::string> error;
  source->finish();
  try {
    collector.finish();
  } catch (const std::exception& problem) {
    error = problem.what();
  }
  summary.seconds = all.elapsed_seconds();
  summary.idle_seconds = summary.seconds - summary.busy_seconds;
  summary.load_seconds = runner.load_seconds() - loaded_before;
  summary.restarts = static_cast<double>(runner.restarts() - restarts_before);
  summary.gathered_bytes = static_cast<double>(collector.sent().bytes);
  summary.gathering_seconds = collector.sent().seconds;
  session.agree(error);
  return summary;
}

} // namespace peakbench::suite
