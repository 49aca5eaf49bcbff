#include "suite/shared_cases.h"

#include <fmt/format.h>

#include <atomic>
#include <cstdio>
#include <memory>
#include <optional>

#include "base/deadline.h"
#include "cluster/collector.h"
#include "cluster/work_source.h"
#include "suite/ep_runner.h"
#include "suite/interrupt.h"
#include "suite/lost_ranks.h"
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

// What rank 0 does about the others' signs of life, or their lack.
cluster::CollectorWatch watch_over(const SharedWork& work, const std::vector<Placement>& placements,
                                   const std::atomic<cluster::WorkSource*>& handing_out,
                                   RankTally& tally,
                                   const std::function<void(const results::AnyRow&)>& sink) {
  cluster::CollectorWatch watch;
  watch.lost_after_seconds = work.cluster.lost_after_seconds;
  watch.lost = [&](int rank, const cluster::RankSign& sign) {
    const Placement& placement = placements[static_cast<std::size_t>(rank)];
    const double silence = work.cluster.lost_after_seconds;
    std::fputs(fmt::format("peakbench: {}: the others go on without it\n",
                           describe_loss(placement, silence))
                   .c_str(),
               stderr);
    tally.note_loss(rank);
    if (cluster::WorkSource* const source = handing_out)
      source->forget(rank);
    if (const auto row = lost_case(work.plan, placement, sign, silence))
      sink(*row);
  };
  if (work.show)
    watch.every_second = [&](const std::vector<cluster::RankSign>& signs) {
      std::vector<RunningCase> running;
      for (std::size_t rank = 0; rank < signs.size(); ++rank)
        if (signs[rank].doing > 0 && !signs[rank].lost)
          running.push_back({static_cast<int>(rank), signs[rank].doing - 1, signs[rank].seconds});
      work.show(running);
    };
  return watch;
}

// With the part of the trace that would travel by itself.
std::string whole_message(const CaseResult& finished) {
  if (!finished.trace.defined())
    return finished.message;
  results::AnyRow row = results::from_message(finished.message);
  put_trace(std::get<results::EpRow>(row), cluster::values_of(finished.trace));
  return results::to_message(row);
}

} // namespace

RankSummary run_shared_cases(const cluster::Session& session, const SharedWork& work,
                             CaseRunner& runner,
                             const std::function<void(const results::AnyRow&)>& sink) {
  const std::vector<std::size_t> ordered = in_running_order(work.plan, work.selected);
  const std::vector<Placement> placements = gather_placements(session, work.placement);
  std::atomic<cluster::WorkSource*> handing_out{nullptr};
  RankTally tally(placements);
  const auto take = [&](int from, const std::string& message, const std::vector<double>& trace) {
    if (const auto summary = summary_in(message))
      return tally.note_summary(from, *summary);
    tally.note_case(from, static_cast<double>(message.size() + trace.size() * sizeof(double)));
    results::AnyRow row = results::from_message(message);
    if (!trace.empty())
      put_trace(std::get<results::EpRow>(row), trace);
    sink(row);
  };
  const auto collector_of = [&](cluster::CollectorWatch watch) {
    return work.channel
               ? std::make_unique<cluster::Collector>(session, take, *work.channel,
                                                      std::move(watch))
               : std::make_unique<cluster::Collector>(
                     session,
                     [&](int from, const std::string& message) { take(from, message, {}); },
                     std::move(watch));
  };
  const std::unique_ptr<cluster::Collector> owner =
      collector_of(watch_over(work, placements, handing_out, tally, sink));
  cluster::Collector& collector = *owner;
  const auto source =
      cluster::make_work_source(session, work_items(work.plan, ordered), work.share);
  handing_out = source.get();
  // The collector's thread outlives the source where an exception unwinds.
  const std::shared_ptr<void> while_it_lives(nullptr, [&](void*) { handing_out = nullptr; });
  Grace grace(collector, work.cluster.grace_seconds);
  RankSummary summary;
  const double loaded_before = runner.load_seconds();
  const std::int64_t restarts_before = runner.restarts();
  const auto stopped = [&] {
    if (InterruptWatch::interrupted())
      collector.request_stop();
    return collector.stopped();
  };
  const auto to_be_dropped = [&] {
    if (InterruptWatch::interrupted())
      collector.request_stop();
    return grace.is_over();
  };
  const Deadline starting;
  runner.prepare(to_be_dropped);
  summary.start_seconds = starting.elapsed_seconds();
  std::size_t sent = 0;
  const Deadline all;
  while (!stopped()) {
    const std::optional<std::size_t> item = source->next(stopped);
    if (!item)
      break;
    const Deadline clock;
    collector.doing(ordered[*item] + 1);
    const auto finished = runner.run(ordered[*item], to_be_dropped);
    summary.busy_seconds += clock.elapsed_seconds();
    collector.doing(0);
    if (!finished)
      break;
    if (work.spool) {
      if (collector.taken() == sent)
        work.spool->clear();
      work.spool->append(whole_message(*finished));
    }
    collector.send(finished->message, finished->trace);
    ++sent;
    summary.cases += 1;
  }
  std::optional<std::string> error;
  source->finish();
  summary.load_seconds = runner.load_seconds() - loaded_before;
  summary.restarts = static_cast<double>(runner.restarts() - restarts_before);
  const auto up_to_now = [&] {
    summary.seconds = all.elapsed_seconds();
    summary.idle_seconds = summary.seconds - summary.busy_seconds;
    return summary;
  };
  std::size_t summary_bytes = 0;
  if (session.rank() != 0) {
    const std::string message = summary_message(up_to_now());
    summary_bytes = message.size();
    collector.send(message);
  }
  try {
    collector.finish();
  } catch (const std::exception& problem) {
    error = problem.what();
  }
  up_to_now();
  summary.gathered_bytes =
      static_cast<double>(collector.sent().bytes) - static_cast<double>(summary_bytes);
  summary.gathering_seconds = collector.sent().seconds;
  if (collector.anyone_lost())
    end_without_the_lost(session, work.without_the_lost, error, tally.outcomes(summary));
  session.agree(error);
  return summary;
}

} // namespace peakbench::suite
