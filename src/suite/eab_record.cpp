#include "suite/eab_record.h"

#include <functional>
#include <set>

#include "base/statistics.h"
#include "suite/outcome.h"

namespace peakbench::suite {

namespace {

using Runs = std::span<const eab::JointGeneration>;

template <class Get>
double median_of(Runs runs, Get get) {
  std::vector<double> values;
  for (const eab::JointGeneration& run : runs)
    values.push_back(std::invoke(get, run));
  return summarize(values).median;
}

void fill_work(results::EabCase& record, const eab::JointGeneration& run) {
  const eab::Counters& counters = run.counters;
  record.samples = counters.samples;
  record.branches = counters.branches;
  record.final_paths = counters.final_paths;
  record.prefill_tokens = counters.prefill_tokens;
  record.decode_forwards = counters.decode_forwards;
  record.emitted_tokens = counters.emitted_tokens;
  record.unique_tree_tokens = counters.unique_tree_tokens;
  record.pruned_tokens = counters.pruned_tokens;
  record.published_token_steps = counters.published_token_steps;
  record.kv_logical_bytes = run.kv.peak.logical_bytes;
  record.kv_physical_bytes = run.kv.peak.physical_bytes;
  record.kv_bound_bytes = run.kv.peak.bound_bytes;
  record.kv_bytes_copied = run.kv.copied_bytes;
  record.forks = run.kv.forks;
}

// Of several prompts: the texts together, of the rest the mean.
void fill_quality(results::EabCase& record, const std::vector<eab::Trace>& traces) {
  std::vector<eab::Quality> all;
  for (const eab::Trace& trace : traces)
    all.push_back(eab::quality_of(trace));
  const auto mean = [&](double eab::Quality::*member) {
    double sum = 0;
    for (const eab::Quality& quality : all)
      sum += quality.*member;
    return sum / static_cast<double>(all.size());
  };
  record.distinct_texts = 0;
  for (const eab::Quality& quality : all)
    record.distinct_texts += quality.distinct_texts;
  record.distinct_1 = mean(&eab::Quality::distinct_1);
  record.distinct_2 = mean(&eab::Quality::distinct_2);
  record.self_bleu = mean(&eab::Quality::self_bleu);
  record.mean_log_prob = mean(&eab::Quality::mean_log_prob);
  record.spread_log_prob = mean(&eab::Quality::spread_log_prob);
  record.mean_entropy = mean(&eab::Quality::mean_entropy);
  record.branch_rate = mean(&eab::Quality::branch_rate);
  record.answer_entropy = mean(&eab::Quality::answer_entropy);
}

} // namespace

void fill_eab_record(results::EabCase& record, Runs runs, const measure::TrialResult& trials) {
  record.wall_seconds = trials.seconds.median;
  record.wall_seconds_lower = trials.seconds.lower;
  record.wall_seconds_upper = trials.seconds.upper;
  record.cold_seconds = trials.cold_seconds;
  const auto measured = runs.last(trials.samples.size());
  using Run = eab::JointGeneration;
  record.time_to_first_token_seconds = median_of(measured, &Run::time_to_first_token_seconds);
  record.time_per_step_seconds = median_of(measured, &Run::time_per_step_seconds);
  record.sampling_seconds = median_of(measured, &Run::sampling_seconds);
  record.product_seconds = median_of(measured, [](const Run& run) { return run.forward.products; });
  record.attention_seconds =
      median_of(measured, [](const Run& run) { return run.forward.attention; });
  fill_trials(record, trials);
  const measure::MemoryReading& reading = trials.largest().memory;
  record.peak_bytes = reading.peak_bytes;
  record.peak = peak_by_tag(reading.peak_by_tag);
  fill_work(record, runs.back());
  record.tokens_per_second = static_cast<double>(record.emitted_tokens) / record.wall_seconds;
  fill_quality(record, runs.back().traces);
}

void add_trace(results::EabTrace& result, const eab::Trace& trace,
               const std::vector<std::int32_t>& prompt) {
  const auto first = static_cast<std::int32_t>(result.nodes.size());
  const auto number = static_cast<std::int32_t>(result.prompt_lengths.size());
  result.prompt_tokens.insert(result.prompt_tokens.end(), prompt.begin(), prompt.end());
  result.prompt_lengths.push_back(static_cast<std::int32_t>(prompt.size()));
  for (const eab::Node& node : trace.nodes)
    result.nodes.push_back({node.node + first, node.parent < 0 ? -1 : node.parent + first,
                            node.token, node.position, node.log_prob, node.entropy, node.branched,
                            number});
  for (const eab::Sample& sample : trace.samples)
    result.samples.push_back({sample.leaf + first, sample.log_prob, sample.text});
}

void add_token_texts(results::EabTrace& trace, const llm::Tokenizer* tokenizer) {
  if (!tokenizer)
    return;
  std::set<std::int32_t> tokens;
  for (const results::TraceNode& node : trace.nodes)
    tokens.insert(node.token);
  for (const std::int32_t token : tokens)
    trace.tokens.push_back({token, tokenizer->decode({&token, 1}, true)});
}

} // namespace peakbench::suite
