#include "suite/ep_analysis.h"

#include "base/error.h"
#include "ep/analysis.h"

namespace peakbench::suite {

namespace {

void add_components(const ep::Settings& settings, c10::Device device, const Deadline& deadline,
                    results::EpRow& row) {
  for (const ep::Component& part : ep::profile_components(settings, device, deadline))
    row.components.push_back({row.record.case_id, part.name, part.evaluations, part.seconds,
                              part.peak_bytes, part.held_bytes});
}

void add_operations(const ep::Settings& settings, c10::Device device, const Deadline& deadline,
                    results::EpRow& row) {
  const std::string& id = row.record.case_id;
  for (const ep::ForwardPass& pass : ep::compare_forward_passes(settings, device)) {
    row.operations.push_back(
        {id, pass.mode, "peak", results::kAbsent, pass.peak_bytes, results::kAbsent});
    row.operations.push_back(
        {id, pass.mode, "live", results::kAbsent, pass.live_bytes, results::kAbsent});
  }
  for (const ep::SavedTensors& saved : ep::saved_tensors(settings, device, deadline))
    row.operations.push_back(
        {id, saved.mode, saved.operation, saved.count, saved.bytes, saved.kept_bytes});
}

} // namespace

void fill_differences(const ep::Comparison& comparison, results::EpCase& record) {
  const ep::Differences& limits = ep::kDifferenceLimits;
  const auto tells = [](double difference, double control, double limit) {
    return control > limit ? difference : results::kAbsentReal;
  };
  const ep::Differences &arm = comparison.arm, &published = comparison.published;
  record.energy_difference = tells(arm.energy, published.energy, limits.energy);
  record.state_difference = tells(arm.state, published.state, limits.state);
  record.loss_difference = tells(arm.loss, published.loss, limits.loss);
}

void analyse_ep_case(const ep::Settings& settings, c10::Device device, const Deadline& deadline,
                     results::EpRow& row) {
  // The case itself is measured already; what cannot be looked at is absent.
  const auto try_to = [](const auto& look) {
    try {
      look();
    } catch (const TimedOut&) {
    } catch (const Diverged&) {
    }
  };
  try_to([&] { add_components(settings, device, deadline, row); });
  if (settings.arm == ep::Arm::backprop || settings.arm == ep::Arm::ep_autograd ||
      settings.arm == ep::Arm::ep_manual)
    try_to([&] { add_operations(settings, device, deadline, row); });
  if (ep::comparable_with_autograd(settings.arm))
    try_to([&] {
      fill_differences(ep::compare_with_autograd(settings, device, deadline), row.record);
    });
}

} // namespace peakbench::suite
