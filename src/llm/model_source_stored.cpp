#include "llm/model_source_stored.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "base/error.h"

namespace peakbench::llm {

at::Tensor StoredSource::tensor(const std::string& name, at::ScalarType dtype,
                                at::Device device) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end())
    throw UserError(fmt::format("'{}' has no tensor '{}'", path_, name));
  return load_tensor(found->second, dtype, device);
}

std::int64_t StoredSource::file_bytes() const {
  std::size_t bytes = 0;
  for (const auto& [name, stored] : tensors_)
    bytes += stored.data.size();
  return static_cast<std::int64_t>(bytes);
}

void StoredSource::check() const {
  check_config(config_, path_);
  std::set<std::string> wanted;
  for (const WeightShape& weight : weight_shapes(config_)) {
    wanted.insert(weight.name);
    const auto found = tensors_.find(weight.name);
    if (found == tensors_.end())
      throw UserError(fmt::format("'{}' has no tensor '{}'", path_, weight.name),
                      fmt::format("architecture {} with {} layers needs it", config_.architecture,
                                  config_.layers),
                      "");
    const StoredTensor& stored = found->second;
    if (stored.shape != weight.shape)
      throw UserError(fmt::format("'{}': tensor '{}' has shape [{}]", path_, weight.name,
                                  fmt::join(stored.shape, ", ")),
                      fmt::format("the configuration says [{}]", fmt::join(weight.shape, ", ")),
                      "");
    if (stored.shape.size() == 1 && stored.interleaved_heads &&
        layout_of(stored.type).block_elements != 1)
      throw UserError(fmt::format("'{}': bias '{}' is stored as {}", path_, weight.name,
                                  layout_of(stored.type).name),
                      "supported for biases: F32, F16, BF16", "");
  }
  // A weight that the forward pass would not use means a variant that it does not compute.
  for (const auto& [name, stored] : tensors_)
    if (!wanted.contains(name))
      throw UserError(fmt::format("'{}': tensor '{}' is not part of architecture {}", path_, name,
                                  config_.architecture),
                      "the model would be computed wrongly without it", "");
  if (tokenizer_ && tokenizer_->vocabulary() > config_.vocabulary)
    throw UserError(fmt::format("'{}': the tokenizer has {} tokens, the model {}", path_,
                                tokenizer_->vocabulary(), config_.vocabulary));
}

} // namespace peakbench::llm
