#include "ep/experiment.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include "base/error.h"
#include "base/hash.h"
#include "ep/arms.h"
#include "ep/inspection.h"
#include "ep/network.h"
#include "ep/optimizer.h"

namespace peakbench::ep {

struct Experiment::State {
  State(const Settings& chosen, at::Device where)
      : settings(chosen), device(where), network(draw_network(settings, device)),
        batch(draw_batch(settings, device)), optimizer(settings, network) {}

  Settings settings;
  at::Device device;
  Network network;
  Batch batch;
  WeightOptimizer optimizer;
  std::int64_t steps_done = 0; // since the last reset
};

namespace {

const Settings& validated(const Settings& settings) {
  validate(settings);
  return settings;
}

} // namespace

Experiment::Experiment(const Settings& settings, at::Device device) {
  const c10::NoGradGuard no_recording;
  state_ = std::make_unique<State>(validated(settings), device);
}

Experiment::~Experiment() = default;
Experiment::Experiment(Experiment&&) noexcept = default;
Experiment& Experiment::operator=(Experiment&&) noexcept = default;

std::int64_t Experiment::weights_bytes() const { return state_->network.bytes(); }

std::uint64_t Experiment::weights_fingerprint() const {
  std::string hashes;
  for (const Layer& layer : state_->network.layers)
    for (const at::Tensor& tensor : {layer.weight, layer.bias}) {
      const at::Tensor host = tensor.cpu().contiguous();
      hashes += hash_hex({static_cast<const char*>(host.data_ptr()), host.nbytes()});
    }
  return hash64(hashes);
}

void Experiment::step(const Deadline& deadline, StageWatch* stages) {
  ++state_->steps_done;
  try {
    run_arm({state_->settings, state_->network, state_->batch, nullptr, deadline, stages},
            state_->optimizer);
  } catch (const Diverged& error) {
    throw Diverged(fmt::format("{} (training step {})", error.what(), state_->steps_done));
  }
}

// The initial weights are drawn again, not kept: a copy would be counted as memory of the arm.
void Experiment::reset() {
  const c10::NoGradGuard no_recording;
  state_->optimizer.reset();
  if (state_->steps_done > 0)
    for (std::int64_t i = first_updated_layer(state_->settings); i < state_->settings.depth; ++i)
      draw_layer(state_->settings, i, state_->network.layer(i));
  state_->steps_done = 0;
}

Inspection Experiment::inspect(const Deadline& deadline) {
  const c10::NoGradGuard no_recording;
  return inspect_step(state_->settings, draw_network(state_->settings, state_->device),
                      state_->batch, deadline);
}

} // namespace peakbench::ep
