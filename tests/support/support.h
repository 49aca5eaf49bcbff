// What tests of every folder need: where the data is, scratch folders, and skips that name what is
// missing.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <string>

namespace peakbench::testing {

std::filesystem::path source_folder();
// PEAKBENCH_SHARED, or shared/ beside the checkout; CI and developers have it, users do not.
std::optional<std::filesystem::path> shared_folder();
// models/SmolLM2-135M-Instruct.Q4_1.gguf after set-up.
std::optional<std::filesystem::path> smollm2_model();

// A new empty folder, removed with the object.
class ScratchFolder {
public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

private:
  std::filesystem::path path_;
};

void write_file(const std::filesystem::path& path, const std::string& bytes);
std::string read_file(const std::filesystem::path& path);

} // namespace peakbench::testing

#define PEAKBENCH_NEEDS_SHARED(name)                                                               \
  const auto name##_optional = ::peakbench::testing::shared_folder();                              \
  if (!name##_optional)                                                                            \
    GTEST_SKIP() << "needs the shared data folder (PEAKBENCH_SHARED)";                             \
  const std::filesystem::path& name = *name##_optional

#define PEAKBENCH_NEEDS_SMOLLM2(name)                                                              \
  const auto name##_optional = ::peakbench::testing::smollm2_model();                              \
  if (!name##_optional)                                                                            \
    GTEST_SKIP() << "needs models/SmolLM2-135M-Instruct.Q4_1.gguf (tools/bootstrap.sh)";           \
  const std::filesystem::path& name = *name##_optional

// Under the address sanitizer a program needs far more memory, and ends otherwise when it crashes.
#if defined(__SANITIZE_ADDRESS__)
#define PEAKBENCH_NOT_UNDER_SANITIZERS(why) GTEST_SKIP() << "not under the sanitizers: " << (why)
#define PEAKBENCH_SLOWED_BY 10 // about: for limits of processor time
#else
#define PEAKBENCH_NOT_UNDER_SANITIZERS(why) static_cast<void>(0)
#define PEAKBENCH_SLOWED_BY 1
#endif
