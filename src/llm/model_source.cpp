#include "llm/model_source.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/error.h"
#include "llm/gguf_source.h"
#include "llm/huggingface.h"
#include "llm/llama2c.h"
#include "llm/synthetic.h"

namespace peakbench::llm {

namespace fs = std::filesystem;

std::unique_ptr<ModelSource> ModelSource::open(const std::string& path) {
  constexpr std::string_view synthetic = "synthetic:";
  if (path.starts_with(synthetic))
    return open_synthetic(path.substr(synthetic.size()));
  std::error_code ignored;
  if (!fs::exists(path, ignored))
    throw UserError(fmt::format("model '{}' does not exist", path));
  if (fs::is_directory(path, ignored))
    return open_huggingface(path);
  if (path.ends_with(".gguf"))
    return open_gguf(path);
  if (path.ends_with(".bin"))
    return open_llama2c(path);
  throw UserError(fmt::format("'{}' is no model that can be read", path),
                  "expected a .gguf file, a Hugging Face folder, a llama2.c .bin or synthetic:NAME",
                  "");
}

} // namespace peakbench::llm
