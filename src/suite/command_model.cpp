#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/error.h"
#include "cluster/devices.h"
#include "llm/model.h"
#include "suite/commands.h"

namespace peakbench::suite {

namespace {

using Json = nlohmann::json;
constexpr std::size_t kTop = 8;

at::ScalarType type_of(const std::string& name) {
  if (name == "float32")
    return at::kFloat;
  return name == "bfloat16" ? at::kBFloat16 : at::kHalf;
}

Json description_of(const llm::ModelSource& source, at::ScalarType dtype) {
  const llm::ModelConfig& config = source.config();
  const auto tokenizer = source.tokenizer();
  const auto element = static_cast<std::int64_t>(c10::elementSize(dtype));
  Json json = {{"name", config.name},
               {"architecture", config.architecture},
               {"format", config.format},
               {"layers", config.layers},
               {"width", config.width},
               {"heads", config.heads},
               {"kv_heads", config.kv_heads},
               {"head_width", config.head_width},
               {"mlp_width", config.mlp_width},
               {"vocabulary", config.vocabulary},
               {"context", config.context},
               {"sliding_window", config.sliding_window ? Json(config.sliding_window) : Json()},
               {"rope_theta", config.rope_theta},
               {"norm_epsilon", config.norm_epsilon},
               {"tied_embedding", config.tied_embedding},
               {"weights", config.random_weights ? "random" : "file"},
               {"parameters", source.parameters()},
               {"file_bytes", source.file_bytes()},
               {"dtype", dtype == at::kFloat  ? "float32"
                         : dtype == at::kHalf ? "float16"
                                              : "bfloat16"},
               {"kv_bytes_per_token", config.kv_bytes_per_token(element)}};
  json["tokenizer"] = tokenizer ? Json(tokenizer->description()) : Json();
  json["chat_template"] = tokenizer ? Json(tokenizer->chat_family()) : Json();
  json["end_tokens"] = tokenizer ? Json(tokenizer->end_tokens()) : Json();
  return json;
}

// `logits` [1, vocabulary] float32 -> the largest ones, and the entropy of their distribution.
void describe_logits(const at::Tensor& logits, Json& json) {
  const at::Tensor host = logits.reshape({-1}).to(at::kCPU, at::kDouble).contiguous();
  const double* value = host.const_data_ptr<double>();
  std::vector<std::int32_t> order(static_cast<std::size_t>(host.numel()));
  std::iota(order.begin(), order.end(), 0);
  const auto top = order.begin() + static_cast<std::ptrdiff_t>(std::min(kTop, order.size()));
  std::partial_sort(order.begin(), top, order.end(), [&](std::int32_t a, std::int32_t b) {
    return value[a] > value[b] || (value[a] == value[b] && a < b);
  });
  json["top"] = Json::array();
  for (auto id = order.begin(); id != top; ++id)
    json["top"].push_back({{"id", *id}, {"logit", value[*id]}});
  const double largest = value[order.front()];
  double sum = 0, weighted = 0;
  for (const std::int32_t id : order) {
    const double weight = std::exp(value[id] - largest);
    sum += weight;
    weighted += weight * (value[id] - largest);
  }
  json["entropy_nats"] = std::log(sum) - weighted / sum;
}

Json answer(const llm::ModelSource& source, const ModelOptions& options, c10::Device device) {
  const auto tokenizer = source.tokenizer();
  if (!tokenizer)
    throw UserError(options.file + " has no tokenizer", "its weights are synthetic",
                    "leave --prompt out");
  const auto format = options.format == "chat" ? llm::PromptFormat::chat : llm::PromptFormat::raw;
  const std::vector<std::int32_t> ids = tokenizer->encode_prompt(*options.prompt, format);
  const auto needed = static_cast<std::int64_t>(ids.size()) + options.greedy;
  if (ids.empty() || needed > source.config().context)
    throw UserError(fmt::format("{} tokens do not fit", needed),
                    "the model takes 1 to " + llm::context_text(source.config()), "");
  Json json = {{"ids", ids}};
  const llm::Model model(source, type_of(options.dtype), device);
  const auto store = model.make_kv_store(llm::KvKind::dense);
  const std::vector<llm::PathId> path{store->create()};
  at::Tensor logits = model.prefill(ids, *store, path); // [1, vocabulary]
  describe_logits(logits, json);
  std::vector<std::int32_t> greedy;
  const std::vector<std::int32_t>& ends = tokenizer->end_tokens();
  while (static_cast<int>(greedy.size()) < options.greedy) {
    greedy.push_back(static_cast<std::int32_t>(logits.reshape({-1}).argmax().item<std::int64_t>()));
    if (std::find(ends.begin(), ends.end(), greedy.back()) != ends.end())
      break;
    if (static_cast<int>(greedy.size()) < options.greedy)
      logits = model.step(std::span(&greedy.back(), 1), *store, path);
  }
  json["greedy"] = greedy;
  json["greedy_text"] = tokenizer->decode(greedy);
  return json;
}

std::string dumped(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace

int model_command(const ModelOptions& options) {
  const auto source = llm::ModelSource::open(options.file);
  Json json = description_of(*source, type_of(options.dtype));
  if (options.prompt) {
    const c10::Device device = cluster::single_device(options.device);
    if (options.dtype == "float16" && !device.is_cuda())
      throw UserError("--dtype float16 needs a CUDA device", "", "use float32 or bfloat16");
    json.update(answer(*source, options, device));
  }
  if (options.json) {
    std::cout << dumped(json) << '\n';
  } else {
    for (const auto& [key, value] : json.items())
      std::cout << fmt::format("{:20}{}\n", key,
                               value.is_string() && key != "greedy_text" ? value.get<std::string>()
                                                                         : dumped(value));
  }
  std::cout.flush();
  return kExitOk;
}

} // namespace peakbench::suite
