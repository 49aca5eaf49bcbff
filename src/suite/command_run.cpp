#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <csignal>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "base/error.h"
#include "cluster/devices.h"
#include "cluster/summary.h"
#include "report/report.h"
#include "results/drift.h"
#include "results/store.h"
#include "suite/commands.h"
#include "suite/environment.h"
#include "suite/interrupt.h"
#include "suite/plan.h"
#include "suite/run_info.h"
#include "suite/run_loop.h"
#include "suite/selection.h"
#include "suite/spooling.h"

namespace peakbench::suite {

namespace fs = std::filesystem;

namespace {

// Runs `action` on every rank; what goes wrong on one is a UserError on all.
template <class Action>
auto together(const cluster::Session& session, Action action) {
  std::optional<decltype(action())> result;
  std::optional<std::string> error;
  try {
    result.emplace(action());
  } catch (const std::exception& problem) {
    error = problem.what();
  }
  session.agree(error);
  return std::move(*result);
}

// The text of the configuration, read once, so that all ranks have the same.
Config shared_config(const cluster::Session& session, const RunOptions& options) {
  const std::string text = session.broadcast(together(session, [&] {
    return session.rank() == 0 ? read_text_file(options.config, "configuration file") : "";
  }));
  return together(session, [&] { return parse_config(text, options.config, options.overrides); });
}

Plan shared_plan(const cluster::Session& session, const Config& config) {
  Plan plan = together(session, [&] { return make_plan(config, {}, session.size()); });
  const std::string first = session.broadcast(plan.hash);
  session.agree(first == plan.hash ? std::nullopt
                                   : std::optional(fmt::format(
                                         "the ranks have different plans (rank {} on {} sees other "
                                         "prompts or models than rank 0) use one shared folder",
                                         session.rank(), session.host())));
  return plan;
}

// A file of the same plan is gone on with, another one refused (by the store), and one that the
// HDF5 library does not survive, too (by the check).
results::Store open_store(const std::string& path, const results::RunInfo& info,
                          results::ResumeCheck& check) {
  const bool there = fs::exists(path);
  if (!there)
    make_folder_of(path);
  const auto checked = [&](const std::string& file, const std::string& plan_hash) {
    check.check(file, plan_hash);
  };
  results::Store store =
      there ? results::Store::resume(path, info, checked) : results::Store::create(path, info);
  check.end();
  take_over_spool(path, store);
  return store;
}

void print_dry_run(const Config& config, const Plan& plan, const std::string& out, int ranks,
                   const std::vector<std::size_t>& selected) {
  double seconds = 0;
  for (const std::size_t index : selected)
    seconds += plan.cases[index].cost_seconds;
  fmt::print("{}: {} cases ({} EAB, {} EP), about {:.0f} s of work on {} rank{}\n", config.name,
             plan.cases.size(), plan.eab.size(), plan.ep.size(), seconds, ranks,
             ranks == 1 ? "" : "s");
  for (const PlannedModel& model : plan.models) {
    const llm::ModelConfig& shape = model.source->config();
    fmt::print("model {}: {} {}, {} layers, width {}, {:.1f} M parameters{}\n", model.path,
               shape.format, shape.architecture, shape.layers, shape.width,
               static_cast<double>(model.source->parameters()) / 1e6,
               shape.random_weights ? ", random weights" : "");
  }
  if (config.timeline)
    fmt::print("one repeat more of every case to record its memory over time\n");
  fmt::print("plan {}; results would go to {}\n", plan.hash, out);
}

struct Part {
  int number = 1, of = 1;
};

// "3/16"
Part read_part(const std::string& text) {
  Part part;
  char slash = 0;
  std::istringstream in(text);
  const bool good = in >> part.number >> slash >> part.of && slash == '/' && in.eof() &&
                    part.number >= 1 && part.number <= part.of;
  if (!text.empty() && !good)
    throw UserError(fmt::format("--part cannot be `{}`", text),
                    "it is I/N with I from 1 to N, the part and the number of parts",
                    "e.g. --part 3/16");
  return part;
}

std::vector<std::size_t>
selected_of(const Plan& plan, const RunOptions& options, const Part& part,
            const std::vector<std::pair<std::string, std::string>>& finished) {
  const auto selected = select_cases(plan, options.only, finished, options.retry_failed);
  return options.part.empty() ? selected : part_of_plan(plan, selected, part.number, part.of);
}

void warn_of_drift(std::span<const results::EnvironmentRow> before,
                   std::span<const results::EnvironmentRow> now) {
  const auto drifts = results::drift_between(before, now);
  if (!drifts.empty())
    fmt::print(stderr,
               "peakbench: warning: this is not the environment that the file's cases were "
               "measured in ({}); the column `environment` says which one each row is of\n",
               results::text_of(drifts));
}

// Collective: this rank's row of /environment.
std::int64_t write_environment(const cluster::Session& session, c10::Device device, int threads,
                               bool nothing_to_do, std::optional<results::Store>& store) {
  const auto environment = gather_environment(session, device, threads);
  if (store && !nothing_to_do)
    warn_of_drift(store->environment(), environment);
  const auto rows = together(session, [&] {
    return store && !nothing_to_do ? store->write_environment(environment)
                                   : std::vector<std::int64_t>();
  });
  const auto all = nlohmann::json::parse(session.broadcast(nlohmann::json(rows).dump()));
  return nothing_to_do ? -1 : all.at(static_cast<std::size_t>(session.rank())).get<std::int64_t>();
}

template <class Records>
std::size_t count_bad(const Records& records) {
  std::size_t bad = 0;
  for (const auto& record : records)
    bad += record.status != "ok" || record.validity.starts_with("INVALID");
  return bad;
}

// Rank 0, after the run: the tables, from the file as anybody would read them.
int report_file(const std::string& path) {
  const results::RunData data = results::load(path);
  std::cout << '\n' << report::render(report::tables_of(data), report::Format::text) << '\n';
  const std::size_t bad =
      count_bad(data.eab) + count_bad(data.ep) + count_bad(data.comm) + count_bad(data.scaling);
  if (bad > 0)
    fmt::print("{} of {} cases are not ok or INVALID (see status, reason and validity)\n", bad,
               data.eab.size() + data.ep.size() + data.comm.size() + data.scaling.size());
  fmt::print("results: {}\n", path);
  std::fflush(stdout);
  return bad > 0 ? kExitFailedCases : kExitOk;
}

// Rank 0, when other ranks were lost: what there is to say. The exit status.
int end_with_loss(const std::string& path, const std::optional<std::string>& error) {
  if (error) {
    fmt::print(stderr, "peakbench: {}\n", *error);
    return kExitUserError;
  }
  report_file(path);
  fmt::print(stderr, "ranks were lost: run the same command again to do what is missing, with "
                     "--retry-failed also the cases that they were at\n");
  std::fflush(stdout);
  return InterruptWatch::interrupted() ? kExitInterrupted : kExitFailedCases;
}

} // namespace

int run_command(const cluster::Session& session, const RunOptions& options,
                results::ResumeCheck& check) {
  const bool first = session.rank() == 0;
  if (!first || options.dry_run)
    check.end();
  const Config config = shared_config(session, options);
  const Plan plan = shared_plan(session, config);
  const std::string out = options.out.empty() ? "results/" + config.name + ".h5" : options.out;
  const c10::Device device = cluster::choose_device(session, config.device);
  const cluster::GatherBy gather =
      cluster::choose_gather(session, config.cluster.gather, device, !runs_beside(config));
  const int wanted = config.cluster.threads;
  const int threads = wanted > 0 ? wanted : cluster::threads_per_rank(session);
  at::set_num_threads(threads);
  const Part part = together(session, [&] { return read_part(options.part); });
  if (options.dry_run) {
    if (first)
      print_dry_run(config, plan, out, session.size(), selected_of(plan, options, part, {}));
    return kExitOk;
  }

  // From here on there is something to keep.
  const InterruptWatch watch;
  std::signal(SIGXFSZ, SIG_IGN); // a file that grows beyond its limit is a write that fails
  std::optional<results::Store> store = together(session, [&]() -> std::optional<results::Store> {
    if (!first)
      return std::nullopt;
    return open_store(out, run_info(config, plan, options.command_line), check);
  });
  nlohmann::json selection;
  if (first)
    selection = selected_of(plan, options, part, store->finished());
  const auto selected =
      nlohmann::json::parse(session.broadcast(selection.dump())).get<std::vector<std::size_t>>();
  Placement placement{session.rank(), session.host(), device, threads, -1};
  placement.environment = write_environment(session, device, threads, selected.empty(), store);
  if (first && selected.size() < plan.cases.size())
    fmt::print(stderr, "{} of {} cases to do\n", selected.size(), plan.cases.size());

  RankSpool spool(session, out, store ? store->identity() : "");
  const auto without_the_lost = [&](const std::optional<std::string>& error) {
    store.reset();
    return end_with_loss(out, error);
  };
  const LoopResult loop = run_loop(
      session, {plan, config, selected, placement, gather, options.part, &spool, without_the_lost},
      store ? &*store : nullptr);
  spool.remove(session);
  store.reset(); // closed before it is read
  const int verdict = together(session, [&] { return first ? report_file(out) : kExitOk; });
  if (first && loop.interrupted)
    fmt::print(stderr, "interrupted: run the same command again to do what is missing\n");
  std::fflush(stdout);
  if (loop.interrupted)
    return kExitInterrupted;
  return std::stoi(session.broadcast(std::to_string(verdict)));
}

} // namespace peakbench::suite
