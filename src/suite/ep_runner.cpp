#include "suite/ep_runner.h"

#include <fmt/format.h>

#include <algorithm>

#include "ep/experiment.h"
#include "suite/ep_analysis.h"
#include "suite/ep_training.h"
#include "suite/outcome.h"
#include "suite/timeline.h"

namespace peakbench::suite {

namespace {

// Above this the gradient is not the one that its arm is named after. The fast arms agree with
// float64 autograd to some 1e-5 where their arithmetic is float32 (ep.md); central differences are
// good to some 1e-5 in either type, but for a unit now and then that they move across its kink.
double gradient_tolerance(const ep::Settings& settings) {
  const bool exact = settings.dtype == at::kDouble && settings.arm != ep::Arm::ep_finite_difference;
  return exact ? 1e-8 : 1e-2;
}

void judge(results::EpCase& record, const ep::Settings& settings) {
  const double tolerance = gradient_tolerance(settings);
  record.validity = "VALID";
  // The published arithmetic is another one on purpose; its distance is recorded, not judged.
  if (settings.profile == ep::Profile::compat)
    return;
  if (!(record.gradient_error <= tolerance))
    record.validity = fmt::format("INVALID: gradient error {:.3g} against autograd in float64 is "
                                  "above {:g}",
                                  record.gradient_error, tolerance);
}

// What the case holds between its steps.
measure::TagBytes held(const measure::TrialResult& trials, const measure::LiveBytes& before) {
  measure::TagBytes bytes = trials.largest().memory.start.by_tag;
  for (std::size_t tag = 0; tag < bytes.size(); ++tag)
    bytes[tag] -= before.by_tag[tag];
  return bytes;
}

void fill_memory(results::EpCase& record, const measure::TrialResult& trials,
                 const measure::LiveBytes& before) {
  // The trial's peak is beyond what was live when the step began; the record's is all of the case.
  const measure::MemoryReading& reading = trials.largest().memory;
  record.peak_bytes = reading.peak_bytes + reading.start.total - before.total;
  record.peak_beyond_weights_bytes = record.peak_bytes - record.weights_bytes;
  measure::TagBytes all = held(trials, before);
  for (std::size_t tag = 0; tag < all.size(); ++tag)
    all[tag] += reading.peak_by_tag[tag];
  record.peak = peak_by_tag(all);
}

} // namespace

results::EpRow run_ep_case(const EpPlanned& planned, const Config& config, c10::Device device,
                           Looks looks, const std::function<bool()>& stopped,
                           at::Tensor* device_trace) {
  results::EpRow row;
  row.record = planned.record;
  at::Tensor on_device;
  run_guarded(row, [&](results::EpRow& result) {
    results::EpCase& record = result.record;
    const Deadline deadline(config.case_time_limit_seconds, stopped);
    measure::DeviceMemory& memory = measure::DeviceMemory::of(device);
    memory.synchronize();
    const measure::LiveBytes before = memory.live();
    ep::Experiment experiment(planned.settings, device);
    const measure::TrialResult trials = measure::run_trials(
        config.repeats, memory, deadline, [&] { experiment.step(deadline); },
        [&] { experiment.reset(); });
    record.weights_bytes = experiment.weights_bytes();
    record.step_seconds = trials.seconds.median;
    record.step_seconds_lower = trials.seconds.lower;
    record.step_seconds_upper = trials.seconds.upper;
    record.cold_step_seconds = trials.cold_seconds;
    fill_trials(record, trials);
    fill_memory(record, trials, before);
    result.repeats = repeat_rows(record.case_id, trials, before.total);

    if (looks == Looks::at_time_and_memory)
      return;
    const ep::Inspection inspection = experiment.inspect(deadline);
    record.reach = inspection.reach;
    record.gradient_error = inspection.gradient_error;
    record.training_loss = inspection.loss;
    record.resolved_layers = inspection.resolved;
    record.kink_rows = inspection.kink_rows;
    record.cosine_to_backprop = inspection.cosine;
    record.settled_steps = inspection.settled_steps;
    result.trace.energy = inspection.energy;
    result.trace.gradient_norm = inspection.gradient_norm;
    result.trace.cosine_to_backprop = inspection.cosine_to_backprop;
    if (device_trace) {
      on_device = inspection.layers;
      result.trace.gradient_norm.clear();
      result.trace.cosine_to_backprop.clear();
    }
    if (std::ranges::find(config.ep->analysis_depths, record.depth) !=
        config.ep->analysis_depths.end())
      analyse_ep_case(planned.settings, device, deadline, result);
    if (!config.ep->training.dataset.empty())
      train_ep_case(planned, config.ep->training, device, deadline, result);
    judge(record, planned.settings);
    if (config.timeline) {
      StageMarks stages(memory);
      add_timeline(
          result, memory, held(trials, before), [&] { experiment.step(deadline, &stages); },
          [&] { experiment.reset(); });
    }
    if (device_trace)
      *device_trace = on_device;
  });
  return row;
}

void put_trace(results::EpRow& row, const std::vector<double>& device_trace) {
  const auto half = device_trace.begin() + static_cast<std::ptrdiff_t>(device_trace.size() / 2);
  row.trace.gradient_norm.assign(device_trace.begin(), half);
  row.trace.cosine_to_backprop.assign(half, device_trace.end());
}

} // namespace peakbench::suite
