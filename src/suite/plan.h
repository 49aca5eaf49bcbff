// Every case of a run, in a fixed order: the product of the axes, each with its record's
// independent variables filled in.
#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cluster/sharing.h"
#include "eab/settings.h"
#include "ep/dataset.h"
#include "ep/settings.h"
#include "llm/model_source.h"
#include "results/fields.h"
#include "suite/config.h"
#include "suite/prompts.h"

namespace peakbench::suite {

struct EabPlanned {
  results::EabCase record;
  std::size_t model = 0;            // into Plan::models
  std::vector<std::size_t> prompts; // into Plan::encoded; decoded together
  at::ScalarType dtype = at::kFloat;
  eab::Settings settings; // samples is found out when it runs
};

struct EpPlanned {
  results::EpCase record;
  ep::Settings settings;
  std::shared_ptr<const ep::Dataset> dataset; // to train on; none where that was not asked for
};

// The other two kinds are measured by all ranks together.
struct CommPlanned {
  results::CommCase record;
};
struct ScalingPlanned {
  results::ScalingCase record;
};

struct PlannedModel {
  std::string path;
  std::shared_ptr<const llm::ModelSource> source;
};

struct EncodedPrompt {
  std::string id;
  std::vector<std::int32_t> tokens;
};

enum class Kind { eab, ep, comm, scaling };
inline constexpr std::string_view kKindNames[] = {"eab", "ep", "comm", "scaling"};
constexpr bool is_shared(Kind kind) { return kind == Kind::eab || kind == Kind::ep; }

// One case of any kind.
struct PlannedCase {
  Kind kind = Kind::ep;
  std::size_t index = 0; // into Plan::eab, Plan::ep, ...
  std::string id;
  double cost_seconds = 0; // estimated; only ratios matter
  std::string model;       // cases with one that a rank need load only once
  std::string group;       // of these, cases that share a prompt
};

struct Plan {
  std::vector<PlannedModel> models;
  std::vector<EncodedPrompt> encoded;
  std::vector<EabPlanned> eab;
  std::vector<EpPlanned> ep;
  std::vector<CommPlanned> comm;
  std::vector<ScalingPlanned> scaling;
  // What the EP cases differ in, beside arm and depth; for labels.
  std::vector<const results::Field<results::EpCase>*> ep_varying;
  std::vector<PlannedCase> cases; // in the order of Kind

  // Of the case ids and of how they are measured: runs of equal plans may share a results file.
  std::string hash;
  std::string json() const;
  // For messages: "eab cow batched tides", "ep ep_fused depth 500", with whatever else the plan's
  // EP cases differ in: "..., init residual".
  std::string label(const PlannedCase& one) const;
};

// Opens the headers of all models and encodes all prompts. UserError for whatever cannot run.
// Models that are open already, by the same path, are not opened again. `ranks`: of the run, which
// `comm` and `scaling` cases that name no number of ranks depend on.
Plan make_plan(const Config& config, const std::vector<PlannedModel>& opened = {}, int ranks = 1);

// The configuration of the cases that a `scaling` case shares among ranks: its own EAB and EP cases
// once for each of `copies` seeds.
Config workload_of(const Config& config, int copies);

// Leaves out the EAB cases that `unwanted` says; the hash follows.
void drop_eab_cases(Plan& plan, const Config& config,
                    const std::function<bool(const EabPlanned&)>& unwanted);

double estimated_seconds(const EabPlanned& planned, const llm::ModelConfig& model,
                         std::int64_t prompt_tokens, const measure::TrialPlan& repeats);
double estimated_seconds(const EpPlanned& planned, const measure::TrialPlan& repeats);

// The cases that `keep` selects, as work to share. Indices are into plan.cases.
std::vector<cluster::WorkItem> work_items(const Plan& plan, std::span<const std::size_t> indices);

} // namespace peakbench::suite
