// The columns of /ep/cases.
#include "results/fields.h"
#include "results/member_access.h"

namespace peakbench::results {

namespace {

template <auto... Path>
constexpr auto member = &member_of<EpCase, Path...>;
using Case = EpCase;
using Tag = PeakByTag;
constexpr Role kId = Role::id;
constexpr Role kFactor = Role::independent;
constexpr Role kMeasured = Role::measured;

constexpr Field<Case> kFields[] = {
    {"case_id", "", "hash of the independent variables", kId, member<&Case::case_id>},
    {"arm", "", "how the training step is computed (backprop, ep_autograd, ep_fused, ...)", kFactor,
     member<&Case::arm>},
    {"depth", "layers", "layers of the network", kFactor, member<&Case::depth>},
    {"width", "1", "units of a hidden layer", kFactor, member<&Case::width>},
    {"batch", "1", "rows of the batch", kFactor, member<&Case::batch>},
    {"steps", "1", "settling steps T; for truncated_backprop the layers trained", kFactor,
     member<&Case::steps>},
    {"rate", "1", "settling rate", kFactor, member<&Case::rate>},
    {"momentum", "1", "settling momentum", kFactor, member<&Case::momentum>},
    {"beta", "1", "strength of the nudge", kFactor, member<&Case::beta>},
    {"learning_rate", "1", "learning rate of the optimizer", kFactor, member<&Case::learning_rate>},
    {"loss", "", "mse | cross_entropy", kFactor, member<&Case::loss>},
    {"init", "", "torch | orthogonal | he | residual", kFactor, member<&Case::init>},
    {"optimizer", "", "sgd | momentum | muon", kFactor, member<&Case::optimizer>},
    {"profile", "", "compat: the published arithmetic; clean", kFactor, member<&Case::profile>},
    {"dtype", "", "type of weights and states", kFactor, member<&Case::dtype>},
    {"nudge", "", "one_sided: (nudged - free) / beta | symmetric: (+beta - -beta) / (2 beta)",
     kFactor, member<&Case::nudge>},
    {"tolerance", "1",
     "settling ends early below it; compat: change of the energy, clean: movement of a row; 0: T "
     "steps",
     kFactor, member<&Case::tolerance>},
    {"adaptive", "", "1: the published adaptive settling rate", kFactor, member<&Case::adaptive>},
    {"dataset", "", "what the training run was on", kFactor, member<&Case::dataset>},
    {"training_steps", "1", "steps of the training run", kFactor, member<&Case::training_steps>},
    {"seed", "1", "seed of weights and batch", kFactor, member<&Case::seed>},

    {"status", "", "ok | failed | out_of_memory | timed_out | diverged | skipped", kMeasured,
     member<&Case::status>},
    {"reason", "", "why the status is not ok", kMeasured, member<&Case::reason>},
    {"validity", "", "VALID, or INVALID: which check failed and why", kMeasured,
     member<&Case::validity>},

    {"step_seconds", "seconds", "median wall time of one training step", kMeasured,
     member<&Case::step_seconds>},
    {"step_seconds_lower", "seconds", "lower end of the median's 95 % interval", kMeasured,
     member<&Case::step_seconds_lower>},
    {"step_seconds_upper", "seconds", "upper end of the median's 95 % interval", kMeasured,
     member<&Case::step_seconds_upper>},
    {"cold_step_seconds", "seconds", "wall time of the very first step", kMeasured,
     member<&Case::cold_step_seconds>},
    {"repeats", "1", "repeats behind the medians, warm-up left out", kMeasured,
     member<&Case::repeats>},
    {"stop_reason", "", "why the repeats ended: interval | max_repeats | time_limit", kMeasured,
     member<&Case::stop_reason>},

    {"peak_bytes", "bytes", "greatest live memory: weights, batch, optimizer and all", kMeasured,
     member<&Case::peak_bytes>},
    {"peak_beyond_weights_bytes", "bytes", "peak_bytes less weights_bytes", kMeasured,
     member<&Case::peak_beyond_weights_bytes>},
    {"weights_bytes", "bytes", "weights of the network", kMeasured, member<&Case::weights_bytes>},
    {"peak_weights_bytes", "bytes", "weights at the peak", kMeasured,
     member<&Case::peak, &Tag::weights>},
    {"peak_gradients_bytes", "bytes", "gradients at the peak", kMeasured,
     member<&Case::peak, &Tag::gradients>},
    {"peak_optimizer_bytes", "bytes", "optimizer state at the peak", kMeasured,
     member<&Case::peak, &Tag::optimizer>},
    {"peak_activations_bytes", "bytes", "activations at the peak", kMeasured,
     member<&Case::peak, &Tag::activations>},
    {"peak_states_bytes", "bytes", "settling states and their momentum at the peak", kMeasured,
     member<&Case::peak, &Tag::states>},
    {"peak_kv_cache_bytes", "bytes", "keys and values at the peak", kMeasured,
     member<&Case::peak, &Tag::kv_cache>},
    {"peak_logits_bytes", "bytes", "logits at the peak", kMeasured,
     member<&Case::peak, &Tag::logits>},
    {"peak_workspace_bytes", "bytes", "everything else at the peak", kMeasured,
     member<&Case::peak, &Tag::workspace>},
    {"resident_peak_bytes", "bytes", "greatest resident set of the process (VmHWM)", kMeasured,
     member<&Case::resident_peak_bytes>},
    {"device_used_bytes", "bytes", "in use on the whole device by everybody after the case",
     kMeasured, member<&Case::device_used_bytes>},
    {"memory_repeats", "1", "1: every repeat had the same peak, 0: not", kMeasured,
     member<&Case::memory_repeats>},
    {"timeline_peak_bytes", "bytes", "the recorded timeline's greatest total; equals peak_bytes",
     kMeasured, member<&Case::timeline_peak_bytes>},
    {"timeline_peak_seconds", "seconds", "when the recorded repeat reached it", kMeasured,
     member<&Case::timeline_peak_seconds>},
    {"timeline_peak_phase", "", "the part of the work that reached it", kMeasured,
     member<&Case::timeline_peak_phase>},

    {"reach", "layers", "layers that received a non-zero gradient", kMeasured,
     member<&Case::reach>},
    {"resolved_layers", "layers", "layers in reach whose gradient the arithmetic can resolve",
     kMeasured, member<&Case::resolved_layers>},
    {"kink_rows", "1",
     "rows of the batch left out of gradient_error: rounding put a state of theirs on the other "
     "side "
     "of relu's kink than float64",
     kMeasured, member<&Case::kink_rows>},
    {"gradient_error", "1",
     "greatest relative distance of a resolved layer's gradient to float64 autograd's", kMeasured,
     member<&Case::gradient_error>},
    {"cosine_to_backprop", "1",
     "cosine of the whole gradient to back-propagation's, both in all layers", kMeasured,
     member<&Case::cosine_to_backprop>},
    {"training_loss", "1", "loss at the forward pass from the initial weights", kMeasured,
     member<&Case::training_loss>},
    {"settled_steps", "1", "settling steps done in the nudged phase", kMeasured,
     member<&Case::settled_steps>},
    {"energy_difference", "1",
     "|energy - ep_autograd's| settled from random states, in float64 (analysed cases)", kMeasured,
     member<&Case::energy_difference>},
    {"state_difference", "1",
     "greatest |state - ep_autograd's| settled from random states, in float64 (analysed cases)",
     kMeasured, member<&Case::state_difference>},
    {"loss_difference", "1",
     "|training loss - ep_autograd's| after the same steps, in float64 (analysed cases)", kMeasured,
     member<&Case::loss_difference>},
    {"trained_loss", "1", "training loss at the end of the training run", kMeasured,
     member<&Case::trained_loss>},
    {"test_loss", "1", "loss on the test rows at the end of the training run", kMeasured,
     member<&Case::test_loss>},
    {"test_accuracy", "1", "share of test rows classified right at the end of the training run",
     kMeasured, member<&Case::test_accuracy>},

    {"rank", "1", "MPI rank that ran the case", kMeasured, member<&Case::rank>},
    {"host", "", "host that ran the case", kMeasured, member<&Case::host>},
    {"device", "", "device that ran the case", kMeasured, member<&Case::device>},
    {"environment", "1", "row of /environment (from 0) that the case ran in", kMeasured,
     member<&Case::environment>},
    {"source", "1", kSourceDescription, kMeasured, member<&Case::source>},
};
static_assert(std::size(kFields) == member_count<EpCase>() - 1 + member_count<PeakByTag>(),
              "a member of EpCase is missing in the list");

} // namespace

template <>
std::span<const Field<EpCase>> fields<EpCase>() {
  return kFields;
}

} // namespace peakbench::results
