#include "suite/eab_record.h"

#include "suite/outcome.h"

namespace peakbench::suite {

namespace {

double median_of(std::span<const eab::Generation> runs, double eab::Generation::*member) {
  std::vector<double> values;
  for (const eab::Generation& run : runs)
    values.push_back(run.*member);
  return measure::summarize(values).median;
}

void fill_work(results::EabCase& record, const eab::Generation& run) {
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

void fill_quality(results::EabCase& record, const eab::Quality& quality) {
  record.distinct_texts = quality.distinct_texts;
  record.distinct_1 = quality.distinct_1;
  record.distinct_2 = quality.distinct_2;
  record.self_bleu = quality.self_bleu;
  record.mean_log_prob = quality.mean_log_prob;
  record.spread_log_prob = quality.spread_log_prob;
  record.mean_entropy = quality.mean_entropy;
  record.branch_rate = quality.branch_rate;
  record.answer_entropy = quality.answer_entropy;
}

} // namespace

void fill_eab_record(results::EabCase& record, std::span<const eab::Generation> runs,
                     const measure::TrialResult& trials) {
  record.wall_seconds = trials.seconds.median;
  record.wall_seconds_lower = trials.seconds.lower;
  record.wall_seconds_upper = trials.seconds.upper;
  record.cold_seconds = trials.cold_seconds;
  const auto measured = runs.last(trials.samples.size());
  record.time_to_first_token_seconds =
      median_of(measured, &eab::Generation::time_to_first_token_seconds);
  record.time_per_step_seconds = median_of(measured, &eab::Generation::time_per_step_seconds);
  record.sampling_seconds = median_of(measured, &eab::Generation::sampling_seconds);
  fill_trials(record, trials);
  const measure::MemoryReading& reading = trials.largest().memory;
  record.peak_bytes = reading.peak_bytes;
  record.peak = peak_by_tag(reading.peak_by_tag);
  fill_work(record, runs.back());
  fill_quality(record, eab::quality_of(runs.back().trace));
}

results::EabTrace trace_of(const eab::Trace& trace, const std::vector<std::int32_t>& prompt) {
  results::EabTrace result;
  result.prompt_tokens = prompt;
  for (const eab::Node& node : trace.nodes)
    result.nodes.push_back({node.node, node.parent, node.token, node.position, node.log_prob,
                            node.entropy, node.branched});
  for (const eab::Sample& sample : trace.samples)
    result.samples.push_back({sample.leaf, sample.log_prob, sample.text});
  return result;
}

} // namespace peakbench::suite
