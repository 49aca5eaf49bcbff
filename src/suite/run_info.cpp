#include "suite/run_info.h"

#include <fmt/format.h>

#include <ctime>
#include <filesystem>

#include "base/build_info.h"
#include "base/error.h"

namespace peakbench::suite {

namespace fs = std::filesystem;

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

results::RunInfo run_info(const Config& config, const Plan& plan, const std::string& command_line) {
  results::RunInfo info;
  info.name = config.name;
  info.created = now_text();
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
