#include "suite/run_loop.h"

#include <unistd.h>

#include <iostream>
#include <optional>
#include <string>

#include "base/clock_text.h"
#include "base/error.h"
#include "cluster/devices.h"
#include "cluster/work_source.h"
#include "suite/collective_case.h"
#include "suite/interrupt.h"
#include "suite/run_info.h"
#include "suite/writer.h"

namespace peakbench::suite {

namespace {

// Collective: true everywhere if true on any rank.
bool any_rank(const cluster::Session& session, bool mine) {
  bool any = false;
  for (const std::string& one : session.gather(mine ? "1" : "0"))
    any = any || one == "1";
  return session.broadcast(any ? "1" : "0") == "1";
}

std::vector<std::size_t> of_kind(const Launch& launch, bool shared) {
  std::vector<std::size_t> chosen;
  for (const std::size_t index : launch.selected)
    if (is_shared(launch.plan.cases[index].kind) == shared)
      chosen.push_back(index);
  return chosen;
}

// Cases that take all ranks, one after the other. False: a signal came.
bool run_collective_cases(const cluster::Session& session, const Launch& launch, Writer* writer) {
  const auto stored = [&](auto row) {
    row.record.rank = launch.placement.rank;
    row.record.host = launch.placement.host;
    row.record.device = launch.placement.device.str();
    row.record.environment = launch.placement.environment;
    std::optional<std::string> error;
    try {
      if (writer && !row.record.status.empty())
        writer->take(row);
    } catch (const std::exception& problem) {
      error = problem.what();
    }
    session.agree(error);
  };
  for (const std::size_t index : of_kind(launch, false)) {
    if (any_rank(session, InterruptWatch::interrupted()))
      return false;
    const PlannedCase& one = launch.plan.cases[index];
    if (one.kind == Kind::comm)
      stored(run_comm_case(session, launch.plan.comm[one.index], launch.config, launch.placement));
    else if (const auto row = run_scaling_case(session, launch.plan.scaling[one.index],
                                               launch.config, launch.placement))
      stored(*row);
    else
      return false;
  }
  return true;
}

std::vector<RankSummary> exchange(const cluster::Session& session, const Launch& launch,
                                  const RankSummary& mine) {
  const std::vector<double> values{mine.cases,        mine.restarts,       mine.start_seconds,
                                   mine.seconds,      mine.busy_seconds,   mine.idle_seconds,
                                   mine.load_seconds, mine.gathered_bytes, mine.gathering_seconds};
  std::vector<RankSummary> all;
  for (const auto& row :
       cluster::gather_summary(session, launch.gather, launch.placement.device, values))
    all.push_back({row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], row[8]});
  return all;
}

void write_ranks(const cluster::Session& session, const Launch& launch, const std::string& started,
                 const std::string& share, const std::vector<RankSummary>& summaries,
                 results::Store* store) {
  const std::vector<std::string> hosts = session.gather(launch.placement.host);
  const std::vector<std::string> environments =
      session.gather(std::to_string(launch.placement.environment));
  std::optional<std::string> error;
  std::vector<results::RankRow> rows;
  for (std::size_t rank = 0; store && rank < summaries.size(); ++rank) {
    const RankSummary& one = summaries[rank];
    results::RankRow row;
    row.rank = static_cast<std::int64_t>(rank);
    row.ranks = session.size();
    row.started = started;
    row.host = hosts[rank];
    row.share = share;
    row.gather = launch.gather == cluster::GatherBy::nccl ? "nccl" : "mpi";
    row.isolate = runs_beside(launch.config) ? "process" : "none";
    row.part = launch.part;
    row.environment = std::stoll(environments[rank]);
    row.cases = static_cast<std::int64_t>(one.cases);
    row.restarts = static_cast<std::int64_t>(one.restarts);
    row.start_seconds = one.start_seconds;
    row.seconds = one.seconds;
    row.busy_seconds = one.busy_seconds;
    row.idle_seconds = one.idle_seconds;
    row.load_seconds = one.load_seconds;
    row.gathered_bytes = static_cast<std::int64_t>(one.gathered_bytes);
    row.gathering_seconds = one.gathering_seconds;
    rows.push_back(row);
  }
  try {
    if (store)
      store->write_ranks(rows);
  } catch (const std::exception& problem) {
    error = problem.what();
  }
  session.agree(error);
}

} // namespace

LoopResult run_loop(const cluster::Session& session, const Launch& launch, results::Store* store) {
  const std::string started = utc_now();
  std::optional<Writer> writer;
  if (store)
    writer.emplace(launch.plan, launch.selected, *store, std::cerr, isatty(STDERR_FILENO) != 0);
  const std::vector<std::size_t> shared = of_kind(launch, true);
  const std::string share =
      cluster::choose_share(launch.config.cluster.share, shared.size(), session.size());
  LoopResult result;
  RankSummary mine;
  // A process beside the rank uses the GPU in its place.
  if (!runs_beside(launch.config) || launch.config.comm)
    cluster::use_device(launch.placement.device);
  if (run_collective_cases(session, launch, writer ? &*writer : nullptr) && !shared.empty()) {
    const bool beside = runs_beside(launch.config);
    const auto channel =
        beside ? nullptr
               : cluster::make_tensor_channel(session, launch.gather, launch.placement.device,
                                              launch.config.cluster.lost_after_seconds);
    const auto runner =
        beside ? runner_beside(launch.plan, launch.config, launch.placement)
               : runner_here(launch.plan, launch.config, launch.placement, Traces::apart);
    SharedWork work{launch.plan, shared, share, launch.config.cluster};
    work.placement = launch.placement;
    work.channel = channel.get();
    work.spool = launch.spool;
    work.show = [&](const std::vector<RunningCase>& running) { writer->show(running); };
    work.without_the_lost = [&](const std::optional<std::string>& error) {
      writer->end();
      return launch.without_the_lost(error);
    };
    mine = run_shared_cases(session, work, *runner,
                            [&](const results::AnyRow& row) { writer->take(row); });
  }
  if (writer)
    writer->end();
  result.interrupted = any_rank(session, InterruptWatch::interrupted());
  const std::vector<RankSummary> summaries = exchange(session, launch, mine);
  if (!launch.selected.empty())
    write_ranks(session, launch, started, share, summaries, store);
  return result;
}

} // namespace peakbench::suite
