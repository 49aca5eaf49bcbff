// Random pools and plans for the tests of tree_attention, on the CPU and on a GPU.
#pragma once

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <span>
#include <vector>

#include "kernels/plan_tree.h"
#include "kernels/tree_attention.h"

namespace peakbench::kernels::testing {

struct TreeShape {
  std::int64_t paths = 3, heads = 6, kv_heads = 2, head_width = 64;
  std::int64_t shared_tokens = 70,
               own_tokens = 40; // own: between half of it and all of it, at random
  // Every `family` neighbours also share this many tokens between the two; `forests` such trees,
  // apart from each other.
  std::int64_t family = 1, family_tokens = 0, forests = 1;
  std::int64_t longest_run = 7;
  std::int64_t layers = 2;
};

struct RandomTree {
  at::Tensor query;
  std::vector<at::Tensor> chunks;
  std::vector<std::vector<SlotRun>> lists; // of the paths
  TreeAttentionPlan plan;
  double scale = 0;

  void make_plan() {
    plan = plan_tree(std::vector<std::span<const SlotRun>>(lists.begin(), lists.end()));
  }

  at::Tensor attend(std::int64_t layer) const {
    return tree_attention(query, chunks, layer, plan, scale);
  }
  at::Tensor reference(std::int64_t layer) const {
    return tree_attention_reference(query, chunks, layer, plan, scale);
  }
};

// Runs of random length at random places of three chunks of different size.
inline RandomTree random_tree(const TreeShape& shape, at::ScalarType dtype, std::uint32_t seed) {
  std::mt19937 random(seed);
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  const auto uniform = [&](std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random);
  };
  const auto normal = [&](at::IntArrayRef sizes) {
    return at::randn(sizes, generator, at::kFloat).to(dtype);
  };
  RandomTree tree;
  tree.scale = 1.0 / std::sqrt(static_cast<double>(shape.head_width));
  tree.query = normal({shape.paths, shape.heads, shape.head_width}).mul(2);
  for (const std::int64_t slots : {90, 17, 150})
    tree.chunks.push_back(normal({shape.layers, 2, slots, shape.kv_heads, shape.head_width}));
  const auto fill = [&](std::int64_t tokens, std::vector<SlotRun>& runs) {
    while (tokens > 0) {
      const std::int64_t chunk = uniform(0, 2);
      const std::int64_t slots = tree.chunks[static_cast<std::size_t>(chunk)].size(2);
      const std::int64_t count = std::min({tokens, uniform(1, shape.longest_run), slots});
      runs.push_back({static_cast<std::int32_t>(chunk),
                      static_cast<std::int32_t>(uniform(0, slots - count)),
                      static_cast<std::int32_t>(count)});
      tokens -= count;
    }
  };
  std::vector<SlotRun> shared, family;
  for (std::int64_t path = 0; path < shape.paths; ++path) {
    if (path % ((shape.paths + shape.forests - 1) / shape.forests) == 0) {
      shared.clear();
      fill(shape.shared_tokens, shared);
    }
    if (path % shape.family == 0) {
      family = shared;
      fill(shape.family_tokens, family);
    }
    tree.lists.push_back(family);
    fill(uniform((shape.own_tokens + 1) / 2, shape.own_tokens), tree.lists.back());
  }
  tree.make_plan();
  return tree;
}

// Every group size, head width, and proportion of shared and own tokens that matters.
inline std::vector<TreeShape> tree_shapes() {
  return {
      {},
      {.paths = 1, .shared_tokens = 100, .own_tokens = 0},
      {.paths = 1, .heads = 9, .kv_heads = 3, .shared_tokens = 0, .own_tokens = 33},
      {.paths = 20, .heads = 9, .kv_heads = 3, .shared_tokens = 200, .own_tokens = 25},
      {.paths = 5,
       .heads = 9,
       .kv_heads = 3,
       .shared_tokens = 0,
       .own_tokens = 90,
       .longest_run = 90},
      {.paths = 4, .shared_tokens = 64, .own_tokens = 1, .longest_run = 1},
      {.paths = 4, .shared_tokens = 31, .own_tokens = 0},
      {.paths = 13, .heads = 16, .kv_heads = 2, .head_width = 128, .shared_tokens = 45},
      {.paths = 7, .heads = 4, .kv_heads = 4, .head_width = 80},
      {.paths = 3, .heads = 14, .kv_heads = 2, .head_width = 96, .own_tokens = 70},
      {.paths = 2, .heads = 8, .kv_heads = 4, .head_width = 8},
      {.paths = 12, .heads = 9, .kv_heads = 3, .family = 3, .family_tokens = 50},
      {.paths = 12, .heads = 9, .kv_heads = 3, .own_tokens = 3, .family = 4, .family_tokens = 2},
      {.paths = 11, .heads = 4, .kv_heads = 2, .family = 2, .family_tokens = 33, .forests = 3},
      {.paths = 64,
       .heads = 4,
       .kv_heads = 4,
       .shared_tokens = 130,
       .family = 8,
       .family_tokens = 40,
       .forests = 2},
      {.paths = 2, .heads = 71, .kv_heads = 1, .head_width = 64},
  };
}

} // namespace peakbench::kernels::testing
