#include "suite/plan_axes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <span>
#include <stdexcept>
#include <tuple>

#include "base/hash.h"
#include "suite/product.h"

namespace peakbench::suite {

namespace {

// The enumerator whose name stands in the configuration (which has been checked already).
template <class Enum, std::size_t n>
Enum from_name(const std::string& name, const std::string_view (&names)[n]) {
  const auto at = std::find(std::begin(names), std::end(names), name);
  if (at == std::end(names))
    throw std::logic_error("unknown name " + name);
  return static_cast<Enum>(at - std::begin(names));
}

at::ScalarType type_from_name(const std::string& name) {
  if (name == "float32")
    return at::kFloat;
  if (name == "float64")
    return at::kDouble;
  if (name == "bfloat16")
    return at::kBFloat16;
  if (name == "float16")
    return at::kHalf;
  throw std::logic_error("unknown type " + name);
}

// Encodes each (model, prompt, format) once.
class Encoder {
public:
  Encoder(const Config& config, Plan& plan)
      : plan_(plan), prompts_(read_prompts(config.eab->prompts, config.path)) {}
  const std::vector<Prompt>& prompts() const { return prompts_; }
  std::size_t operator()(std::size_t model, std::size_t prompt, const std::string& format) {
    const auto [at, fresh] =
        known_.emplace(std::tuple(model, prompt, format), plan_.encoded.size());
    if (fresh) {
      const llm::ModelSource& source = *plan_.models[model].source;
      const auto tokenizer = source.tokenizer();
      const auto kind = format == "chat" ? llm::PromptFormat::chat : llm::PromptFormat::raw;
      plan_.encoded.push_back({prompts_[prompt].id, encode(prompts_[prompt], tokenizer.get(), kind,
                                                           source.config().vocabulary)});
    }
    return at->second;
  }

private:
  Plan& plan_;
  std::vector<Prompt> prompts_;
  std::map<std::tuple<std::size_t, std::size_t, std::string>, std::size_t> known_;
};

// What a record says of the prompts that it decodes together.
void name_prompts(results::EabCase& record, std::span<const Prompt> prompts) {
  record.domain = prompts.front().domain;
  std::string hashes;
  for (const Prompt& prompt : prompts) {
    record.prompt_id += (record.prompt_id.empty() ? "" : "+") + prompt.id;
    hashes += prompt.hash;
    if (prompt.domain != record.domain)
      record.domain = "mixed";
  }
  record.prompt_hash = prompts.size() == 1 ? hashes : hash_hex(hashes);
  if (prompts.size() == 1)
    record.prompt_rating = prompts.front().rating;
}

void fill_record(EabPlanned& planned, const llm::ModelConfig& model,
                 std::span<const Prompt> prompts) {
  results::EabCase& record = planned.record;
  const eab::Settings& settings = planned.settings;
  record.model = model.name;
  record.weights = model.random_weights ? "random" : "file";
  name_prompts(record, prompts);
  record.arm = eab::name_of(settings.arm);
  record.decode = eab::name_of(settings.decode);
  record.max_new_tokens = settings.max_new_tokens;
  record.branch_factor = settings.branch_factor;
  record.max_paths = settings.max_paths;
  record.threshold = settings.threshold;
  record.temperature = settings.temperature;
  record.top_k = settings.top_k;
  record.top_p = settings.top_p;
  record.min_prob = settings.min_prob;
  record.budget = eab::name_of(settings.budget);
  record.schedule = fmt::format("{}", fmt::join(settings.schedule, ","));
  record.seed = static_cast<std::int64_t>(settings.seed);
}

} // namespace

void add_eab_cases(const Config& config, Plan& plan) {
  const EabConfig& eab = *config.eab;
  Encoder encoder(config, plan);
  const std::vector<Prompt>& prompts = encoder.prompts();
  const std::vector<std::size_t> sizes{
      eab.model.size(),         eab.dtype.size(),     eab.prompt_format.size(),
      prompts.size(),           config.seed.size(),   eab.max_new_tokens.size(),
      eab.branch_factor.size(), eab.max_paths.size(), eab.threshold.size(),
      eab.temperature.size(),   eab.top_k.size(),     eab.top_p.size(),
      eab.min_prob.size(),      eab.budget.size(),    eab.prompts_per_step.size(),
      eab.arms.size(),          eab.decode.size()};
  for_each_point(sizes, [&](const std::vector<std::size_t>& at) {
    EabPlanned planned;
    eab::Settings& settings = planned.settings;
    settings.arm = from_name<eab::Arm>(eab.arms[at[15]], eab::kArmNames);
    settings.decode = from_name<eab::Decode>(eab.decode[at[16]], eab::kDecodeNames);
    // Prompts are decoded together in groups, in their order; the last group may be smaller.
    const auto together = static_cast<std::size_t>(eab.prompts_per_step[at[14]]);
    const std::size_t first = at[3] * together;
    if (!eab::allows(settings.arm, settings.decode) || first >= prompts.size() ||
        (together > 1 && settings.decode != eab::Decode::batched))
      return;
    const auto group =
        std::span(prompts).subspan(first, std::min(together, prompts.size() - first));
    planned.model = at[0];
    const llm::ModelConfig& model = plan.models[planned.model].source->config();
    planned.dtype = type_from_name(eab.dtype[at[1]]);
    for (std::size_t i = 0; i < group.size(); ++i)
      planned.prompts.push_back(encoder(planned.model, first + i, eab.prompt_format[at[2]]));
    settings.seed = static_cast<std::uint64_t>(config.seed[at[4]]);
    settings.max_new_tokens = eab.max_new_tokens[at[5]];
    settings.branch_factor = eab.branch_factor[at[6]];
    settings.max_paths = eab.max_paths[at[7]];
    settings.threshold = eab.threshold[at[8]];
    settings.temperature = eab.temperature[at[9]];
    settings.top_k = eab.top_k[at[10]];
    settings.top_p = eab.top_p[at[11]];
    settings.min_prob = eab.min_prob[at[12]];
    settings.budget = from_name<eab::Budget>(eab.budget[at[13]], eab::kBudgetNames);
    if (model.random_weights)
      settings.schedule = eab.schedule;
    fill_record(planned, model, group);
    planned.record.prompts_per_step = eab.prompts_per_step[at[14]];
    planned.record.dtype = eab.dtype[at[1]];
    planned.record.prompt_format = eab.prompt_format[at[2]];
    plan.eab.push_back(std::move(planned));
  });
}

void add_ep_cases(const Config& config, Plan& plan) {
  const EpConfig& ep = *config.ep;
  const std::vector<std::size_t> sizes{
      config.seed.size(),      ep.dtype.size(), ep.profile.size(),   ep.optimizer.size(),
      ep.learning_rate.size(), ep.init.size(),  ep.loss.size(),      ep.width.size(),
      ep.batch.size(),         ep.steps.size(), ep.rate.size(),      ep.momentum.size(),
      ep.beta.size(),          ep.nudge.size(), ep.tolerance.size(), ep.adaptive.size(),
      ep.depths.size(),        ep.arms.size()};
  for_each_point(sizes, [&](const std::vector<std::size_t>& at) {
    EpPlanned planned;
    ep::Settings& settings = planned.settings;
    results::EpCase& record = planned.record;
    record.seed = config.seed[at[0]];
    settings.seed = static_cast<std::uint64_t>(record.seed);
    settings.dtype = type_from_name(record.dtype = ep.dtype[at[1]]);
    settings.profile =
        from_name<ep::Profile>(record.profile = ep.profile[at[2]], ep::kProfileNames);
    settings.optimizer =
        from_name<ep::Optimizer>(record.optimizer = ep.optimizer[at[3]], ep::kOptimizerNames);
    settings.learning_rate = record.learning_rate = ep.learning_rate[at[4]];
    settings.init = from_name<ep::Init>(record.init = ep.init[at[5]], ep::kInitNames);
    settings.loss = from_name<ep::Loss>(record.loss = ep.loss[at[6]], ep::kLossNames);
    settings.width = record.width = ep.width[at[7]];
    settings.batch = record.batch = ep.batch[at[8]];
    settings.steps = record.steps = ep.steps[at[9]];
    settings.rate = record.rate = ep.rate[at[10]];
    settings.momentum = record.momentum = ep.momentum[at[11]];
    settings.beta = record.beta = ep.beta[at[12]];
    settings.depth = record.depth = ep.depths[at[16]];
    settings.arm = from_name<ep::Arm>(record.arm = ep.arms[at[17]], ep::kArmNames);
    settings.nudge = from_name<ep::Nudge>(record.nudge = ep.nudge[at[13]], ep::kNudgeNames);
    settings.tolerance = record.tolerance = ep.tolerance[at[14]];
    settings.adaptive = (record.adaptive = ep.adaptive[at[15]]) == 1;
    if (!ep.training.dataset.empty()) {
      record.dataset = ep.training.dataset;
      record.training_steps = ep.training.steps;
    }
    ep::validate(settings);
    plan.ep.push_back(std::move(planned));
  });
}

} // namespace peakbench::suite
