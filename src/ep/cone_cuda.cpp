#include "ep/cone_cuda.h"

#include <ATen/ATen.h>

#include "ep/energy.h"
#include "ep/settling.h"
#include "measure/tag.h"

#if PEAKBENCH_USE_CUDA
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#endif

namespace peakbench::ep {

namespace {

class DeviceCone : public Cone, public SettlingView {
public:
  DeviceCone(const Problem& problem, const kernels::EpDevice& device, void* stream);
  bool possible() const { return plan_.possible; }

  void settle(double beta, Observer* observer) override;
  bool settle_and_update(double beta, double scale, Observer* observer,
                         GradientSink& sink) override;
  at::Tensor error(std::int64_t layer) const override {
    return view(memory_, plan_.velocity, layer);
  }
  at::Tensor activation(std::int64_t layer) const override;
  double energy() const override;
  at::Tensor state(std::int64_t layer) const override {
    return layer < first_
               ? at::Tensor()
               : view(memory_, plan_.free, layer) + view(memory_, plan_.displacement, layer);
  }
  std::int64_t first_non_finite() const override;

private:
  std::int64_t depth() const { return problem_.network.depth(); }
  // [batch, outputs] of a layer of the cone.
  at::Tensor view(const at::Tensor& memory, std::int64_t array, std::int64_t layer) const;
  void launch(const kernels::EpDeviceWork& work, const at::Tensor& memory) const {
    kernels::run_ep_device(call_, plan_, device_, work, memory.data_ptr<float>(), stream_);
  }
  // Forward pass and all steps, with errors and update if nobody looks on.
  void run(double beta, Observer* observer, const kernels::EpDeviceUpdate* update);
  void settle(double beta, Observer* observer, const kernels::EpDeviceUpdate* update);

  const Problem& problem_;
  const kernels::EpDevice& device_;
  void* stream_;
  std::int64_t first_;
  kernels::EpSettle call_;
  kernels::EpDevicePlan plan_;
  at::Tensor memory_;
};

DeviceCone::DeviceCone(const Problem& problem, const kernels::EpDevice& device, void* stream)
    : problem_(problem), device_(device), stream_(stream),
      first_(first_settling_layer(problem.settings)), call_(ep_settle_call(problem)) {
  bool contiguous = problem.batch.input.is_contiguous() && problem.batch.target.is_contiguous();
  for (const Layer& layer : problem.network.layers)
    contiguous = contiguous && layer.weight.is_contiguous() && layer.bias.is_contiguous();
  plan_ = kernels::ep_device_plan(call_, device_.limits());
  plan_.possible = plan_.possible && contiguous;
  const measure::TagScope tag(measure::Tag::states);
  if (plan_.possible)
    memory_ = at::empty({plan_.floats}, problem.batch.input.options());
}

at::Tensor DeviceCone::view(const at::Tensor& memory, std::int64_t array,
                            std::int64_t layer) const {
  const std::int64_t batch = problem_.settings.batch;
  const std::int64_t width = call_.layers[static_cast<std::size_t>(layer)].outputs;
  return memory.narrow(0, array + (layer - first_) * plan_.slot_floats, batch * width)
      .view({batch, width});
}

at::Tensor DeviceCone::activation(std::int64_t layer) const {
  if (layer > first_)
    return activate(state(layer - 1));
  if (layer == 0)
    return problem_.batch.input;
  const std::int64_t batch = problem_.settings.batch;
  return memory_.narrow(0, plan_.entering, batch * plan_.entering_stride)
      .view({batch, plan_.entering_stride})
      .narrow(1, 0, call_.layers[static_cast<std::size_t>(layer)].inputs);
}

void DeviceCone::run(double beta, Observer* observer, const kernels::EpDeviceUpdate* update) {
  call_.beta = static_cast<float>(beta);
  const std::int64_t steps = problem_.settings.steps;
  if (!observer)
    return launch({.forward = true, .to = steps, .errors = true, .update = update}, memory_);
  launch({.forward = true}, memory_);
  observer->after_step(beta, 0, *this);
  for (std::int64_t t = 1; t <= steps; ++t) {
    problem_.deadline.check();
    launch({.from = t - 1, .to = t}, memory_);
    observer->after_step(beta, t, *this);
  }
  launch({.from = steps, .to = steps, .errors = true, .update = update}, memory_);
}

void DeviceCone::settle(double beta, Observer* observer, const kernels::EpDeviceUpdate* update) {
  problem_.deadline.check();
  run(beta, observer, update);
  const at::Tensor overflow = memory_.narrow(0, plan_.signals, 1).view(at::kInt);
  if (overflow.item<std::int32_t>() != 0) // waits for the device
    throw_diverged(problem_, [&](Observer* watch) { run(beta, watch, nullptr); });
  problem_.deadline.check();
}

void DeviceCone::settle(double beta, Observer* observer) {
  const StageScope stage(problem_.stages, Stage::settling);
  settle(beta, observer, nullptr);
}

bool DeviceCone::settle_and_update(double beta, double scale, Observer* observer,
                                   GradientSink& sink) {
  const std::optional<WeightUpdate> rule = sink.begin_update(first_);
  if (!rule)
    return false;
  kernels::EpDeviceUpdate update;
  update.gradient_scale = static_cast<float>(scale);
  update.learning_rate = static_cast<float>(rule->learning_rate);
  update.momentum = static_cast<float>(rule->momentum);
  update.keep_weights = rule->rule == kernels::EpRule::accumulate;
  const kernels::NewtonSchulzRule& muon = rule->orthogonalization;
  update.orthogonalization = {muon.a, muon.b, muon.c, muon.steps};
  std::vector<std::int64_t> left; // too large for a block
  for (const Layer& momentum : rule->momenta) {
    const std::int64_t layer = first_ + static_cast<std::int64_t>(update.momenta.size());
    const bool fits =
        kernels::ep_device_orthogonalizes(call_.layers[static_cast<std::size_t>(layer)], plan_);
    if (update.keep_weights && !fits)
      left.push_back(layer);
    update.momenta.push_back({momentum.weight.data_ptr<float>(), momentum.bias.data_ptr<float>(),
                              update.keep_weights && fits});
  }
  if (problem_.stages) { // apart, where somebody wants to tell the two apart
    settle(beta, observer);
    const StageScope stage(problem_.stages, Stage::contrast);
    launch({.update = &update}, memory_);
    sink.finish_update(left);
    return true;
  }
  settle(beta, observer, &update);
  sink.finish_update(left);
  return true;
}

// For inspection only: on a copy, because errors take the place of velocities.
double DeviceCone::energy() const {
  const at::Tensor copy = memory_.clone();
  launch({.errors = true}, copy);
  const std::int64_t last = depth() - 1;
  double total = 0;
  for (std::int64_t i = first_; i < last; ++i)
    total += 0.5 * view(copy, plan_.velocity, i).to(at::kDouble).square().sum().item<double>();
  const OutputLayer output(problem_.settings);
  const Layer& layer = problem_.network.layer(last);
  const at::Tensor prediction = predict({layer.weight.to(at::kDouble), layer.bias.to(at::kDouble)},
                                        activation(last).to(at::kDouble));
  const at::Tensor top = state(last).to(at::kDouble);
  total += output.divergence(top, prediction).item<double>() +
           call_.beta * output.cost(top, problem_.batch.target.to(at::kDouble)).item<double>();
  return total / static_cast<double>(problem_.settings.batch);
}

std::int64_t DeviceCone::first_non_finite() const {
  for (std::int64_t i = first_; i < depth(); ++i)
    if (!at::isfinite(state(i)).all().item<bool>())
      return i;
  return -1;
}

} // namespace

std::unique_ptr<Cone> make_device_cone(const Problem& problem, const kernels::EpDevice& device,
                                       void* stream) {
  const Settings& settings = problem.settings;
  if (settings.dtype != at::kFloat || settings.profile != Profile::clean || settings.tolerance > 0)
    return nullptr;
  auto cone = std::make_unique<DeviceCone>(problem, device, stream);
  return cone->possible() ? std::move(cone) : nullptr;
}

#if PEAKBENCH_USE_CUDA
namespace {

// The device and its stream are the current ones while the cone works on them.
class CudaCone : public Cone {
public:
  CudaCone(std::unique_ptr<Cone> cone, at::Device device)
      : cone_(std::move(cone)), device_(device) {}
  void settle(double beta, Observer* observer) override {
    const c10::cuda::CUDAGuard guard(device_);
    cone_->settle(beta, observer);
  }
  bool settle_and_update(double beta, double scale, Observer* observer,
                         GradientSink& sink) override {
    const c10::cuda::CUDAGuard guard(device_);
    return cone_->settle_and_update(beta, scale, observer, sink);
  }
  at::Tensor error(std::int64_t layer) const override { return cone_->error(layer); }
  at::Tensor activation(std::int64_t layer) const override { return cone_->activation(layer); }

private:
  std::unique_ptr<Cone> cone_;
  at::Device device_;
};

} // namespace
#endif

std::unique_ptr<Cone> make_cuda_cone([[maybe_unused]] const Problem& problem) {
#if PEAKBENCH_USE_CUDA
  const at::Device device = problem.batch.input.device();
  if (!device.is_cuda())
    return nullptr;
  const c10::cuda::CUDAGuard guard(device);
  void* const stream = c10::cuda::getCurrentCUDAStream(device.index()).stream();
  if (std::unique_ptr<Cone> cone = make_device_cone(problem, kernels::kCudaEpDevice, stream))
    return std::make_unique<CudaCone>(std::move(cone), device);
#endif
  return nullptr;
}

} // namespace peakbench::ep
