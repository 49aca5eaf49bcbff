// One row per case: every independent variable, then every measurement. `fields()` (fields.h) lists
// the members once; HDF5 columns, CSV, JSON, tables, MPI transport and documentation all come from
// there.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace peakbench::results {

// "Measured or absent": absent numbers are these, and become null in JSON and empty in CSV.
inline constexpr std::int64_t kAbsent = -1;
inline constexpr double kAbsentReal = std::numeric_limits<double>::quiet_NaN();

// status: ok | failed | out_of_memory | timed_out | diverged | skipped. validity: VALID, or
// INVALID: why.

// The peak's composition; the members are named after measure::Tag.
struct PeakByTag {
  std::int64_t weights = kAbsent, gradients = kAbsent, optimizer = kAbsent, activations = kAbsent,
               states = kAbsent, kv_cache = kAbsent, logits = kAbsent, workspace = kAbsent;
};

inline constexpr std::array kTagMembers{
    &PeakByTag::weights, &PeakByTag::gradients, &PeakByTag::optimizer, &PeakByTag::activations,
    &PeakByTag::states,  &PeakByTag::kv_cache,  &PeakByTag::logits,    &PeakByTag::workspace};
inline constexpr std::array kTagNames{"weights", "gradients", "optimizer", "activations",
                                      "states",  "kv_cache",  "logits",    "workspace"};

// Of a repeat beside the timed ones, whose allocations were recorded: `run --timeline`.
struct TimelinePoint {
  double seconds = 0;     // since the repeat began
  std::int64_t total = 0; // bytes, as peak_bytes counts them
  PeakByTag by_tag;       // sums to total
  std::int32_t phase = 0; // of Timeline::phases
};
struct Timeline {
  std::vector<TimelinePoint> points; // of every `span` events the highest, start and end besides
  std::vector<std::string> phases;
  std::int64_t events = 0, span = 1;
};
// The first point of the highest total; the timeline has one at least.
std::size_t peak_of(const Timeline& timeline);

struct EabCase {
  // Independent variables: the case id is the hash of these.
  std::string case_id;
  std::string model, weights; // weights: file | random
  std::string prompt_id, prompt_hash, prompt_format, domain;
  std::string arm, decode, dtype;
  std::int64_t max_new_tokens = kAbsent, branch_factor = kAbsent, max_paths = kAbsent;
  double threshold = kAbsentReal, temperature = kAbsentReal;
  std::int64_t top_k = kAbsent;
  double top_p = kAbsentReal, min_prob = kAbsentReal;
  std::string budget, schedule;
  std::int64_t prompts_per_step = kAbsent;
  std::int64_t seed = kAbsent;
  // Outcome.
  std::string status, reason, validity;
  std::int64_t prompt_tokens = kAbsent, samples = kAbsent, branches = kAbsent,
               final_paths = kAbsent;
  double prompt_rating = kAbsentReal; // by people
  // Of the model's shape.
  std::int64_t model_parameters = kAbsent, kv_bytes_per_token = kAbsent;
  // Time.
  double wall_seconds = kAbsentReal, wall_seconds_lower = kAbsentReal,
         wall_seconds_upper = kAbsentReal;
  double cold_seconds = kAbsentReal, time_to_first_token_seconds = kAbsentReal,
         time_per_step_seconds = kAbsentReal, sampling_seconds = kAbsentReal,
         product_seconds = kAbsentReal, attention_seconds = kAbsentReal,
         tokens_per_second = kAbsentReal;
  std::int64_t repeats = kAbsent;
  std::string stop_reason;
  // Memory: beyond the weights, at the peak.
  std::int64_t peak_bytes = kAbsent;
  PeakByTag peak;
  std::int64_t weights_bytes = kAbsent;
  std::int64_t resident_peak_bytes = kAbsent, device_used_bytes = kAbsent;
  std::int64_t memory_repeats = kAbsent; // 1: every repeat had the same peak
  std::int64_t timeline_peak_bytes = kAbsent;
  double timeline_peak_seconds = kAbsentReal;
  std::string timeline_peak_phase;
  std::int64_t kv_logical_bytes = kAbsent, kv_physical_bytes = kAbsent, kv_bound_bytes = kAbsent,
               kv_bytes_copied = kAbsent, forks = kAbsent;
  // Work.
  std::int64_t prefill_tokens = kAbsent, decode_forwards = kAbsent, emitted_tokens = kAbsent,
               unique_tree_tokens = kAbsent, pruned_tokens = kAbsent,
               published_token_steps = kAbsent;
  // Correctness against the reference arm (original, per_path); 1 | 0 | absent.
  std::int64_t tree_matches_reference = kAbsent, tree_differs_at = kAbsent;
  double tree_gap = kAbsentReal;
  // Quality of the samples.
  std::int64_t distinct_texts = kAbsent;
  double distinct_1 = kAbsentReal, distinct_2 = kAbsentReal, self_bleu = kAbsentReal,
         mean_log_prob = kAbsentReal, spread_log_prob = kAbsentReal, mean_entropy = kAbsentReal,
         branch_rate = kAbsentReal, answer_entropy = kAbsentReal;
  // Where.
  std::int64_t rank = kAbsent;
  std::string host, device;
  std::int64_t environment = kAbsent; // row of /environment
  std::int64_t source = kAbsent;      // row of /sources
};

struct EpCase {
  std::string case_id;
  std::string arm;
  std::int64_t depth = kAbsent, width = kAbsent, batch = kAbsent, steps = kAbsent;
  double rate = kAbsentReal, momentum = kAbsentReal, beta = kAbsentReal,
         learning_rate = kAbsentReal;
  std::string loss, init, optimizer, profile, dtype;
  std::string nudge;
  double tolerance = kAbsentReal;
  std::int64_t adaptive = kAbsent; // 1 | 0
  std::string dataset;             // trained on; absent where no training was asked for
  std::int64_t training_steps = kAbsent;
  std::int64_t seed = kAbsent;
  std::string status, reason, validity;
  double step_seconds = kAbsentReal, step_seconds_lower = kAbsentReal,
         step_seconds_upper = kAbsentReal, cold_step_seconds = kAbsentReal;
  std::int64_t repeats = kAbsent;
  std::string stop_reason;
  std::int64_t peak_bytes = kAbsent;                // weights, batch, optimizer and all
  std::int64_t peak_beyond_weights_bytes = kAbsent; // peak_bytes - weights_bytes
  std::int64_t weights_bytes = kAbsent;
  PeakByTag peak;
  std::int64_t resident_peak_bytes = kAbsent, device_used_bytes = kAbsent, memory_repeats = kAbsent;
  std::int64_t timeline_peak_bytes = kAbsent;
  double timeline_peak_seconds = kAbsentReal;
  std::string timeline_peak_phase;
  std::int64_t reach = kAbsent, resolved_layers = kAbsent, kink_rows = kAbsent;
  double gradient_error = kAbsentReal, cosine_to_backprop = kAbsentReal,
         training_loss = kAbsentReal;
  std::int64_t settled_steps = kAbsent;
  // Against ep_autograd in float64, away from equilibrium (analysed cases only).
  double energy_difference = kAbsentReal, state_difference = kAbsentReal,
         loss_difference = kAbsentReal;
  // At the end of the training run.
  double trained_loss = kAbsentReal, test_loss = kAbsentReal, test_accuracy = kAbsentReal;
  std::int64_t rank = kAbsent;
  std::string host, device;
  std::int64_t environment = kAbsent;
  std::int64_t source = kAbsent;
};

// A collective between the first `ranks` ranks of the run.
struct CommCase {
  std::string case_id;
  std::string operation, backend; // backend: auto | mpi | nccl
  std::int64_t message_bytes = kAbsent;
  std::int64_t ranks = kAbsent;
  std::string status, reason, validity;
  std::string transport; // what `backend` came to: mpi | nccl
  std::int64_t hosts = kAbsent;
  std::int64_t sent_bytes = kAbsent; // message_bytes in whole elements
  double seconds = kAbsentReal, seconds_lower = kAbsentReal, seconds_upper = kAbsentReal;
  double algorithm_bandwidth = kAbsentReal, bus_bandwidth = kAbsentReal;
  std::int64_t repeats = kAbsent;
  std::string stop_reason;
  std::int64_t rank = kAbsent;
  std::string host, device;
  std::int64_t environment = kAbsent;
  std::int64_t source = kAbsent;
};

// How fast the first `ranks` ranks of the run work off the same cases.
struct ScalingCase {
  std::string case_id;
  std::string mode, share; // mode: strong | weak; share: static | dynamic
  std::int64_t ranks = kAbsent;
  std::string workload, isolate; // workload: hash of the cases
  std::string status, reason, validity;
  std::int64_t cases = kAbsent;
  double seconds = kAbsentReal, seconds_lower = kAbsentReal, seconds_upper = kAbsentReal;
  double cases_per_second = kAbsentReal;
  // Of the median repeat, summed over its ranks.
  double busy_seconds = kAbsentReal, idle_seconds = kAbsentReal, load_seconds = kAbsentReal;
  std::int64_t repeats = kAbsent;
  std::string stop_reason;
  std::int64_t rank = kAbsent;
  std::string host, device;
  std::int64_t environment = kAbsent;
  std::int64_t source = kAbsent;
};

// One repeat behind a median.
struct RepeatRow {
  std::string case_id;
  std::int64_t repeat = 0;
  double seconds = kAbsentReal;
  std::int64_t peak_bytes = kAbsent;
  std::int64_t resident_peak_bytes = kAbsent, device_used_bytes = kAbsent;
  std::int64_t source = kAbsent;
};

struct TraceNode {
  std::int32_t node = 0, parent = -1, token = 0, position = 0;
  double log_prob = 0, entropy = 0;
  bool branched = false;
  std::int32_t prompt = 0; // which of the prompts that were decoded together
};
struct TraceSample {
  std::int32_t leaf = 0;
  double log_prob = 0;
  std::string text;
};
struct TokenText {
  std::int32_t token = 0;
  std::string text;
};
struct EabTrace {
  std::vector<std::int32_t> prompt_tokens;  // one prompt after the other
  std::vector<std::int32_t> prompt_lengths; // of each
  std::vector<TraceNode> nodes;
  std::vector<TraceSample> samples;
  std::vector<TokenText> tokens; // of every token among the nodes, by id; none without a tokenizer
  Timeline timeline;
};
struct EpTrace {
  std::vector<double> energy;             // [steps + 1]
  std::vector<double> gradient_norm;      // [depth]
  std::vector<double> cosine_to_backprop; // [depth]; NaN where either gradient is zero
  Timeline timeline;
};

// A part of one training step: what it costs alone.
struct EpComponentRow {
  std::string case_id, component;
  std::int64_t evaluations = kAbsent;
  double seconds = kAbsentReal;
  std::int64_t peak_bytes = kAbsent;
  std::int64_t held_bytes = kAbsent; // of the peak, what was live when it began
  std::int64_t source = kAbsent;
};
// What one kind of operation keeps for the backward pass.
struct EpOperationRow {
  std::string case_id, mode, operation;
  std::int64_t count = kAbsent, bytes = kAbsent;
  std::int64_t kept_bytes = kAbsent; // of storages that would not be there anyhow, each once
  std::int64_t source = kAbsent;
};
// A point of a training curve.
struct EpTrainingRow {
  std::string case_id;
  std::int64_t step = kAbsent;
  double training_loss = kAbsentReal, test_loss = kAbsentReal, test_accuracy = kAbsentReal;
  std::int64_t source = kAbsent;
};

// What a rank sends for a finished case.
struct EabRow {
  EabCase record;
  std::vector<RepeatRow> repeats;
  EabTrace trace;
};
struct EpRow {
  EpCase record;
  std::vector<RepeatRow> repeats;
  EpTrace trace;
  std::vector<EpComponentRow> components;
  std::vector<EpOperationRow> operations;
  std::vector<EpTrainingRow> training;
};

struct CommRow {
  CommCase record;
  std::vector<RepeatRow> repeats;
};
struct ScalingRow {
  ScalingCase record;
  std::vector<RepeatRow> repeats;
};

// What a rank did in one launch of the program.
struct RankRow {
  std::int64_t launch = 0, rank = 0, ranks = 0;
  std::string started, host, share, gather, isolate, part, ended;
  std::int64_t environment = kAbsent;
  std::int64_t cases = kAbsent, restarts = kAbsent;
  double start_seconds = kAbsentReal, seconds = kAbsentReal, busy_seconds = kAbsentReal,
         idle_seconds = kAbsentReal, load_seconds = kAbsentReal;
  std::int64_t gathered_bytes = kAbsent;
  double gathering_seconds = kAbsentReal;
  std::int64_t source = kAbsent;
};

// A file whose rows were merged into this one (merge.h).
struct SourceRow {
  std::string path, name, created, command_line, plan_hash, peakbench_version, git_revision;
  std::int64_t git_dirty = kAbsent; // 1 | 0
  std::int64_t cases = kAbsent, kept_cases = kAbsent;
  std::string selection; // conditions that its rows had to fulfil; empty: none, all were taken
};

// One row per rank.
struct EnvironmentRow {
  std::int64_t rank = 0, ranks = 0, local_rank = 0, threads = 0;
  std::string host, device, device_name, driver;
  std::int64_t device_memory_bytes = kAbsent;
  std::string cpu;
  std::string peakbench_version, git_revision, compiler, torch, mpi, hdf5, cuda, nccl;
  std::string variables; // "NAME=value" lines of an allow-list
};

} // namespace peakbench::results
