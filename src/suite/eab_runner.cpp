#include "suite/eab_runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "cluster/devices.h"
#include "measure/trial.h"
#include "suite/eab_record.h"
#include "suite/outcome.h"
#include "suite/timeline.h"

namespace peakbench::suite {

namespace {

// A larger gap between two decisions is not rounding (eab.md).
constexpr double kRoundingGap = 1e-3;
// Prompts and settings whose reference tree is kept, some 100 kB each.
constexpr std::size_t kMostKnown = 256;

// Why a case cannot even be tried; empty if it can.
std::string obstacle(const EabPlanned& planned, const llm::ModelConfig& model,
                     std::size_t prompt_tokens, c10::Device device) {
  if (planned.dtype == at::kHalf && !device.is_cuda())
    return "float16 needs a CUDA device";
  const auto wanted = static_cast<std::int64_t>(prompt_tokens) + planned.settings.max_new_tokens;
  if (wanted > model.context)
    return fmt::format("prompt and new tokens need {} positions, the model has {}", wanted,
                       llm::context_text(model));
  return "";
}

std::string settings_key(const eab::Settings& s) {
  return fmt::format("{} {} {} {} {} {} {} {} {} {}", s.max_new_tokens, s.branch_factor,
                     s.max_paths, s.threshold, s.temperature, s.top_k, s.top_p, s.min_prob,
                     name_of(s.budget), s.seed);
}

bool is(const eab::Settings& settings, eab::Arm arm, eab::Decode decode) {
  return settings.arm == arm && settings.decode == decode;
}

} // namespace

EabRunner::EabRunner(const Plan& plan, const Config& config, c10::Device device,
                     RunnerOptions options)
    : plan_(&plan), config_(&config), device_(device), options_(std::move(options)),
      memory_(measure::DeviceMemory::of(device)) {}

void EabRunner::go_on_with(const Plan& plan, const Config& config) {
  plan_ = &plan;
  config_ = &config;
  known_.clear();
}

void EabRunner::load(const EabPlanned& planned) {
  const std::pair wanted(plan_->models[planned.model].source, planned.dtype);
  if (loaded_ == wanted)
    return;
  loaded_.reset();
  known_.clear();
  model_.reset(); // before the next one, so that two never share the device
  cluster::release_cached_memory(device_);
  const Deadline clock;
  const llm::ModelSource& source = *wanted.first;
  const bool graphs = !config_->eab || config_->eab->cuda_graphs != "off";
  model_ = std::make_unique<llm::Model>(source, planned.dtype, device_,
                                        llm::ModelOptions{.cuda_graphs = graphs});
  tokenizer_ = source.tokenizer();
  memory_.synchronize();
  load_seconds_ += clock.elapsed_seconds();
  loaded_ = wanted;
}

EabRunner::Known& EabRunner::known(std::size_t prompt, const Settings& settings) {
  return known_[fmt::format("{} {}", prompt, settings_key(settings))];
}

eab::JointGeneration EabRunner::generate(std::span<const std::size_t> prompts,
                                         const Settings& settings,
                                         const std::vector<std::int64_t>& samples,
                                         const Deadline& deadline) const {
  std::vector<eab::Prompt> given;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const EncodedPrompt& prompt = plan_->encoded[prompts[i]];
    given.push_back({prompt.tokens, hash64(prompt.id), samples.empty() ? 0 : samples[i]});
  }
  static const std::vector<std::int32_t> kNone;
  return eab::generate(*model_, tokenizer_.get(), tokenizer_ ? tokenizer_->end_tokens() : kNone,
                       given, settings, deadline);
}

const eab::Trace& EabRunner::reference_trace(std::size_t prompt, const Settings& settings,
                                             const Deadline& deadline) {
  std::optional<eab::Trace>& trace = known(prompt, settings).reference;
  if (!trace) {
    Settings reference = settings;
    reference.arm = eab::Arm::original;
    reference.decode = eab::Decode::per_path;
    trace = std::move(generate({&prompt, 1}, reference, {}, deadline).traces.front());
  }
  return *trace;
}

std::int64_t EabRunner::sample_count(std::size_t prompt, const Settings& settings,
                                     const Deadline& deadline) {
  std::optional<std::int64_t>& samples = known(prompt, settings).samples;
  if (!samples) {
    Settings cow = settings;
    cow.arm = eab::Arm::cow;
    cow.decode = eab::Decode::batched;
    samples = generate({&prompt, 1}, cow, {}, deadline).counters.samples;
  }
  return *samples;
}

void EabRunner::compare_with_reference(const EabPlanned& planned,
                                       const std::vector<eab::Trace>& first,
                                       const std::vector<eab::Trace>& last,
                                       const Deadline& deadline, results::EabCase& record) {
  if (!eab::branches(planned.settings.arm))
    return;
  // The reference itself is held against its own first run: the same case gives the same answer.
  const bool is_reference = is(planned.settings, eab::Arm::original, eab::Decode::per_path);
  const auto unknown = [&](std::size_t prompt) {
    return !known(prompt, planned.settings).reference;
  };
  if (!is_reference && !options_.make_references && std::ranges::any_of(planned.prompts, unknown))
    return;
  record.tree_matches_reference = 1;
  for (std::size_t i = 0; i < last.size(); ++i) {
    const eab::TreeComparison comparison = eab::compare_trees(
        last[i],
        is_reference ? first[i] : reference_trace(planned.prompts[i], planned.settings, deadline));
    if (comparison.same)
      continue;
    // Of several prompts the one that is hardest to explain.
    if (record.tree_matches_reference == 1 || comparison.gap > record.tree_gap) {
      record.tree_differs_at = comparison.position;
      record.tree_gap = comparison.gap;
    }
    record.tree_matches_reference = 0;
  }
  // In 16 bits such gaps are rounding; they are recorded, not judged.
  if (record.tree_matches_reference == 0 && planned.dtype == at::kFloat &&
      !(record.tree_gap <= kRoundingGap))
    record.validity = fmt::format(
        "INVALID: another tree than the reference arm's, from position {} on, where the "
        "decision was {:.3g} apart (rounding explains up to {:g})",
        record.tree_differs_at, record.tree_gap, kRoundingGap);
}

void EabRunner::measure_case(const EabPlanned& planned, results::EabRow& row) {
  load(planned);
  const Deadline limit = deadline();
  const Settings& settings = planned.settings;
  if (known_.size() > kMostKnown)
    known_.clear();
  std::vector<std::int64_t> samples;
  if (!eab::branches(settings.arm))
    for (const std::size_t prompt : planned.prompts)
      samples.push_back(sample_count(prompt, settings, limit));

  std::vector<eab::JointGeneration> runs; // no tensors in them: they do not count as memory
  const measure::TrialResult trials = measure::run_trials(config_->repeats, memory_, limit, [&] {
    runs.push_back(generate(planned.prompts, settings, samples, limit));
  });
  fill_eab_record(row.record, runs, trials);
  if (device_.is_cuda()) // the host only launches there
    row.record.product_seconds = row.record.attention_seconds = results::kAbsentReal;
  row.record.weights_bytes = model_->weight_bytes();
  row.record.model_parameters = plan_->models[planned.model].source->parameters();
  row.record.kv_bytes_per_token = model_->config().kv_bytes_per_token(
      static_cast<std::int64_t>(c10::elementSize(planned.dtype)));
  row.repeats = repeat_rows(row.record.case_id, trials, trials.samples.front().memory.start.total);
  for (std::size_t i = 0; i < planned.prompts.size(); ++i)
    add_trace(row.trace, runs.back().traces[i], plan_->encoded[planned.prompts[i]].tokens);
  add_token_texts(row.trace, tokenizer_.get());
  row.record.prompt_tokens = static_cast<std::int64_t>(row.trace.prompt_tokens.size());
  row.record.validity = "VALID";
  compare_with_reference(planned, runs.front().traces, runs.back().traces, limit, row.record);

  // After its last path nothing may be left in a store.
  for (const eab::JointGeneration& run : runs)
    if (run.kv.now.bound_bytes != 0 || run.kv.now.logical_bytes != 0)
      row.record.validity =
          fmt::format("INVALID: {} bytes of KV were never released", run.kv.now.bound_bytes);

  if (planned.prompts.size() == 1) {
    if (is(settings, eab::Arm::original, eab::Decode::per_path))
      known(planned.prompts.front(), settings).reference = runs.back().traces.front();
    if (is(settings, eab::Arm::cow, eab::Decode::batched))
      known(planned.prompts.front(), settings).samples = runs.back().counters.samples;
  }
  if (config_->timeline)
    add_timeline(row, memory_, {}, [&] { generate(planned.prompts, settings, samples, limit); });
}

results::EabRow EabRunner::run(const EabPlanned& planned) {
  results::EabRow row;
  row.record = planned.record;
  const llm::ModelConfig& model = plan_->models[planned.model].source->config();
  std::size_t longest = 0;
  for (const std::size_t prompt : planned.prompts)
    longest = std::max(longest, plan_->encoded[prompt].tokens.size());
  const std::string why_not = obstacle(planned, model, longest, device_);
  if (!why_not.empty()) {
    row.record.status = "skipped";
    row.record.reason = why_not;
    return row;
  }
  run_guarded(row, [&](results::EabRow& result) { measure_case(planned, result); });
  return row;
}

} // namespace peakbench::suite
