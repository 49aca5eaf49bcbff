#include "aggregate/page.h"

#include "base/clock_text.h"
#include "report/file_plots.h"

namespace peakbench::aggregate {

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
                                             .made = utc_now()})};
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
