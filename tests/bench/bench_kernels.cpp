// The CPU kernels beside attention (bench_step, bench_attention_gpu) and settling (bench_ep), each
// beside the plain way of computing the same. Arguments: rows (paths of a decode step) and width or
// vocabulary; bits of an element; layers of a network; most paths.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <vector>

#include "kernels/ep_update.h"
#include "kernels/newton_schulz.h"
#include "kernels/plan_tree.h"
#include "kernels/row_ops.h"
#include "kernels/token_distribution.h"
#include "tests/bench/bench_main.h"

namespace peakbench {
namespace {

enum class Way { ours, plain };

at::Tensor random(at::IntArrayRef shape, at::ScalarType type = at::kFloat) {
  return at::randn(shape, at::make_generator<at::CPUGeneratorImpl>(1), at::kFloat).to(type);
}
at::ScalarType type_of(std::int64_t bits) { return bits == 32 ? at::kFloat : at::kBFloat16; }

// rows, width, bits.
template <Way way>
void rms_norm(benchmark::State& state) {
  const at::ScalarType type = type_of(state.range(2));
  at::Tensor residual = random({state.range(0), state.range(1)}),
             out = at::empty_like(residual, type);
  const at::Tensor weight = random({state.range(1)});
  const std::optional<at::Tensor> delta = random(residual.sizes(), type).mul_(0);
  for (auto _ : state) {
    if constexpr (way == Way::ours)
      kernels::add_rms_norm(residual, delta, weight, 1e-5, out);
    else
      kernels::reference::add_rms_norm(residual, delta, weight, 1e-5, out);
    benchmark::DoNotOptimize(out.data_ptr());
  }
}

// rows, width, bits; heads of 64.
template <Way way>
void rotate(benchmark::State& state) {
  constexpr std::int64_t kHeadWidth = 64;
  const std::int64_t rows = state.range(0), heads = state.range(1) / kHeadWidth;
  kernels::HeadRotation rotation{.heads = heads, .kv_heads = heads / 3, .head_width = kHeadWidth};
  const at::Tensor angles = random({rows, kHeadWidth / 2});
  rotation.table = at::stack({angles.cos(), angles.sin()});
  at::Tensor qkv =
      random({rows, (heads + 2 * rotation.kv_heads) * kHeadWidth}, type_of(state.range(2)));
  for (auto _ : state) {
    if constexpr (way == Way::ours)
      kernels::rotate_heads(qkv, rotation);
    else
      kernels::reference::rotate_heads(qkv, rotation);
    benchmark::DoNotOptimize(qkv.data_ptr());
  }
}

// rows, width, bits.
template <Way way>
void silu(benchmark::State& state) {
  const at::ScalarType type = type_of(state.range(2));
  const at::Tensor gate_up = random({state.range(0), 2 * state.range(1)}, type);
  at::Tensor out = at::empty({state.range(0), state.range(1)}, type);
  for (auto _ : state) {
    if constexpr (way == Way::ours)
      kernels::silu_multiply(gate_up, out);
    else
      kernels::reference::silu_multiply(gate_up, out);
    benchmark::DoNotOptimize(out.data_ptr());
  }
}

// rows, vocabulary.
template <Way way>
void token_sums(benchmark::State& state) {
  const std::int64_t rows = state.range(0), vocabulary = state.range(1);
  const at::Tensor logits = random({rows, vocabulary}).mul_(3);
  std::vector<kernels::TokenBlock> blocks(
      static_cast<std::size_t>(kernels::token_blocks(vocabulary)));
  for (auto _ : state)
    for (std::int64_t row = 0; row < rows; ++row) {
      const std::span<const float> values(logits.const_data_ptr<float>() + row * vocabulary,
                                          static_cast<std::size_t>(vocabulary));
      if constexpr (way == Way::ours)
        kernels::token_block_sums(values, 1.25F, {}, blocks);
      else
        kernels::token_block_sums_reference(values, 1.25F, {}, blocks);
      benchmark::DoNotOptimize(blocks.data());
    }
  state.SetBytesProcessed(state.iterations() * rows * vocabulary * std::int64_t{sizeof(float)});
}

// Layers of width x width, a batch of 32: the gradient's product and momentum's update.
template <Way way>
void update(benchmark::State& state) {
  const std::int64_t layers = state.range(0), width = state.range(1), batch = 32;
  std::vector<at::Tensor> weights, momenta, biases, bias_momenta;
  std::vector<kernels::EpLayerUpdate> updates;
  const at::Tensor error = random({batch, width}).mul_(1e-3), activation = random({batch, width});
  for (std::int64_t i = 0; i < layers; ++i) {
    weights.push_back(random({width, width}));
    momenta.push_back(at::zeros({width, width}));
    biases.push_back(at::zeros({width}));
    bias_momenta.push_back(at::zeros({width}));
    updates.push_back(
        {weights.back().data_ptr<float>(),
         biases.back().data_ptr<float>(),
         width,
         width,
         momenta.back().data_ptr<float>(),
         bias_momenta.back().data_ptr<float>(),
         {{error.const_data_ptr<float>(), activation.const_data_ptr<float>(), batch, 1.0F}}});
  }
  for (auto _ : state) {
    if constexpr (way == Way::ours)
      kernels::ep_update(updates, kernels::EpRule::momentum, 0.01F, 0.9F);
    else
      for (std::size_t i = 0; i < weights.size(); ++i) {
        momenta[i].mul_(0.9).add_(at::mm(error.t(), activation));
        weights[i].sub_(momenta[i], 0.01);
        bias_momenta[i].mul_(0.9).add_(error.sum(0));
        biases[i].sub_(bias_momenta[i], 0.01);
      }
    benchmark::ClobberMemory();
  }
}

// Layers of width x width: five steps of Muon's iteration.
template <Way way>
void orthogonalise(benchmark::State& state) {
  constexpr float kA = 3.4445F, kB = -4.7750F, kC = 2.0315F;
  const std::int64_t layers = state.range(0), width = state.range(1);
  std::vector<at::Tensor> sources, targets;
  std::vector<kernels::NewtonSchulzMatrix> matrices;
  for (std::int64_t i = 0; i < layers; ++i) {
    sources.push_back(random({width, width}));
    targets.push_back(at::empty({width, width}));
    matrices.push_back(
        {width, width, sources.back().const_data_ptr<float>(), targets.back().data_ptr<float>()});
  }
  std::vector<float> workspace(static_cast<std::size_t>(kernels::newton_schulz_floats(matrices)));
  const kernels::NewtonSchulzRule rule{kA, kB, kC, 5};
  for (auto _ : state) {
    if constexpr (way == Way::ours)
      kernels::newton_schulz(matrices, rule, workspace.data());
    else
      for (std::size_t i = 0; i < sources.size(); ++i) {
        at::Tensor x = sources[i] / sources[i].norm();
        for (int step = 0; step < rule.steps; ++step) {
          const at::Tensor a = at::mm(x, x.t());
          x = kA * x + at::mm(kB * a + kC * at::mm(a, a), x);
        }
        targets[i].copy_(x);
      }
    benchmark::ClobberMemory();
  }
}

// The plan of a step's attention: paths that share a prompt and have 50 tokens of their own, the
// slots of a step side by side.
void plan(benchmark::State& state) {
  constexpr std::int32_t kPrompt = 200, kOwn = 50;
  const auto paths = static_cast<std::int32_t>(state.range(0));
  std::vector<std::vector<kernels::SlotRun>> runs;
  for (std::int32_t path = 0; path < paths; ++path) {
    auto& list = runs.emplace_back();
    list.push_back({0, 0, kPrompt});
    for (std::int32_t i = 0; i < kOwn; ++i)
      list.push_back({0, kPrompt + i * paths + path, 1});
  }
  const std::vector<std::span<const kernels::SlotRun>> views(runs.begin(), runs.end());
  for (auto _ : state)
    benchmark::DoNotOptimize(kernels::plan_tree(views));
}

using Run = void (*)(benchmark::State&);

void add_pair(const std::string& name, Run ours, Run plain,
              const std::vector<std::vector<std::int64_t>>& arguments,
              const std::vector<std::string>& names) {
  for (const auto& [way, run] : {std::pair{"ours", ours}, std::pair{"plain", plain}}) {
    auto* one = benchmark::RegisterBenchmark((name + "/" + way).c_str(), run);
    one->UseRealTime()->Unit(benchmark::kMicrosecond)->ArgNames(names);
    for (const std::vector<std::int64_t>& values : arguments)
      one->Args(values);
  }
}

void add() {
  using Arguments = std::vector<std::vector<std::int64_t>>;
  const bool small = bench::smoke;
  // A decode step of 20 paths, a prompt of 200 tokens; SmolLM2-135M's widths.
  const Arguments rows =
      small ? Arguments{{2, 192, 16}} : Arguments{{20, 576, 16}, {200, 576, 16}, {20, 576, 32}};
  const std::vector<std::string> row_names{"rows", "width", "bits"};
  add_pair("add_rms_norm", rms_norm<Way::ours>, rms_norm<Way::plain>, rows, row_names);
  add_pair("rotate_heads", rotate<Way::ours>, rotate<Way::plain>, rows, row_names);
  const Arguments wide =
      small ? Arguments{{2, 192, 16}} : Arguments{{20, 1536, 16}, {200, 1536, 16}};
  add_pair("silu_multiply", silu<Way::ours>, silu<Way::plain>, wide, row_names);
  add_pair("token_block_sums", token_sums<Way::ours>, token_sums<Way::plain>,
           small ? Arguments{{1, 1000}} : Arguments{{1, 49152}, {20, 49152}},
           {"rows", "vocabulary"});
  const Arguments layers = small ? Arguments{{2, 16}} : Arguments{{10, 128}, {100, 128}};
  add_pair("ep_update", update<Way::ours>, update<Way::plain>, layers, {"layers", "width"});
  add_pair("newton_schulz", orthogonalise<Way::ours>, orthogonalise<Way::plain>, layers,
           {"layers", "width"});
  benchmark::RegisterBenchmark("plan_tree", plan)
      ->UseRealTime()
      ->Unit(benchmark::kMicrosecond)
      ->ArgName("paths")
      ->Arg(small ? 2 : 20)
      ->Arg(small ? 3 : 200);
}

} // namespace
} // namespace peakbench

int main(int argc, char** argv) { return peakbench::bench::run(argc, argv, peakbench::add); }
