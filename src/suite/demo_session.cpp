#include "suite/demo_session.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>

#include "cluster/devices.h"
#include "cluster/session.h"
#include "suite/environment.h"
#include "suite/interrupt.h"
#include "suite/run_info.h"
#include "suite/selection.h"

namespace peakbench::suite {

namespace {

std::string warm_key(const EabPlanned& planned) {
  const results::EabCase& record = planned.record;
  return record.arm + " " + record.decode + " " + record.dtype;
}

std::string label_of(const EabPlanned& planned) {
  return fmt::format("{}, {}", planned.record.arm, planned.record.decode);
}

} // namespace

DemoSession::DemoSession(const DemoSettings& settings, DemoProgress& progress)
    : device_(cluster::single_device(settings.get("device"))),
      threads_(std::stoi(settings.get("threads"))), progress_(progress) {
  if (threads_ == 0)
    threads_ = cluster::single_threads();
  at::set_num_threads(threads_);
}

// The plan that is measured next. What it shares with the former one stays open and loaded.
void DemoSession::use(Plan plan, Config config) {
  plan_ = std::move(plan);
  config_ = std::move(config);
  if (runner_)
    return runner_->go_on_with(plan_, config_);
  RunnerOptions options;
  options.make_references = false; // nobody waits for what was not asked for
  options.stopped = [this] {
    progress_.tick();
    return InterruptWatch::interrupted();
  };
  runner_.emplace(plan_, config_, device_, std::move(options));
}

void DemoSession::check(const DemoSettings& settings, const std::string& prompt) {
  Config config = settings.config(prompt);
  Plan plan = settings.plan(config, plan_.models);
  use(std::move(plan), std::move(config));
}

results::EabRow DemoSession::measure(const EabPlanned& planned) {
  results::EabRow row = runner_->run(planned);
  row.record.rank = 0;
  row.record.host = cluster::host_name();
  row.record.device = device_name(device_);
  cluster::release_cached_memory(device_);
  return row;
}

// A few tokens by every arm that has not run yet: threads, code and libraries start up here.
void DemoSession::warm_up(const DemoSettings& settings, const std::string& prompt,
                          const std::vector<PlannedModel>& models) {
  DemoSettings few = settings;
  for (const auto& [name, value] :
       {std::pair{"max-new-tokens", "3"}, {"max-paths", "3"}, {"repeats", "1"}})
    few.set(name, value, name);
  Config config = few.config(prompt);
  use(few.plan(config, models), config);
  for (const EabPlanned& planned : plan_.eab)
    if (!warm_.contains(warm_key(planned))) {
      progress_.start("loading and warming up", 0);
      runner_->run(planned);
      warm_.insert(warm_key(planned));
    }
}

DemoResult DemoSession::run(const DemoSettings& settings, const std::string& prompt,
                            const std::string& out, const std::string& command_line) {
  DemoResult result;
  result.prompt = prompt;
  result.config = settings.config(prompt);
  Plan plan = settings.plan(result.config, plan_.models);
  std::vector<std::size_t> order;
  double cost = 0;
  for (std::size_t i = 0; i < plan.cases.size(); ++i) {
    order.push_back(i);
    cost += plan.cases[i].cost_seconds;
  }
  order = in_running_order(plan, order);
  result.data.path = out;
  result.data.info = run_info(result.config, plan, command_line);
  result.data.environment = {own_environment(device_, threads_)};
  std::optional<results::Store> store;
  if (!out.empty()) {
    make_folder_of(out);
    store.emplace(results::Store::create(out, result.data.info));
    store->write_environment(result.data.environment);
  }

  progress_.begin(order.size(), cost);
  const auto finally = [&](void*) { progress_.end(); };
  const std::unique_ptr<void, decltype(finally)> clean_line(this, finally);
  warm_up(settings, prompt, plan.models);
  use(std::move(plan), result.config);
  std::vector<results::EabRow> rows(order.size());
  for (const std::size_t index : order) {
    const PlannedCase& one = plan_.cases[index];
    const EabPlanned& planned = plan_.eab[one.index];
    progress_.start(label_of(planned), one.cost_seconds);
    rows[index] = measure(planned);
    if (store)
      store->append(rows[index]);
    progress_.finish(rows[index].record);
  }
  for (results::EabRow& row : rows) {
    result.data.eab.push_back(std::move(row.record));
    result.traces.push_back(std::move(row.trace));
    std::ranges::move(row.repeats, std::back_inserter(result.data.eab_repeats));
  }
  return result;
}

} // namespace peakbench::suite
