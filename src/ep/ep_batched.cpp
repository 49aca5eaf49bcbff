// EP with the exact gradients, all hidden layers' Jacobi step as two strided-batched products: few
// large calls instead of many small ones, for several [L, batch, width] blocks of memory.
#include <ATen/ATen.h>

#include "ep/arms.h"
#include "ep/contrast.h"
#include "ep/energy.h"
#include "ep/settling.h"
#include "measure/tag.h"

namespace peakbench::ep {

namespace {

class BatchedStep {
public:
  explicit BatchedStep(const Problem& problem)
      : problem_(problem), output_(problem.settings), hidden_(hidden_block(problem.network)),
        depth_(problem.network.depth()) {}

  // States and velocities of all layers but the last become slices of one block each.
  void arrange(PlainStates& now) {
    now.states = sliced(now.states, states_);
    now.velocities = sliced(now.velocities, velocities_);
  }
  void operator()(PlainStates& now, double beta);

private:
  std::vector<at::Tensor> sliced(const std::vector<at::Tensor>& tensors, at::Tensor& block) const {
    block = at::stack(at::TensorList(tensors).slice(0, tensors.size() - 1));
    std::vector<at::Tensor> slices = block.unbind(0);
    slices.push_back(tensors.back());
    return slices;
  }

  const Problem& problem_;
  OutputLayer output_;
  Layer hidden_; // [L - 2, ...]
  std::int64_t depth_;
  at::Tensor states_, velocities_; // [L - 1, batch, width]
};

void BatchedStep::operator()(PlainStates& now, double beta) {
  const std::int64_t between = depth_ - 2; // hidden layers that have one on both sides
  const Layer &first = problem_.network.layers.front(), &last = problem_.network.layers.back();
  // Residuals of layers 0 .. L - 2, at the old states.
  at::Tensor error = states_.clone();
  error.select(0, 0).sub_(predict(first, problem_.batch.input));
  at::Tensor force = error.clone();
  if (between > 0) {
    const at::Tensor below = at::relu(states_.narrow(0, 0, between));
    at::Tensor rest = error.narrow(0, 1, between);
    rest.sub_(hidden_.bias.unsqueeze(1));
    rest.baddbmm_(below, hidden_.weight.transpose(1, 2), 1, -1);
    force.copy_(error);
    force.narrow(0, 0, between)
        .sub_(at::threshold_backward(at::bmm(rest, hidden_.weight), states_.narrow(0, 0, between),
                                     0));
  }
  at::Tensor& top = now.states.back();
  const at::Tensor prediction = predict(last, activate(now.states[now.states.size() - 2]));
  force.select(0, depth_ - 2)
      .sub_(pull_back(output_.error(top, prediction), last.weight,
                      now.states[now.states.size() - 2]));
  at::Tensor top_force = output_.force(top, prediction, problem_.batch.target, beta);

  velocities_.mul_(problem_.settings.momentum).add_(force);
  states_.sub_(velocities_, now.rate);
  apply_force(problem_.settings, now, now.states.size() - 1, std::move(top_force));
}

} // namespace

void ep_batched(const Problem& problem, GradientSink& sink) {
  const measure::TagScope tag(measure::Tag::states);
  GradientSet set;
  { // the optimizer needs nothing of this
    BatchedStep step(problem);
    const Phases phases =
        settle_phases(problem, std::ref(step), [&](PlainStates& now) { step.arrange(now); });
    set = contrast(problem, phases);
  }
  set.hand_to(sink);
}

} // namespace peakbench::ep
