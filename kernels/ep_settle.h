// The light cone of equilibrium propagation on the CPU: forward pass, and settling of the last
// layers in delta form (kernels/README.md). float32, profile clean.
//
// Rows of the batch do not interact, so they are dealt out in groups, one after another to each
// thread, and nobody waits for anybody. Within a group a state is [width, group_rows]: a vector
// register holds the same unit of neighbouring rows, weights are broadcast as they lie in memory,
// and neither a product with W nor one with its transpose needs packing or a horizontal sum. A
// row's numbers do not depend on the group it is in, hence not on the number of threads.
#pragma once

#include <cstdint>
#include <vector>

namespace peakbench::kernels {

struct EpLayer {
  const float* weight = nullptr; // [outputs, inputs]
  const float* bias = nullptr;   // [outputs]
  std::int64_t inputs = 0, outputs = 0;
};

struct EpSettle {
  std::vector<EpLayer> layers;   // the whole network
  std::int64_t first = 0;        // the lowest layer that settles
  std::int64_t rows = 0;         // batch
  const float* input = nullptr;  // [rows, inputs of layer 0]
  const float* target = nullptr; // [rows, outputs of the last layer]
  bool cross_entropy = true;     // else mse
  float temperature = 1, beta = 0, rate = 0, momentum = 0;
};

// Where a group's numbers are within the memory of `floats` floats that callers provide. Offsets
// are in floats from the group's beginning; each block is [width, group_rows].
struct EpLayout {
  std::int64_t groups = 0, group_rows = 0, group_floats = 0;
  std::int64_t floats = 0;                // the same for any number of threads
  std::int64_t entering = 0;              // the activation that enters layer `first`
  std::vector<std::int64_t> free;         // s^f of layers first ..
  std::vector<std::int64_t> displacement; // D = s - s^f; one run of displacement_floats
  std::vector<std::int64_t> velocity;     // after ep_errors: e
  std::int64_t displacement_floats = 0;
  std::int64_t target = 0, mask = 0; // [classes, group_rows]; [group_rows] 1 or, for padding, 0
  std::int64_t list = 0;             // of as many units as the input or a layer has, int32
  std::int64_t scratch[4] = {};      // the first as wide as the input, too; the others as any layer
};

// `threads`: how many will run; decides the groups, not the results.
EpLayout ep_layout(const EpSettle& problem, int threads);

// Forward pass: fills free states, zeroes displacements and velocities.
void ep_forward(const EpSettle& problem, const EpLayout& layout, float* memory);
// Settling steps from + 1 .. to of the nudged phase. Step t moves the layers from L - t on.
void ep_settle(const EpSettle& problem, const EpLayout& layout, std::int64_t from, std::int64_t to,
               float* memory);
// Replaces the velocities by the errors e_i at the present states.
void ep_errors(const EpSettle& problem, const EpLayout& layout, float* memory);
// ep_errors, and then errors and activations for ep_update, turned into [group_rows, width] where
// they are: errors in `velocity`, the activations of layers first .. in `displacement` (which is
// lost), and what enters layer `first` in `entering`.
void ep_factors(const EpSettle& problem, const EpLayout& layout, float* memory);
// ep_forward and ep_settle in one go. False if a displacement is not finite.
bool ep_phase(const EpSettle& problem, const EpLayout& layout, std::int64_t steps, float* memory);

} // namespace peakbench::kernels
