// The cone on the CPU in float32: kernels/ep_settle does the work, its memory is one tensor.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <vector>

#include "ep/cone.h"
#include "ep/energy.h"
#include "ep/settling.h"
#include "kernels/ep_settle.h"
#include "measure/tag.h"

namespace peakbench::ep {

namespace {

class KernelCone : public Cone, public SettlingView {
public:
  explicit KernelCone(const Problem& problem);
  void settle(double beta, Observer* observer) override;
  at::Tensor error(std::int64_t layer) const override;
  at::Tensor activation(std::int64_t layer) const override;
  bool add_factors(std::int64_t layer, double scale,
                   std::vector<kernels::EpFactor>& factors) const override;
  double energy() const override;
  at::Tensor state(std::int64_t layer) const override;
  std::int64_t first_non_finite() const override;

private:
  std::size_t slot(std::int64_t layer) const { return static_cast<std::size_t>(layer - first_); }
  std::int64_t group_begin(std::int64_t group) const { return group * layout_.group_rows; }
  std::int64_t group_count(std::int64_t group) const {
    return std::min(layout_.group_rows, problem_.settings.batch - group_begin(group));
  }
  // A block of every group's memory, while it is [width, group_rows], as [batch, width].
  at::Tensor rows(const at::Tensor& memory, std::int64_t offset, std::int64_t width) const;
  // A block that ep_factors turned into [group_rows, width].
  at::Tensor turned_rows(std::int64_t offset, std::int64_t width) const;
  std::int64_t activation_offset(std::int64_t layer) const {
    return layer == first_ ? layout_.entering : layout_.displacement[slot(layer - 1)];
  }
  at::Tensor free(std::int64_t layer) const;
  at::Tensor displacement(std::int64_t layer) const;
  std::int64_t inputs(std::int64_t layer) const {
    return call_.layers[static_cast<std::size_t>(layer)].inputs;
  }
  std::int64_t outputs(std::int64_t layer) const {
    return call_.layers[static_cast<std::size_t>(layer)].outputs;
  }
  void watch(double beta, Observer& observer); // a phase, step by step

  const Problem& problem_;
  std::int64_t first_;
  kernels::EpSettle call_;
  kernels::EpLayout layout_;
  at::Tensor memory_;
};

KernelCone::KernelCone(const Problem& problem)
    : problem_(problem), first_(first_settling_layer(problem.settings)),
      call_(ep_settle_call(problem)) {
  layout_ = kernels::ep_layout(call_, at::get_num_threads());
  const measure::TagScope tag(measure::Tag::states);
  memory_ = at::empty({layout_.floats}, problem.batch.input.options());
}

void KernelCone::watch(double beta, Observer& observer) {
  auto* memory = memory_.data_ptr<float>();
  kernels::ep_forward(call_, layout_, memory);
  observer.after_step(beta, 0, *this);
  for (std::int64_t t = 1; t <= problem_.settings.steps; ++t) {
    kernels::ep_settle(call_, layout_, t - 1, t, memory);
    observer.after_step(beta, t, *this);
  }
}

void KernelCone::settle(double beta, Observer* observer) {
  const StageScope stage(problem_.stages, Stage::settling);
  auto* memory = memory_.data_ptr<float>();
  call_.beta = static_cast<float>(beta);
  problem_.deadline.check();
  if (observer)
    watch(beta, *observer);
  const bool finite = observer ? first_non_finite() < 0
                               : kernels::ep_phase(call_, layout_, problem_.settings.steps, memory);
  if (!finite)
    throw_diverged(problem_, [&](Observer* diverging) { watch(beta, *diverging); });
  kernels::ep_factors(call_, layout_, memory);
  problem_.deadline.check();
}

// Copies always, so that memory does not depend on how rows are grouped.
at::Tensor KernelCone::rows(const at::Tensor& memory, std::int64_t offset,
                            std::int64_t width) const {
  at::Tensor result = at::empty({problem_.settings.batch, width}, memory.options());
  for (std::int64_t group = 0; group < layout_.groups; ++group)
    result.narrow(0, group_begin(group), group_count(group))
        .copy_(memory.as_strided({group_count(group), width}, {1, layout_.group_rows},
                                 group * layout_.group_floats + offset));
  return result;
}

at::Tensor KernelCone::turned_rows(std::int64_t offset, std::int64_t width) const {
  at::Tensor result = at::empty({problem_.settings.batch, width}, memory_.options());
  for (std::int64_t group = 0; group < layout_.groups; ++group)
    result.narrow(0, group_begin(group), group_count(group))
        .copy_(memory_.as_strided({group_count(group), width}, {width, 1},
                                  group * layout_.group_floats + offset));
  return result;
}

at::Tensor KernelCone::free(std::int64_t layer) const {
  return rows(memory_, layout_.free[slot(layer)], outputs(layer));
}

at::Tensor KernelCone::displacement(std::int64_t layer) const {
  return rows(memory_, layout_.displacement[slot(layer)], outputs(layer));
}

at::Tensor KernelCone::error(std::int64_t layer) const {
  return turned_rows(layout_.velocity[slot(layer)], outputs(layer));
}

at::Tensor KernelCone::activation(std::int64_t layer) const {
  return turned_rows(activation_offset(layer), inputs(layer));
}

bool KernelCone::add_factors(std::int64_t layer, double scale,
                             std::vector<kernels::EpFactor>& factors) const {
  const auto* memory = memory_.const_data_ptr<float>();
  for (std::int64_t group = 0; group < layout_.groups; ++group, memory += layout_.group_floats)
    factors.push_back({memory + layout_.velocity[slot(layer)], memory + activation_offset(layer),
                       group_count(group), static_cast<float>(scale)});
  return true;
}

at::Tensor KernelCone::state(std::int64_t layer) const {
  return layer < first_ ? at::Tensor() : free(layer) + displacement(layer);
}

// For inspection only: on a copy, because errors take the place of velocities.
double KernelCone::energy() const {
  const at::Tensor copy = memory_.clone();
  kernels::ep_errors(call_, layout_, copy.data_ptr<float>());
  double total = 0;
  const std::int64_t last = problem_.network.depth() - 1;
  for (std::int64_t i = first_; i < last; ++i)
    total += 0.5 * rows(copy, layout_.velocity[slot(i)], outputs(i))
                       .to(at::kDouble)
                       .square()
                       .sum()
                       .item<double>();
  const OutputLayer output(problem_.settings);
  const Layer& layer = problem_.network.layer(last);
  const at::Tensor below =
      last == first_ ? rows(memory_, layout_.entering, inputs(last)) : activate(state(last - 1));
  const at::Tensor prediction =
      predict({layer.weight.to(at::kDouble), layer.bias.to(at::kDouble)}, below.to(at::kDouble));
  const at::Tensor top = state(last).to(at::kDouble);
  total += output.divergence(top, prediction).item<double>() +
           call_.beta * output.cost(top, problem_.batch.target.to(at::kDouble)).item<double>();
  return total / static_cast<double>(problem_.settings.batch);
}

std::int64_t KernelCone::first_non_finite() const {
  for (std::int64_t i = first_; i < problem_.network.depth(); ++i)
    if (!at::isfinite(displacement(i)).all().item<bool>())
      return i;
  return -1;
}

} // namespace

kernels::EpSettle ep_settle_call(const Problem& problem) {
  const Settings& settings = problem.settings;
  kernels::EpSettle call;
  for (const Layer& layer : problem.network.layers)
    call.layers.push_back({layer.weight.const_data_ptr<float>(), layer.bias.const_data_ptr<float>(),
                           layer.weight.size(1), layer.weight.size(0)});
  call.first = first_settling_layer(settings);
  call.rows = settings.batch;
  call.input = problem.batch.input.const_data_ptr<float>();
  call.target = problem.batch.target.const_data_ptr<float>();
  call.cross_entropy = settings.loss == Loss::cross_entropy;
  call.temperature = static_cast<float>(settings.temperature);
  call.rate = static_cast<float>(settings.rate);
  call.momentum = static_cast<float>(settings.momentum);
  return call;
}

bool kernel_cone_runs(const Settings& settings, at::Device device) {
  return device.is_cpu() && settings.dtype == at::kFloat && settings.profile == Profile::clean &&
         settings.tolerance == 0;
}

std::unique_ptr<Cone> make_kernel_cone(const Problem& problem) {
  return std::make_unique<KernelCone>(problem);
}

} // namespace peakbench::ep
