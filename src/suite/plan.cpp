#include "suite/plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/hash.h"
#include "results/fields.h"
#include "suite/ep_training.h"
#include "suite/plan_axes.h"
#include "suite/plan_cluster.h"

namespace peakbench::suite {

namespace {

void open_models(const Config& config, const std::vector<PlannedModel>& opened, Plan& plan) {
  for (const std::string& name : config.eab->model) {
    const std::string path = resolve(name, config.path);
    const auto same = std::ranges::find(opened, path, &PlannedModel::path);
    plan.models.push_back(same == opened.end() ? PlannedModel{path, llm::ModelSource::open(path)}
                                               : *same);
  }
  const bool any_random = std::any_of(plan.models.begin(), plan.models.end(), [](const auto& one) {
    return one.source->config().random_weights;
  });
  if (!any_random && !config.eab->schedule.empty())
    throw UserError(fmt::format("{}: `eab.branching.schedule` has no use here", config.path),
                    "only synthetic models branch by schedule, others by entropy", "remove it");
  if (any_random && config.eab->schedule.empty())
    throw UserError(
        fmt::format("{}: a synthetic model needs `eab.branching.schedule`", config.path),
        "the entropy of random weights means nothing", "e.g. branching: {schedule: [3, 3, 2]}");
}

void check_ids(const Plan& plan) {
  std::map<std::string, const PlannedCase*> first;
  for (const PlannedCase& one : plan.cases)
    if (const auto [other, fresh] = first.emplace(one.id, &one); !fresh)
      throw UserError(fmt::format("two cases are the same: {}", plan.label(one)),
                      "two models of one file name, or one prompt twice", "rename one");
}

template <class Record>
nlohmann::json variables_of(const Record& record) {
  nlohmann::json object = nlohmann::json::object();
  for (const auto& field : results::fields<Record>()) {
    if (field.role == results::Role::measured)
      continue;
    const results::Value value = results::value_of(field, record);
    if (results::is_absent(value))
      continue;
    std::visit([&](const auto& plain) { object[std::string(field.name)] = plain; }, value);
  }
  return object;
}

std::string hash_of(const Config& config, const Plan& plan) {
  std::string text =
      fmt::format("repeats {} {} {} {} {}\n", config.repeats.warm_up, config.repeats.min,
                  config.repeats.max, config.repeats.interval, config.repeats.time_limit_seconds);
  for (const PlannedCase& one : plan.cases)
    text += one.id + "\n";
  if (config.ep && !plan.ep.empty()) {
    for (const std::int64_t depth : config.ep->analysis_depths)
      text += fmt::format("analysed at depth {}\n", depth);
    const EpTraining& training = config.ep->training;
    if (!training.dataset.empty())
      text +=
          fmt::format("evaluated every {} steps on {} rows of data {:x}\n", training.evaluate_every,
                      training.test_rows, plan.ep.front().dataset->fingerprint());
  }
  // Ratings are in no id, but rows with old and new ones must not stand in one file.
  for (const EabPlanned& one : plan.eab)
    if (!std::isnan(one.record.prompt_rating))
      text += fmt::format("{} rated {}\n", one.record.case_id, one.record.prompt_rating);
  return hash_hex(text);
}

std::vector<const results::Field<results::EpCase>*> varying_fields(const Plan& plan) {
  std::vector<const results::Field<results::EpCase>*> varying;
  for (const auto& field : results::fields<results::EpCase>()) {
    if (field.role != results::Role::independent || field.name == "arm" || field.name == "depth")
      continue;
    const auto value = [&](const EpPlanned& planned) {
      return results::text_of(results::value_of(field, planned.record));
    };
    if (std::ranges::any_of(plan.ep, [&, first = value(plan.ep.front())](const EpPlanned& one) {
          return value(one) != first;
        }))
      varying.push_back(&field);
  }
  return varying;
}

// plan.cases of plan.eab and plan.ep, and the hash.
void number_cases(const Config& config, Plan& plan) {
  plan.cases.clear();
  measure::TrialPlan calls = config.repeats;
  calls.warm_up += config.timeline ? 1 : 0; // for the estimates
  for (std::size_t i = 0; i < plan.eab.size(); ++i) {
    EabPlanned& one = plan.eab[i];
    one.record.case_id = results::case_id_of(one.record);
    std::int64_t tokens = 0;
    for (const std::size_t prompt : one.prompts)
      tokens += static_cast<std::int64_t>(plan.encoded[prompt].tokens.size());
    const std::string model = fmt::format("{}/{}", one.model, one.record.dtype);
    plan.cases.push_back(
        {Kind::eab, i, one.record.case_id,
         estimated_seconds(one, plan.models[one.model].source->config(), tokens, calls), model,
         fmt::format("{}/{}", model, fmt::join(one.prompts, "+"))});
  }
  for (std::size_t i = 0; i < plan.ep.size(); ++i) {
    EpPlanned& one = plan.ep[i];
    one.record.case_id = results::case_id_of(one.record);
    plan.cases.push_back({Kind::ep, i, one.record.case_id, estimated_seconds(one, calls), "", ""});
  }
  if (!plan.ep.empty())
    plan.ep_varying = varying_fields(plan);
  number_cluster_cases(plan);
  if (plan.cases.empty())
    throw UserError(fmt::format("{}: no case is left", config.path),
                    "naive decodes per_path only, naive_batched and prefill_once batched only",
                    "add an arm or a decode mode");
  check_ids(plan);
  plan.hash = hash_of(config, plan);
}

} // namespace

Plan make_plan(const Config& config, const std::vector<PlannedModel>& opened, int ranks) {
  Plan plan;
  add_cluster_cases(config, ranks, plan);
  if (config.scaling) {
    number_cases(config, plan);
    return plan;
  }
  if (config.eab) {
    open_models(config, opened, plan);
    add_eab_cases(config, plan);
  }
  if (config.ep) {
    add_ep_cases(config, plan);
    attach_dataset(config, plan);
  }
  number_cases(config, plan);
  return plan;
}

void drop_eab_cases(Plan& plan, const Config& config,
                    const std::function<bool(const EabPlanned&)>& unwanted) {
  std::erase_if(plan.eab, unwanted);
  number_cases(config, plan);
}

std::string Plan::json() const {
  nlohmann::json all = nlohmann::json::object();
  for (const std::string_view kind : kKindNames)
    all[std::string(kind)] = nlohmann::json::array();
  for (const EabPlanned& one : eab)
    all["eab"].push_back(variables_of(one.record));
  for (const EpPlanned& one : ep)
    all["ep"].push_back(variables_of(one.record));
  for (const CommPlanned& one : comm)
    all["comm"].push_back(variables_of(one.record));
  for (const ScalingPlanned& one : scaling)
    all["scaling"].push_back(variables_of(one.record));
  return all.dump(1);
}

std::string Plan::label(const PlannedCase& one) const {
  if (!is_shared(one.kind))
    return cluster_label(*this, one);
  if (one.kind == Kind::eab) {
    const results::EabCase& record = eab[one.index].record;
    return fmt::format("eab {} {} {} {}", record.arm, record.decode, record.dtype,
                       record.prompt_id);
  }
  const results::EpCase& record = ep[one.index].record;
  std::string text = fmt::format("ep {} depth {}", record.arm, record.depth);
  for (const auto* field : ep_varying)
    text +=
        fmt::format(", {} {}", field->name, results::text_of(results::value_of(*field, record)));
  return text;
}

std::vector<cluster::WorkItem> work_items(const Plan& plan, std::span<const std::size_t> indices) {
  std::vector<cluster::WorkItem> items;
  for (const std::size_t index : indices)
    items.push_back(
        {plan.cases[index].cost_seconds, plan.cases[index].group, plan.cases[index].model});
  return items;
}

} // namespace peakbench::suite
