#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/error.h"
#include "llm/huggingface.h"
#include "llm/huggingface_json.h"
#include "llm/model_source_stored.h"
#include "llm/safetensors.h"

namespace peakbench::llm {

namespace fs = std::filesystem;

namespace {

// model.safetensors, else the index's files, else every .safetensors of the folder: some folders
// hold the weights a second time in another layout (consolidated.safetensors).
std::set<fs::path> weight_files(const fs::path& folder) {
  std::set<fs::path> files;
  std::error_code ignored;
  if (const fs::path single = folder / "model.safetensors"; fs::exists(single, ignored))
    return {single};
  const std::string index_path = (folder / "model.safetensors.index.json").string();
  if (const auto index = JsonFile::if_there(index_path)) {
    const JsonFile::Json* map = index->find(index->root(), "weight_map");
    if (!map || !map->is_object())
      index->fail("'weight_map' is missing");
    for (const auto& [tensor, file] : map->items()) {
      const std::string name = file.is_string() ? file.get<std::string>() : "";
      if (name.empty() || name.find('/') != std::string::npos)
        index->fail(fmt::format("tensor '{}' is in '{}'", tensor, name), "expected a file name");
      files.insert(folder / name);
    }
  } else {
    std::error_code problem;
    const fs::directory_iterator entries(folder, problem);
    if (problem)
      throw UserError(fmt::format("cannot read the folder '{}'", folder.string()),
                      problem.message(), "");
    for (const fs::directory_entry& entry : entries)
      if (entry.path().extension() == ".safetensors")
        files.insert(entry.path());
  }
  if (files.empty())
    throw UserError(fmt::format("no *.safetensors in '{}'", folder.string()),
                    "supported: a folder with config.json and safetensors weights",
                    "Convert other weights with save_pretrained(safe_serialization=True)");
  return files;
}

class HuggingFaceSource final : public StoredSource {
public:
  explicit HuggingFaceSource(const std::string& folder) : StoredSource(folder) {
    const fs::path root(folder);
    for (const fs::path& path : weight_files(root)) {
      files_.emplace_back(path.string());
      for (auto& [name, tensor] : read_safetensors(files_.back()))
        if (!tensors_.emplace(name, std::move(tensor)).second)
          throw UserError(
              fmt::format("'{}': tensor '{}' is in another file, too", path.string(), name));
    }
    config_ = read_huggingface_config((root / "config.json").string(),
                                      tensors_.contains("lm_head.weight"));
    // A trailing slash would leave no name.
    std::error_code ignored;
    config_.name = fs::weakly_canonical(root, ignored).filename().string();
    if (config_.tied_embedding)
      tensors_.erase("lm_head.weight");
    tokenizer_ = open_huggingface_tokenizer((root / "tokenizer.json").string());
    check();
  }
};

} // namespace

std::unique_ptr<ModelSource> open_huggingface(const std::string& folder) {
  return std::make_unique<HuggingFaceSource>(folder);
}

} // namespace peakbench::llm
