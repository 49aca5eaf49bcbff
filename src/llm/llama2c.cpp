#include "llm/llama2c.h"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <filesystem>

#include "base/error.h"
#include "llm/model_source_stored.h"

namespace peakbench::llm {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kHeaderBytes = 7 * 4;

fs::path find_tokenizer(const fs::path& model) {
  fs::path folder = model.parent_path();
  if (folder.empty())
    folder = ".";
  std::vector<fs::path> found;
  std::error_code problem;
  const fs::directory_iterator entries(folder, problem);
  if (problem)
    throw UserError(fmt::format("cannot read the folder '{}'", folder.string()), problem.message(),
                    "");
  for (const fs::directory_entry& entry : entries) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("tok") && name.ends_with(".bin"))
      found.push_back(entry.path());
  }
  if (found.size() != 1)
    throw UserError(fmt::format("{} tokenizers beside '{}'", found.size(), model.string()),
                    "expected one file tok*.bin", "");
  return found.front();
}

class Llama2cSource final : public StoredSource {
public:
  explicit Llama2cSource(const std::string& path) : StoredSource(path) {
    files_.emplace_back(path);
    read_config();
    check_config(config_, path_);
    take_tensors();
    tokenizer_ = open_llama2c_tokenizer(find_tokenizer(path).string());
    check();
  }

private:
  void read_config();
  void take_tensors();
  // The next tensor of `layers` equal ones; its name has "{}" for the layer.
  void take(const char* name, std::int64_t layers, std::vector<std::int64_t> shape,
            std::int64_t interleaved_heads = 0);

  std::uint64_t offset_ = kHeaderBytes;
};

void Llama2cSource::read_config() {
  if (files_[0].size() < kHeaderBytes)
    throw UserError(
        fmt::format("'{}': the file ends inside the header at byte {}", path_, files_[0].size()));
  std::array<std::int32_t, 7> header;
  std::memcpy(header.data(), files_[0].bytes().data(), kHeaderBytes);
  ModelConfig& c = config_;
  c.name = fs::path(path_).filename().string();
  c.architecture = "llama";
  c.format = "llama2.c";
  c.width = header[0];
  c.mlp_width = header[1];
  c.layers = header[2];
  c.heads = header[3];
  c.kv_heads = header[4];
  // A negative vocabulary says that the head is not the embedding.
  c.tied_embedding = header[5] > 0;
  c.vocabulary = header[5] > 0 ? header[5] : -static_cast<std::int64_t>(header[5]);
  c.context = header[6];
  if (c.heads < 1 || c.width % c.heads != 0)
    throw UserError(fmt::format("'{}': {} heads of a width of {}", path_, c.heads, c.width),
                    "this is not a llama2.c model", "");
  c.head_width = c.width / c.heads;
}

void Llama2cSource::take(const char* name, std::int64_t layers, std::vector<std::int64_t> shape,
                         std::int64_t interleaved_heads) {
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    StoredTensor tensor{StorageType::f32, shape, {}, interleaved_heads};
    const std::uint64_t bytes = *storage_bytes(StorageType::f32, tensor.elements());
    const std::string full = fmt::format(fmt::runtime(name), layer);
    if (offset_ > files_[0].size() || bytes > files_[0].size() - offset_)
      throw UserError(
          fmt::format("'{}': the file ends inside tensor '{}' at byte {}", path_, full, offset_),
          fmt::format("{} more bytes needed, the file has {}", bytes, files_[0].size()), "");
    tensor.data = files_[0].bytes().subspan(offset_, bytes);
    offset_ += bytes;
    if (name[0] != '-')
      tensors_.emplace(full, std::move(tensor));
  }
}

void Llama2cSource::take_tensors() {
  const ModelConfig& c = config_;
  const std::int64_t key = c.kv_heads * c.head_width;
  take("model.embed_tokens.weight", 1, {c.vocabulary, c.width});
  take("model.layers.{}.input_layernorm.weight", c.layers, {c.width});
  take("model.layers.{}.self_attn.q_proj.weight", c.layers, {c.width, c.width}, c.heads);
  take("model.layers.{}.self_attn.k_proj.weight", c.layers, {key, c.width}, c.kv_heads);
  take("model.layers.{}.self_attn.v_proj.weight", c.layers, {key, c.width});
  take("model.layers.{}.self_attn.o_proj.weight", c.layers, {c.width, c.width});
  take("model.layers.{}.post_attention_layernorm.weight", c.layers, {c.width});
  take("model.layers.{}.mlp.gate_proj.weight", c.layers, {c.mlp_width, c.width});
  take("model.layers.{}.mlp.down_proj.weight", c.layers, {c.width, c.mlp_width});
  take("model.layers.{}.mlp.up_proj.weight", c.layers, {c.mlp_width, c.width});
  take("model.norm.weight", 1, {c.width});
  take("-rotary tables", 1, {2 * c.context, c.head_width / 2}); // we compute our own
  if (!c.tied_embedding)
    take("lm_head.weight", 1, {c.vocabulary, c.width});
  if (offset_ != files_[0].size())
    throw UserError(fmt::format("'{}': {} bytes behind the last tensor at byte {}", path_,
                                files_[0].size() - offset_, offset_),
                    "this is not a llama2.c model", "");
}

} // namespace

std::unique_ptr<ModelSource> open_llama2c(const std::string& path) {
  return std::make_unique<Llama2cSource>(path);
}

} // namespace peakbench::llm
