#include <algorithm>
#include <memory>

#include "kernels/ep_settle_device.h"

namespace peakbench::kernels {

namespace {

std::int64_t round_up(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}
std::int64_t divide_up(std::int64_t value, std::int64_t by) { return (value + by - 1) / by; }
// An odd number of 16 bytes, so that the same place of neighbouring rows is in different banks.
std::int64_t odd_quads(std::int64_t floats) {
  const std::int64_t whole = round_up(floats, 4);
  return whole / 4 % 2 == 0 ? whole + 4 : whole;
}
std::int32_t narrow(std::int64_t value) { return static_cast<std::int32_t>(value); }

// Shared memory of the forward chain in floats, or 0 if not one unit's weights fit.
std::int64_t plan_chain(const EpSettle& problem, const EpDeviceLimits& limits, std::int64_t room,
                        EpDeviceShape& shape) {
  shape.cluster = limits.cluster;
  std::int64_t widest = 0, tile = 0;
  for (std::size_t i = 0; i < problem.layers.size(); ++i) {
    const EpLayer& layer = problem.layers[i];
    const std::int64_t unit = round_up(layer.inputs, 4) + 1; // weights and bias
    widest = std::max(widest, layer.inputs);
    // The whole share of a block, but for the first layer, of which there is one only.
    tile = std::max(tile, (i == 0 ? 1 : divide_up(layer.outputs, limits.cluster)) * unit);
  }
  const std::int64_t pitch = round_up(widest, 4);
  const std::int64_t clusters = limits.blocks / limits.cluster;
  const std::int64_t rows = std::clamp<std::int64_t>(divide_up(problem.rows, clusters), 1,
                                                     std::max<std::int64_t>(1, room / 8 / pitch));
  const std::int64_t activations = 2 * rows * pitch;
  tile = std::min(round_up(tile, 4), (room - activations) / kEpChainStages / 4 * 4);
  if (tile < pitch + 1)
    return 0;
  shape.chain_rows = narrow(rows);
  shape.chain_pitch = narrow(pitch);
  shape.tile_floats = narrow(tile);
  return activations + kEpChainStages * tile;
}

// Shared memory of weights that stay, or 0 if they cannot.
std::int64_t plan_stationary(const EpSettle& problem, const EpDeviceLimits& limits,
                             std::int64_t room, EpDeviceShape& shape) {
  const auto count =
      static_cast<std::int64_t>(problem.layers.size()) - problem.first; // layers of the cone
  if (count > limits.blocks)
    return 0;
  const std::int64_t state_pitch = round_up(shape.widest, 4);
  const std::int64_t weight_pitch = odd_quads(shape.widest);
  const std::int64_t weights = state_pitch * weight_pitch;
  const std::int64_t most = (room - weights) / (kEpStateArrays * state_pitch) / kEpTileRows;
  if (room < weights || most < 1)
    return 0;
  const std::int64_t wanted = divide_up(problem.rows, limits.blocks / count);
  const std::int64_t rows = std::min(round_up(wanted, kEpTileRows), most * kEpTileRows);
  shape.group_rows = narrow(rows);
  shape.groups = narrow(std::min(divide_up(problem.rows, rows), limits.blocks / count));
  shape.weight_pitch = narrow(weight_pitch);
  shape.state_pitch = narrow(state_pitch);
  return weights + kEpStateArrays * rows * state_pitch;
}

// Of Muon, in floats: two matrices, and a square one of the smaller side.
std::int64_t orthogonalization_floats(const EpLayer& layer) {
  const std::int64_t height = std::min(layer.inputs, layer.outputs);
  const std::int64_t width = std::max(layer.inputs, layer.outputs);
  return round_up(height, 4) * (2 * odd_quads(width) + odd_quads(height));
}

} // namespace

bool ep_device_orthogonalizes(const EpLayer& layer, const EpDevicePlan& plan) {
  return 4 * orthogonalization_floats(layer) <= plan.shared_bytes;
}

EpDevicePlan ep_device_plan(const EpSettle& problem, const EpDeviceLimits& limits,
                            bool stationary) {
  EpDevicePlan plan;
  plan.limits = limits;
  const auto depth = static_cast<std::int64_t>(problem.layers.size());
  const std::int64_t count = depth - problem.first;
  const std::int64_t room = limits.shared_bytes / 4;
  const std::int64_t warps = limits.threads / 32;
  EpDeviceShape& shape = plan.shape;
  for (std::int64_t i = problem.first; i < depth; ++i)
    shape.widest =
        std::max(shape.widest, narrow(problem.layers[static_cast<std::size_t>(i)].outputs));
  const std::int64_t chain = plan_chain(problem, limits, room, shape);
  std::int64_t settling = stationary ? plan_stationary(problem, limits, room, shape) : 0;
  shape.stationary = settling > 0;
  if (!shape.stationary)
    settling =
        2 * kEpPieceTerms * (kEpTileColumns + 4) + 2 * warps * kEpTileRows * (kEpPieceTerms + 4);
  const std::int64_t update =
      kEpUpdateRows * (limits.threads / (kEpUpdateInputs / 4) * kEpUpdateQuads + kEpUpdateInputs);
  plan.shared_bytes = 4 * std::max({chain, settling, update});
  for (std::int64_t i = problem.first; i < depth; ++i) {
    const std::int64_t bytes =
        4 * orthogonalization_floats(problem.layers[static_cast<std::size_t>(i)]);
    if (bytes <= limits.shared_bytes)
      plan.shared_bytes = std::max(plan.shared_bytes, bytes);
  }
  plan.possible = chain > 0 && plan.shared_bytes <= limits.shared_bytes && count <= kEpMostLayers;

  const auto place = [&](std::int64_t floats) {
    const std::int64_t at = plan.floats;
    plan.floats += round_up(floats, 4);
    return at;
  };
  plan.signals = place(1 + limits.blocks);
  for (std::int64_t i = 1; i <= problem.first; ++i)
    plan.entering_stride =
        std::max(plan.entering_stride, problem.layers[static_cast<std::size_t>(i)].inputs);
  plan.entering = place(problem.rows * plan.entering_stride);
  plan.slot_floats = round_up(problem.rows * shape.widest, 4);
  for (std::int64_t* array :
       {&plan.free, &plan.displacement, &plan.velocity, &plan.error, &plan.pull})
    *array = place(count * plan.slot_floats);
  return plan;
}

namespace {

// A call that knows layers begin .. end - 1; it does nothing yet.
void describe(const EpSettle& problem, const EpDevicePlan& plan, float* memory, std::int64_t begin,
              std::int64_t end, EpDeviceCall& call) {
  const auto depth = static_cast<std::int64_t>(problem.layers.size());
  for (std::int64_t i = begin; i < end; ++i) {
    const EpLayer& layer = problem.layers[static_cast<std::size_t>(i)];
    call.layers[i - begin] = {const_cast<float*>(layer.weight), const_cast<float*>(layer.bias),
                              narrow(layer.inputs), narrow(layer.outputs)};
  }
  call.depth = narrow(end - begin);
  call.first = end == depth ? narrow(problem.first - begin) : call.depth;
  call.rows = narrow(problem.rows);
  call.target = problem.target;
  call.cross_entropy = problem.cross_entropy;
  call.temperature = problem.temperature;
  call.beta = problem.beta;
  call.rate = problem.rate;
  call.momentum = problem.momentum;
  call.shape = plan.shape;
  call.free = memory + plan.free;
  call.displacement = memory + plan.displacement;
  call.velocity = memory + plan.velocity;
  call.error = memory + plan.error;
  call.pull = memory + plan.pull;
  call.slot_floats = plan.slot_floats;
  call.signals = reinterpret_cast<std::int32_t*>(memory + plan.signals);
  const bool all = problem.first == 0; // no chain below the cone: the input enters it
  call.entering = all ? const_cast<float*>(problem.input) : memory + plan.entering;
  call.entering_stride = all ? problem.layers[0].inputs : plan.entering_stride;
  call.input = begin == 0 ? problem.input : call.entering;
  call.input_stride = begin == 0 ? problem.layers[0].inputs : call.entering_stride;
}

void add_update(const EpDeviceUpdate& update, std::int64_t first, std::int64_t count,
                EpDeviceCall& call) {
  call.update_first = narrow(first);
  call.update_count = narrow(count);
  call.gradient_scale = update.gradient_scale;
  call.learning_rate = update.learning_rate;
  call.optimizer_momentum = update.momentum;
  call.with_momentum = !update.momenta.empty();
  call.keep_weights = update.keep_weights;
  call.orthogonalization = update.orthogonalization;
  for (std::int64_t i = 0; call.with_momentum && i < count; ++i)
    call.momenta[i] = update.momenta[static_cast<std::size_t>(first + i)];
}

} // namespace

void run_ep_device(const EpSettle& problem, const EpDevicePlan& plan, const EpDevice& device,
                   const EpDeviceWork& work, float* memory, void* stream) {
  const auto depth = static_cast<std::int64_t>(problem.layers.size());
  const std::int64_t count = depth - problem.first;
  const auto call = std::make_unique<EpDeviceCall>();
  std::int64_t begin = work.forward ? 0 : problem.first;
  while (depth - begin > kEpMostLayers) {
    const std::int64_t end = std::min(begin + kEpMostLayers, problem.first);
    *call = {};
    describe(problem, plan, memory, begin, end, *call);
    call->forward = true;
    device.launch(*call, plan, stream);
    begin = end;
  }
  *call = {};
  describe(problem, plan, memory, begin, depth, *call);
  call->forward = work.forward;
  call->from = narrow(work.from);
  call->to = narrow(work.to);
  call->errors = work.errors;
  const std::int64_t at_once = !work.update                   ? 0
                               : work.update->momenta.empty() ? count
                                                              : kEpMostMomenta;
  if (work.update)
    add_update(*work.update, 0, std::min(count, at_once), *call);
  device.launch(*call, plan, stream);
  for (std::int64_t first = at_once; work.update && first < count; first += at_once) {
    *call = {};
    describe(problem, plan, memory, problem.first, depth, *call);
    add_update(*work.update, first, std::min(at_once, count - first), *call);
    device.launch(*call, plan, stream);
  }
}

} // namespace peakbench::kernels
