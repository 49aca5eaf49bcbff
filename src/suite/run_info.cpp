#include "suite/run_info.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/build_info.h"
#include "base/clock_text.h"
#include "base/error.h"

namespace peakbench::suite {

namespace fs = std::filesystem;

results::RunInfo run_info(const Config& config, const Plan& plan, const std::string& command_line) {
  results::RunInfo info;
  info.name = config.name;
  info.created = utc_now();
  info.command_line = command_line;
  info.plan_hash = plan.hash;
  info.git_revision = git_revision();
  info.git_dirty = git_dirty();
  info.config_yaml = config.yaml;
  info.plan_json = plan.json();
  return info;
}

void make_folder_of(const std::string& path) {
  const fs::path folder = fs::path(path).parent_path();
  std::error_code problem;
  if (!folder.empty())
    fs::create_directories(folder, problem);
  if (problem)
    throw UserError(fmt::format("{}: the folder cannot be made", folder.string()),
                    problem.message(), "choose another place with --out");
}

} // namespace peakbench::suite
