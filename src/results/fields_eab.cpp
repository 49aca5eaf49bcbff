// The columns of /eab/cases. Adding a measurement is one line here (and the member in records.h).
#include "results/fields.h"
#include "results/member_access.h"

namespace peakbench::results {

namespace {

template <auto... Path>
constexpr auto member = &member_of<EabCase, Path...>;
using Case = EabCase;
using Tag = PeakByTag;
constexpr Role kId = Role::id;
constexpr Role kFactor = Role::independent;
constexpr Role kMeasured = Role::measured;

constexpr Field<Case> kFields[] = {
    {"case_id", "", "hash of the independent variables", kId, member<&Case::case_id>},
    {"model", "", "model as the configuration names it", kFactor, member<&Case::model>},
    {"weights", "", "file: read; random: drawn, so that only cost has a meaning", kFactor,
     member<&Case::weights>},
    {"prompt_id", "", "id of the prompt; of several decoded together a+b", kFactor,
     member<&Case::prompt_id>},
    {"prompt_hash", "", "hash of the prompt's text", kFactor, member<&Case::prompt_hash>},
    {"prompt_format", "", "raw | chat", kFactor, member<&Case::prompt_format>},
    {"domain", "", "domain of the prompt", kFactor, member<&Case::domain>},
    {"arm", "", "naive | naive_batched | prefill_once | original | cow", kFactor,
     member<&Case::arm>},
    {"decode", "", "per_path | batched", kFactor, member<&Case::decode>},
    {"dtype", "", "type of weights, activations and KV", kFactor, member<&Case::dtype>},
    {"max_new_tokens", "tokens", "longest sample", kFactor, member<&Case::max_new_tokens>},
    {"branch_factor", "1", "children of a branching path", kFactor, member<&Case::branch_factor>},
    {"max_paths", "1", "most paths alive", kFactor, member<&Case::max_paths>},
    {"threshold", "1", "normalised entropy from which a path branches", kFactor,
     member<&Case::threshold>},
    {"temperature", "1", "sampling temperature", kFactor, member<&Case::temperature>},
    {"top_k", "1", "tokens kept by rank; 0: all", kFactor, member<&Case::top_k>},
    {"top_p", "1", "probability mass kept", kFactor, member<&Case::top_p>},
    {"min_prob", "1", "paths below this probability are dropped; 0: none", kFactor,
     member<&Case::min_prob>},
    {"budget", "", "strict | published: what counts against max_paths", kFactor,
     member<&Case::budget>},
    {"schedule", "", "children at the first branchings instead of the entropy rule", kFactor,
     member<&Case::schedule>},
    {"prompts_per_step", "1", "prompts decoded together, at most", kFactor,
     member<&Case::prompts_per_step>},
    {"seed", "1", "seed of the random numbers", kFactor, member<&Case::seed>},

    {"status", "", "ok | failed | out_of_memory | timed_out | diverged | skipped", kMeasured,
     member<&Case::status>},
    {"reason", "", "why the status is not ok", kMeasured, member<&Case::reason>},
    {"validity", "", "VALID, or INVALID: which check failed and why", kMeasured,
     member<&Case::validity>},
    {"prompt_tokens", "tokens", "length of the encoded prompts", kMeasured,
     member<&Case::prompt_tokens>},
    {"samples", "1", "samples returned", kMeasured, member<&Case::samples>},
    {"branches", "1", "decisions to branch", kMeasured, member<&Case::branches>},
    {"final_paths", "1", "paths alive after the last step", kMeasured, member<&Case::final_paths>},
    {"prompt_rating", "1", "rating of the prompt by people, from the prompt file", kMeasured,
     member<&Case::prompt_rating>},
    {"model_parameters", "1", "weights of the model's shape", kMeasured,
     member<&Case::model_parameters>},
    {"kv_bytes_per_token", "bytes", "key and value of one token in all layers, in this dtype",
     kMeasured, member<&Case::kv_bytes_per_token>},

    {"wall_seconds", "seconds", "median wall time of the repeats", kMeasured,
     member<&Case::wall_seconds>},
    {"wall_seconds_lower", "seconds", "lower end of the median's 95 % interval", kMeasured,
     member<&Case::wall_seconds_lower>},
    {"wall_seconds_upper", "seconds", "upper end of the median's 95 % interval", kMeasured,
     member<&Case::wall_seconds_upper>},
    {"cold_seconds", "seconds", "wall time of the very first call", kMeasured,
     member<&Case::cold_seconds>},
    {"time_to_first_token_seconds", "seconds", "until the first token was drawn", kMeasured,
     member<&Case::time_to_first_token_seconds>},
    {"time_per_step_seconds", "seconds", "mean over the decode steps", kMeasured,
     member<&Case::time_per_step_seconds>},
    {"sampling_seconds", "seconds", "the suite's own work: filters, random numbers, bookkeeping",
     kMeasured, member<&Case::sampling_seconds>},
    {"product_seconds", "seconds", "products with the weights, all passes; absent on a GPU",
     kMeasured, member<&Case::product_seconds>},
    {"attention_seconds", "seconds", "attention and the KV store, all passes; absent on a GPU",
     kMeasured, member<&Case::attention_seconds>},
    {"tokens_per_second", "1/seconds", "emitted tokens / median wall time", kMeasured,
     member<&Case::tokens_per_second>},
    {"repeats", "1", "repeats behind the medians, warm-up left out", kMeasured,
     member<&Case::repeats>},
    {"stop_reason", "", "why the repeats ended: interval | max_repeats | time_limit", kMeasured,
     member<&Case::stop_reason>},

    {"peak_bytes", "bytes", "greatest live memory beyond the weights, allocator's high-water mark",
     kMeasured, member<&Case::peak_bytes>},
    {"peak_weights_bytes", "bytes", "weights made within the case, at the peak", kMeasured,
     member<&Case::peak, &Tag::weights>},
    {"peak_gradients_bytes", "bytes", "gradients at the peak", kMeasured,
     member<&Case::peak, &Tag::gradients>},
    {"peak_optimizer_bytes", "bytes", "optimizer state at the peak", kMeasured,
     member<&Case::peak, &Tag::optimizer>},
    {"peak_activations_bytes", "bytes", "activations at the peak", kMeasured,
     member<&Case::peak, &Tag::activations>},
    {"peak_states_bytes", "bytes", "states at the peak", kMeasured,
     member<&Case::peak, &Tag::states>},
    {"peak_kv_cache_bytes", "bytes", "keys and values at the peak", kMeasured,
     member<&Case::peak, &Tag::kv_cache>},
    {"peak_logits_bytes", "bytes", "logits at the peak", kMeasured,
     member<&Case::peak, &Tag::logits>},
    {"peak_workspace_bytes", "bytes", "everything else at the peak", kMeasured,
     member<&Case::peak, &Tag::workspace>},
    {"weights_bytes", "bytes", "weights, live before the case", kMeasured,
     member<&Case::weights_bytes>},
    {"resident_peak_bytes", "bytes", "greatest resident set of the process (VmHWM)", kMeasured,
     member<&Case::resident_peak_bytes>},
    {"device_used_bytes", "bytes", "in use on the whole device by everybody after the case",
     kMeasured, member<&Case::device_used_bytes>},
    {"memory_repeats", "1", "1: every repeat had the same peak, 0: not", kMeasured,
     member<&Case::memory_repeats>},
    {"kv_logical_bytes", "bytes", "sum of path lengths x bytes per token, at its greatest",
     kMeasured, member<&Case::kv_logical_bytes>},
    {"kv_physical_bytes", "bytes", "keys and values allocated, at their greatest", kMeasured,
     member<&Case::kv_physical_bytes>},
    {"kv_bound_bytes", "bytes", "unique live tokens x bytes per token: no store can hold less",
     kMeasured, member<&Case::kv_bound_bytes>},
    {"kv_bytes_copied", "bytes", "keys and values copied by branching", kMeasured,
     member<&Case::kv_bytes_copied>},
    {"forks", "1", "paths made by branching", kMeasured, member<&Case::forks>},

    {"prefill_tokens", "tokens", "prompt tokens really computed, all prefills together", kMeasured,
     member<&Case::prefill_tokens>},
    {"decode_forwards", "tokens", "token-steps really computed", kMeasured,
     member<&Case::decode_forwards>},
    {"emitted_tokens", "tokens", "sum of the samples' lengths", kMeasured,
     member<&Case::emitted_tokens>},
    {"unique_tree_tokens", "tokens", "nodes of the token tree", kMeasured,
     member<&Case::unique_tree_tokens>},
    {"pruned_tokens", "tokens", "drawn tokens of no sample", kMeasured,
     member<&Case::pruned_tokens>},
    {"published_token_steps", "tokens",
     "as the published code counts: naive with its prompts, branching without", kMeasured,
     member<&Case::published_token_steps>},

    {"tree_matches_reference", "1", "1: the token tree is that of original, per_path; 0: not",
     kMeasured, member<&Case::tree_matches_reference>},
    {"tree_differs_at", "tokens", "first position where the trees differ", kMeasured,
     member<&Case::tree_differs_at>},
    {"tree_gap", "1", "gap between the two candidates where the trees differ", kMeasured,
     member<&Case::tree_gap>},

    {"distinct_texts", "1", "distinct texts among the samples", kMeasured,
     member<&Case::distinct_texts>},
    {"distinct_1", "1", "distinct tokens / tokens", kMeasured, member<&Case::distinct_1>},
    {"distinct_2", "1", "distinct pairs of tokens / pairs", kMeasured, member<&Case::distinct_2>},
    {"self_bleu", "1", "how much the samples repeat each other", kMeasured,
     member<&Case::self_bleu>},
    {"mean_log_prob", "nats", "mean log-probability of the samples", kMeasured,
     member<&Case::mean_log_prob>},
    {"spread_log_prob", "nats", "standard deviation of the samples' log-probability", kMeasured,
     member<&Case::spread_log_prob>},
    {"mean_entropy", "1", "mean normalised entropy over the tree", kMeasured,
     member<&Case::mean_entropy>},
    {"branch_rate", "1", "decisions to branch / decisions", kMeasured, member<&Case::branch_rate>},
    {"answer_entropy", "nats", "entropy over distinct texts, weighted by the tree", kMeasured,
     member<&Case::answer_entropy>},

    {"rank", "1", "MPI rank that ran the case", kMeasured, member<&Case::rank>},
    {"host", "", "host that ran the case", kMeasured, member<&Case::host>},
    {"device", "", "device that ran the case", kMeasured, member<&Case::device>},
};
static_assert(std::size(kFields) == member_count<EabCase>() - 1 + member_count<PeakByTag>(),
              "a member of EabCase is missing in the list");

} // namespace

template <>
std::span<const Field<EabCase>> fields<EabCase>() {
  return kFields;
}

} // namespace peakbench::results
