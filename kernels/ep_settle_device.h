// The light cone of ep_settle.h on a GPU: what its one launch is told, and how the work is divided
// between blocks. Device pointers, no LibTorch, no CUDA headers.
//
// A launch does, in this order and each if asked for: the forward chain of its layers, settling
// steps, the errors e_i, and the update of the cone's weights. All of it is in memory that the
// caller gives (EpDevicePlan::floats), so that a launch may do one part and the next goes on.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/ep_settle.h"

namespace peakbench::kernels {

struct EpDeviceLayer {
  float* weight; // [outputs, inputs]
  float* bias;   // [outputs]
  std::int32_t inputs, outputs;
};
struct EpDeviceMomentum {
  float *weight, *bias;       // like the layer's
  bool orthogonalize = false; // the matrix moves by the orthogonalised momentum
};
// X <- (a I + b A + c A A) X, A = X X^T, so many times (kernels/newton_schulz.h).
struct EpDeviceOrthogonalization {
  float a = 0, b = 0, c = 0;
  std::int32_t steps = 0; // 0: momenta are not orthogonalised
};

// Layers are told in the launch's parameters (at most 32764 bytes), so that deep networks cost no
// memory; deeper ones take several launches.
inline constexpr std::int32_t kEpMostLayers = 1200, kEpMostMomenta = 64;

// Sizes that the kernel and its plan agree on.
inline constexpr std::int32_t kEpChainStages = 8; // tiles of weights in shared memory
inline constexpr std::int32_t kEpStateArrays = 9; // of a block with weights that stay
inline constexpr std::int32_t kEpTileRows = 4, kEpTileColumns = 32; // of a warp's product
inline constexpr std::int32_t kEpPieceTerms = 64;                   // of a streamed product
inline constexpr std::int32_t kEpUpdateRows = 32, kEpUpdateInputs = 64, kEpUpdateQuads = 2;

struct EpDeviceShape {         // how a launch divides the work (ep_device_plan)
  std::int32_t cluster = 1;    // blocks that share a layer of the forward chain
  std::int32_t chain_rows = 1; // of the batch, of a cluster at a time
  std::int32_t chain_pitch = 4;
  std::int32_t tile_floats = 4; // weights and biases that travel into shared memory together
  bool stationary = true;       // a block keeps its layer's weights in shared memory
  std::int32_t widest = 1;      // outputs of the cone's layers, at most
  std::int32_t groups = 1, group_rows = 1;
  std::int32_t weight_pitch = 4, state_pitch = 4; // floats from row to row
};

struct EpDeviceCall {
  EpDeviceLayer layers[kEpMostLayers]; // that this launch knows
  EpDeviceMomentum momenta[kEpMostMomenta];
  std::int32_t depth = 0; // how many it knows
  std::int32_t first = 0; // the lowest that settles; depth: none of them
  std::int32_t rows = 0;
  const float* input = nullptr; // what enters layers[0], [rows, input_stride]
  std::int64_t input_stride = 0;
  const float* target = nullptr; // [rows, classes]
  bool cross_entropy = true;
  float temperature = 1, beta = 0, rate = 0, momentum = 0;
  EpDeviceShape shape;

  bool forward = false;
  std::int32_t from = 0, to = 0;                   // settling steps from + 1 .. to
  bool errors = false;                             // take the place of the velocities
  std::int32_t update_first = 0, update_count = 0; // of the cone's layers, 0: layers[first]
  bool with_momentum = false;                      // momenta[i] of layer update_first + i
  bool keep_weights = false;                       // all but the momenta and biases
  float gradient_scale = 0, learning_rate = 0, optimizer_momentum = 0;
  EpDeviceOrthogonalization orthogonalization;

  // Of the cone's layers, each [rows, outputs] in room for the widest.
  float *free = nullptr, *displacement = nullptr, *velocity = nullptr;
  float *error = nullptr, *pull = nullptr; // between neighbours
  std::int64_t slot_floats = 0;
  float* entering = nullptr; // [rows, entering_stride]: the activation that leaves the chain
  std::int64_t entering_stride = 0;
  // signals[0]: 1 once a state was not finite; then how far each block has come.
  std::int32_t* signals = nullptr;
};
static_assert(sizeof(EpDeviceCall) <= 32764, "what a launch takes as parameters");

// What the current device offers to one launch.
struct EpDeviceLimits {
  std::int32_t blocks = 1;  // that run at once, of `threads` and with `shared_bytes`
  std::int32_t cluster = 1; // blocks of a cluster
  std::int32_t threads = 256;
  std::int64_t shared_bytes = 0;
};

struct EpDevicePlan {
  bool possible = false; // a network may be too wide, or T too large
  EpDeviceLimits limits;
  EpDeviceShape shape;
  std::int64_t shared_bytes = 0; // of a block
  // Where things are in the caller's memory, in floats, and how much there is. The same for every
  // depth that is larger than the cone.
  std::int64_t floats = 0, signals = 0, entering = 0, entering_stride = 0;
  std::int64_t free = 0, displacement = 0, velocity = 0, error = 0, pull = 0, slot_floats = 0;
};

// `stationary` false asks for the general way even where weights would fit.
EpDevicePlan ep_device_plan(const EpSettle& problem, const EpDeviceLimits& limits,
                            bool stationary = true);

// Whether a block of the plan has room to orthogonalise the layer's matrix.
bool ep_device_orthogonalizes(const EpLayer& layer, const EpDevicePlan& plan);

// What a GPU does, as a table, so that tests can run the same kernel on the CPU.
struct EpDevice {
  EpDeviceLimits (*limits)();
  void (*launch)(const EpDeviceCall& call, const EpDevicePlan& plan, void* stream);
};

// w <- w - learning_rate g, g = gradient_scale e^T a over all rows; with momenta g is
// m <- momentum m + g, and with keep_weights the matrices stay as they are.
struct EpDeviceUpdate {
  float gradient_scale = 0, learning_rate = 0, momentum = 0;
  bool keep_weights = false;
  EpDeviceOrthogonalization orthogonalization = {}; // of momenta that say so
  std::vector<EpDeviceMomentum> momenta = {}; // of the cone's layers from the lowest on; or empty
};
struct EpDeviceWork {
  bool forward = false;          // also zeroes displacements and velocities
  std::int64_t from = 0, to = 0; // settling steps from + 1 .. to
  bool errors = false;
  const EpDeviceUpdate* update = nullptr; // needs errors, these or those of a call before
};
// On `memory` of plan.floats floats. One launch, but for networks of more than kEpMostLayers layers
// and for updates with more than kEpMostMomenta momenta.
void run_ep_device(const EpSettle& problem, const EpDevicePlan& plan, const EpDevice& device,
                   const EpDeviceWork& work, float* memory, void* stream);

// On the current device and `stream` (a cudaStream_t); std::runtime_error if CUDA refuses.
EpDeviceLimits ep_device_limits();
void launch_ep_settle(const EpDeviceCall& call, const EpDevicePlan& plan, void* stream);

#if PEAKBENCH_USE_CUDA
inline constexpr EpDevice kCudaEpDevice{ep_device_limits, launch_ep_settle};
#endif

} // namespace peakbench::kernels
