#include "support/support.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace peakbench::testing {

namespace fs = std::filesystem;

fs::path source_folder() { return PEAKBENCH_SOURCE_FOLDER; }

std::optional<fs::path> shared_folder() {
  const char* named = std::getenv("PEAKBENCH_SHARED");
  const fs::path folder = named ? fs::path(named) : source_folder().parent_path() / "shared";
  if (!fs::is_directory(folder / "data"))
    return std::nullopt;
  return folder;
}

std::optional<fs::path> smollm2_model() {
  const fs::path file = source_folder() / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf";
  if (!fs::exists(file))
    return std::nullopt;
  return file;
}

ScratchFolder::ScratchFolder() {
  std::string pattern = (fs::temp_directory_path() / "peakbench_test_XXXXXX").string();
  if (!mkdtemp(pattern.data()))
    throw std::runtime_error("mkdtemp failed for " + pattern);
  path_ = pattern;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void write_file(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace peakbench::testing
