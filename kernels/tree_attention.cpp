#include "kernels/tree_attention.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "kernels/plan_tree.h"
#include "kernels/tree_attention_internal.h"
#if PEAKBENCH_USE_CUDA
#include "kernels/tree_attention_cuda.h"
#endif

namespace peakbench::kernels {

namespace {

Element element_of(const at::Tensor& tensor) {
  switch (tensor.scalar_type()) {
  case at::kFloat:
    return Element::float32;
  case at::kBFloat16:
    return Element::bfloat16;
  case at::kHalf:
    TORCH_CHECK(!tensor.is_cpu(), "tree_attention takes float16 on CUDA only");
    return Element::float16;
  default:
    TORCH_CHECK(false, "tree_attention does not take ", tensor.scalar_type());
    return Element::float32; // not reached; the undefined-behaviour sanitizer does not see that
  }
}

void check(const at::Tensor& query, std::span<const at::Tensor> chunks, std::int64_t layer,
           const TreeAttentionPlan& plan) {
  TORCH_CHECK(query.dim() == 3 && query.size(0) == plan.paths,
              "query must be [paths, heads, head_width]");
  // Whatever a path reads begins with a root segment that has tokens.
  std::int32_t covered = 0;
  for (std::size_t i = 0; i < plan.segments.size();
       i = static_cast<std::size_t>(plan.segments[i].end)) {
    const TreeSegment& root = plan.segments[i];
    TORCH_CHECK(root.first_path == covered && root.tokens > 0, "path ", covered,
                " has no token to attend to");
    covered += root.paths;
  }
  TORCH_CHECK(covered == plan.paths, "path ", covered, " has no token to attend to");
  for (const at::Tensor& chunk : chunks) {
    if (!chunk.defined())
      continue; // returned by the pool; no run names it
    TORCH_CHECK(
        chunk.dim() == 5 && chunk.is_contiguous() && chunk.scalar_type() == query.scalar_type() &&
            chunk.device() == query.device() && layer < chunk.size(0) &&
            chunk.size(4) == query.size(2) && query.size(1) % chunk.size(3) == 0,
        "a chunk must be [layers, 2, slots, kv_heads, head_width] of the query's type and device");
  }
}

void run_on_cpu(const TreeAttentionArguments& arguments, const TreeAttentionPlan& plan) {
  const std::int64_t floats = tree_attention_cpu_scratch(arguments, plan);
  const at::Tensor scratch = at::empty({at::get_num_threads(), floats}, at::kFloat);
  float* const base = scratch.data_ptr<float>();
  at::parallel_for(
      0, tree_attention_cpu_tasks(arguments), 1, [&](std::int64_t begin, std::int64_t end) {
        tree_attention_cpu(arguments, plan, begin, end, base + at::get_thread_num() * floats);
      });
}

} // namespace

at::Tensor tree_attention(const at::Tensor& given, std::span<const at::Tensor> chunks,
                          std::int64_t layer, const TreeAttentionPlan& plan, double scale) {
  check(given, chunks, layer, plan);
  const at::Tensor query = given.contiguous();
  at::Tensor out = at::empty_like(query);
  std::vector<ChunkView> views(chunks.size());
  TreeAttentionArguments arguments{.element = element_of(query),
                                   .query = query.const_data_ptr(),
                                   .out = out.mutable_data_ptr(),
                                   .paths = query.size(0),
                                   .heads = query.size(1),
                                   .head_width = query.size(2),
                                   .scale = static_cast<float>(scale),
                                   .chunks = views.data(),
                                   .layer = layer};
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    if (!chunks[i].defined())
      continue;
    arguments.kv_heads = chunks[i].size(3);
    views[i] = {chunks[i].const_data_ptr(), chunks[i].size(2)};
  }
  TORCH_CHECK(arguments.paths == 0 || arguments.kv_heads > 0, "tree_attention without a chunk");
  if (arguments.paths == 0)
    return out;
  if (query.is_cpu()) {
    run_on_cpu(arguments, plan);
    return out;
  }
#if PEAKBENCH_USE_CUDA
  if (query.is_cuda()) {
    tree_attention_cuda(arguments, plan, chunks.size(), query.device());
    return out;
  }
#endif
  TORCH_CHECK(false, "tree_attention: no version for ", query.device());
  return out; // not reached, as above
}

at::Tensor tree_attention_reference(const at::Tensor& query, std::span<const at::Tensor> chunks,
                                    std::int64_t layer, const TreeAttentionPlan& plan,
                                    double scale) {
  at::Tensor out = at::empty_like(query);
  for (std::int32_t path = 0; path < plan.paths; ++path) {
    std::vector<at::Tensor> pieces; // each [2, count, kv_heads, head_width]
    for (const SlotRun& run : runs_of_path(plan, path))
      pieces.push_back(
          chunks[static_cast<std::size_t>(run.chunk)][layer].narrow(1, run.first, run.count));
    const at::Tensor both = at::cat(pieces, 1).to(at::kDouble);
    const at::Tensor q = query[path].to(at::kDouble); // [heads, head_width]
    const std::int64_t group = q.size(0) / both.size(2);
    const at::Tensor key = both[0].repeat_interleave(group, 1); // [tokens, heads, head_width]
    const at::Tensor value = both[1].repeat_interleave(group, 1);
    const at::Tensor weights = at::einsum("hd,thd->ht", {q, key}).mul(scale).softmax(-1);
    out[path] = at::einsum("ht,thd->hd", {weights, value}).to(query.scalar_type());
  }
  return out;
}

} // namespace peakbench::kernels
