#include "llm/layers.h"

#include <ATen/ATen.h>

#include <initializer_list>

namespace peakbench::llm {

std::int64_t Layer::bytes() const {
  std::int64_t sum = 0;
  for (const at::Tensor* tensor : {&attention_norm, &mlp_norm, &query_norm, &key_norm})
    if (tensor->defined())
      sum += static_cast<std::int64_t>(tensor->nbytes());
  for (const Linear* linear : {&qkv, &attention_out, &gate_up, &down})
    sum += linear->bytes();
  return sum;
}

at::Tensor stack_rows(const ModelSource& source, const std::vector<std::string>& names,
                      at::ScalarType dtype, at::Device device) {
  const ModelConfig& c = source.config();
  std::vector<std::int64_t> rows;
  for (const std::string& name : names) {
    const bool query = name.find("q_proj") != std::string::npos;
    const bool mlp = name.find(".mlp.") != std::string::npos;
    rows.push_back(mlp ? c.mlp_width : (query ? c.heads : c.kv_heads) * c.head_width);
  }
  std::int64_t total = 0;
  for (const std::int64_t count : rows)
    total += count;
  const bool matrix = names.front().ends_with(".weight");
  const at::TensorOptions options = at::TensorOptions().dtype(dtype).device(device);
  at::Tensor all = matrix ? at::empty({total, c.width}, options) : at::empty({total}, options);
  std::int64_t first = 0;
  for (std::size_t i = 0; i < names.size(); ++i) {
    all.narrow(0, first, rows[i]).copy_(source.tensor(names[i], dtype, device));
    first += rows[i];
  }
  return all;
}

Layer load_layer(const ModelSource& source, std::int64_t index, at::ScalarType dtype,
                 at::Device device) {
  const ModelConfig& config = source.config();
  const std::string prefix = "model.layers." + std::to_string(index) + ".";
  const auto names = [&](std::initializer_list<const char*> parts, const char* kind) {
    std::vector<std::string> list;
    for (const char* part : parts)
      list.push_back(prefix + part + kind);
    return list;
  };
  const auto one = [&](const char* name, at::ScalarType type) {
    return source.tensor(prefix + name, type, device);
  };
  Layer layer;
  layer.attention_norm = one("input_layernorm.weight", at::kFloat);
  layer.mlp_norm = one("post_attention_layernorm.weight", at::kFloat);
  if (config.qk_norm) {
    layer.query_norm = one("self_attn.q_norm.weight", at::kFloat);
    layer.key_norm = one("self_attn.k_norm.weight", at::kFloat);
  }
  const auto qkv = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"};
  layer.qkv = Linear(stack_rows(source, names(qkv, ".weight"), dtype, device),
                     config.qkv_bias ? stack_rows(source, names(qkv, ".bias"), dtype, device)
                                     : at::Tensor(),
                     true);
  layer.attention_out = Linear(one("self_attn.o_proj.weight", dtype), {}, true);
  layer.gate_up =
      Linear(stack_rows(source, names({"mlp.gate_proj", "mlp.up_proj"}, ".weight"), dtype, device),
             {}, true);
  layer.down = Linear(one("mlp.down_proj.weight", dtype), {}, true);
  return layer;
}

} // namespace peakbench::llm
