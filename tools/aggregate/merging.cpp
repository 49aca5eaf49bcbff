#include "aggregate/merging.h"

#include <ctime>
#include <iostream>

#include "results/merge.h"

namespace peakbench::aggregate {

namespace {

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

} // namespace

void merge_into_file(const Options& options, const std::string& command_line) {
  const auto summary =
      results::merge_files(options.files, options.to, {now_text(), command_line}, options.force);
  for (const auto& duplicate : summary.duplicates) {
    std::string files;
    for (const std::string& file : duplicate.files)
      files += (files.empty() ? "" : ", ") + file;
    std::cerr << "warning: " << duplicate.kind << " case " << duplicate.case_id
              << " has different rows in several files, and all are kept: " << files << '\n';
  }
  std::cerr << "merged " << options.files.size() << " files into " << options.to << ": "
            << summary.cases << " cases";
  if (summary.repeated > 0)
    std::cerr << ", " << summary.repeated << " named twice and kept once";
  if (!summary.duplicates.empty())
    std::cerr << ", " << summary.duplicates.size() << " with different rows";
  if (summary.plans > 1)
    std::cerr << ", of " << summary.plans << " plans";
  std::cerr << '\n';
}

} // namespace peakbench::aggregate
