#include "suite/eab_runner.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "base/hash.h"
#include "cluster/devices.h"
#include "measure/trial.h"
#include "suite/eab_record.h"
#include "suite/outcome.h"

namespace peakbench::suite {

namespace {

// A larger gap between two decisions is not rounding (eab.md).
constexpr double kRoundingGap = 1e-3;

// Why a case cannot even be tried; empty if it can.
std::string obstacle(const EabPlanned& planned, const llm::ModelConfig& model,
                     std::size_t prompt_tokens, c10::Device device) {
  if (planned.dtype == at::kHalf && !device.is_cuda())
    return "float16 needs a CUDA device";
  const auto wanted = static_cast<std::int64_t>(prompt_tokens) + planned.settings.max_new_tokens;
  if (wanted > model.context)
    return fmt::format("prompt and new tokens need {} positions, the model has {}", wanted,
                       model.context);
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

EabRunner::EabRunner(const Plan& plan, const Config& config, c10::Device device)
    : plan_(plan), config_(config), device_(device), memory_(measure::DeviceMemory::of(device)) {}

void EabRunner::load(const EabPlanned& planned) {
  const std::pair wanted(planned.model, planned.dtype);
  if (loaded_ == wanted)
    return;
  loaded_.reset();
  model_.reset(); // before the next one, so that two never share the device
  cluster::release_cached_memory(device_);
  const Deadline clock;
  const llm::ModelSource& source = *plan_.models[planned.model].source;
  model_ = std::make_unique<llm::Model>(source, planned.dtype, device_);
  tokenizer_ = source.tokenizer();
  memory_.synchronize();
  load_seconds_ += clock.elapsed_seconds();
  loaded_ = wanted;
}

EabRunner::Known& EabRunner::known(const EabPlanned& planned) {
  std::string group = fmt::format("{}/{}/{}", planned.model, planned.record.dtype, planned.prompt);
  if (group != group_)
    known_.clear();
  group_ = std::move(group);
  return known_[settings_key(planned.settings)];
}

eab::Generation EabRunner::generate(const EabPlanned& planned, const eab::Settings& settings,
                                    const Deadline& deadline) const {
  const EncodedPrompt& prompt = plan_.encoded[planned.prompt];
  static const std::vector<std::int32_t> kNone;
  return eab::generate(*model_, tokenizer_.get(), tokenizer_ ? tokenizer_->end_tokens() : kNone,
                       prompt.tokens, hash64(prompt.id), settings, deadline);
}

const eab::Trace& EabRunner::reference_trace(const EabPlanned& planned, const Deadline& deadline) {
  std::optional<eab::Trace>& trace = known(planned).reference;
  if (!trace) {
    eab::Settings settings = planned.settings;
    settings.arm = eab::Arm::original;
    settings.decode = eab::Decode::per_path;
    trace = generate(planned, settings, deadline).trace;
  }
  return *trace;
}

std::int64_t EabRunner::sample_count(const EabPlanned& planned, const Deadline& deadline) {
  std::optional<std::int64_t>& samples = known(planned).samples;
  if (!samples) {
    eab::Settings settings = planned.settings;
    settings.arm = eab::Arm::cow;
    settings.decode = eab::Decode::batched;
    samples = generate(planned, settings, deadline).counters.samples;
  }
  return *samples;
}

void EabRunner::compare_with_reference(const EabPlanned& planned, const eab::Trace& first,
                                       const eab::Trace& last, const Deadline& deadline,
                                       results::EabCase& record) {
  record.validity = "VALID";
  const bool is_reference = is(planned.settings, eab::Arm::original, eab::Decode::per_path);
  if (!eab::branches(planned.settings.arm))
    return;
  // The reference itself is held against its own first run: the same case gives the same answer.
  const eab::TreeComparison comparison =
      eab::compare_trees(last, is_reference ? first : reference_trace(planned, deadline));
  record.tree_matches_reference = comparison.same ? 1 : 0;
  if (comparison.same)
    return;
  record.tree_differs_at = comparison.position;
  record.tree_gap = comparison.gap;
  // In 16 bits such gaps are rounding; they are recorded, not judged.
  if (planned.dtype == at::kFloat && !(comparison.gap <= kRoundingGap))
    record.validity = fmt::format(
        "INVALID: another tree than the reference arm's, from position {} on, where the "
        "decision was {:.3g} apart (rounding explains up to {:g})",
        comparison.position, comparison.gap, kRoundingGap);
}

void EabRunner::measure_case(const EabPlanned& planned, results::EabRow& row) {
  load(planned);
  const Deadline deadline(config_.case_time_limit_seconds);
  eab::Settings settings = planned.settings;
  if (!eab::branches(settings.arm))
    settings.samples = sample_count(planned, deadline);

  std::vector<eab::Generation> runs; // no tensors in them: they do not count as memory
  const measure::TrialResult trials = measure::run_trials(config_.repeats, memory_, deadline, [&] {
    runs.push_back(generate(planned, settings, deadline));
  });
  const std::vector<std::int32_t>& prompt = plan_.encoded[planned.prompt].tokens;
  fill_eab_record(row.record, runs, trials);
  row.record.prompt_tokens = static_cast<std::int64_t>(prompt.size());
  row.record.weights_bytes = model_->weight_bytes();
  row.record.model_parameters = plan_.models[planned.model].source->parameters();
  row.record.kv_bytes_per_token = model_->config().kv_bytes_per_token(
      static_cast<std::int64_t>(c10::elementSize(planned.dtype)));
  row.repeats = repeat_rows(row.record.case_id, trials, trials.samples.front().memory.start.total);
  row.trace = trace_of(runs.back().trace, prompt);
  compare_with_reference(planned, runs.front().trace, runs.back().trace, deadline, row.record);

  if (is(settings, eab::Arm::original, eab::Decode::per_path))
    known(planned).reference = runs.back().trace;
  if (is(settings, eab::Arm::cow, eab::Decode::batched))
    known(planned).samples = runs.back().counters.samples;
}

results::EabRow EabRunner::run(const EabPlanned& planned) {
  results::EabRow row;
  row.record = planned.record;
  const llm::ModelConfig& model = plan_.models[planned.model].source->config();
  const std::string why_not =
      obstacle(planned, model, plan_.encoded[planned.prompt].tokens.size(), device_);
  if (!why_not.empty()) {
    row.record.status = "skipped";
    row.record.reason = why_not;
    return row;
  }
  run_guarded(row, [&](results::EabRow& result) { measure_case(planned, result); });
  return row;
}

} // namespace peakbench::suite
