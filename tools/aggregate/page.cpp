#include "aggregate/page.h"

#include <ctime>

#include "report/file_plots.h"

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

PageParts page_parts(const Options& options, const std::vector<results::RunData>& runs) {
  PageParts parts;
  if (options.html.empty())
    return parts;
  for (const results::RunData& run : runs)
    parts.files.push_back({run.path, run.info});
  parts.plots = report::plots_of(runs, options.plot_case);
  return parts;
}

Output page_of(const Options& options, const PageParts& parts, const results::RunData& run,
               const std::vector<report::Table>& tables, const std::string& command_line) {
  return {options.html, report::html_report({.run = run,
                                             .files = parts.files,
                                             .tables = tables,
                                             .plots = parts.plots,
                                             .command_line = command_line,
                                             .made = now_text()})};
}

std::string shell_word(const std::string& word) {
  constexpr const char* kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                 "_-+=./:,@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == word.npos)
    return word;
  std::string quoted = "'";
  for (const char character : word)
    quoted += character == '\'' ? std::string("'\\''") : std::string(1, character);
  return quoted + "'";
}

} // namespace peakbench::aggregate
