// How the figures are measured (src/measure/README.md, tools/README.md), and every column's
// meaning.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "report/html_parts.h"
#include "report/html_text.h"
#include "results/fields.h"

namespace peakbench::report {

namespace {

constexpr const char* kTime =
    "A case is called once cold, then for warm-up, then repeated until the interval of its median "
    "is narrow enough, the greatest number of repeats is done or the time is up; the column "
    "stop_reason says which. Times are wall time, read after the device has finished; a case's "
    "figure is the median of its repeats. Its interval comes from order statistics and assumes no "
    "distribution; with fewer than six repeats it is [least, greatest] and covers the median with "
    "less than 95 %, and with one repeat there is none.";
constexpr const char* kMemory =
    "Peak memory is the allocator's high-water mark since the start of a case less what was live "
    "then: what a device must have, not what is left when somebody looks. On a CPU every tensor's "
    "storage is counted to the byte by an allocator of the suite's own; on a GPU by LibTorch's "
    "caching allocator, in blocks of 512 bytes. Each block has a tag, and the tags at the moment "
    "of "
    "the peak sum to the peak. CUDA's context, NCCL's buffers and libraries' own scratch space are "
    "outside of it: device_used_bytes and resident_peak_bytes show them. MB is 10\u2076 bytes.";
constexpr const char* kEab =
    "EAB figures in tables are medians over the prompts. A ratio is the median of the ratios "
    "prompt by prompt, over the prompts that both arms finished, so it can differ from the ratio "
    "of two medians of the same table.";
constexpr const char* kValidity =
    "VALID: the case ended ok and no check of it failed. INVALID: a check failed, and the row says "
    "which. A case that could not run is a row too, with its status and reason. \"-\" and empty "
    "cells were not measured: nothing is estimated.";

template <class Record>
void add_repeats(std::string& html, const char* kind, const std::vector<Record>& rows) {
  std::map<std::string, std::size_t> reasons;
  std::int64_t least = 0, most = 0;
  for (const Record& row : rows) {
    if (row.repeats < 0)
      continue;
    least = reasons.empty() ? row.repeats : std::min(least, row.repeats);
    most = std::max(most, row.repeats);
    ++reasons[row.stop_reason.empty() ? "unknown" : row.stop_reason];
  }
  if (reasons.empty())
    return;
  std::string ends;
  for (const auto& [reason, count] : reasons)
    ends += fmt::format("{}{} ({} cases)", ends.empty() ? "" : ", ", reason, count);
  html += paragraph(least == most ? fmt::format("{} here: {} repeat{} of each case, ended by {}.",
                                                kind, least, least == 1 ? "" : "s", ends)
                                  : fmt::format("{} here: {} to {} repeats of a case, ended by {}.",
                                                kind, least, most, ends));
}

template <class Record>
void add_columns(std::vector<HtmlBlock>& blocks, const char* kind, const char* title,
                 const std::vector<Record>& rows) {
  if (rows.empty())
    return;
  Table table;
  table.title = std::string(title) + ": what the columns mean";
  table.columns = {
      {"column", "", true}, {"unit", "", true}, {"is", "", true}, {"meaning", "", true}};
  for (const auto& field : results::fields<Record>())
    table.rows.push_back({std::string(field.name), field.unit == "1" ? "" : std::string(field.unit),
                          field.role == results::Role::independent ? "setting"
                          : field.role == results::Role::id        ? "id"
                                                                   : "measured",
                          results::description_of(field)});
  blocks.push_back({"columns-" + std::string(kind), table.title,
                    "<details><summary>" + escaped(table.title) + "</summary>\n" +
                        table_html(table, table.title) + "</details>\n"});
}

} // namespace

HtmlBlock method_block(const results::RunData& run) {
  std::string html = "<div class=\"prose\">\n" + paragraph(kTime);
  add_repeats(html, "EAB", run.eab);
  add_repeats(html, "EP", run.ep);
  add_repeats(html, "Collectives", run.comm);
  add_repeats(html, "Scaling", run.scaling);
  if (!run.eab.empty() || !run.ep.empty())
    html += paragraph(kMemory);
  if (!run.eab.empty())
    html += paragraph(kEab);
  html += paragraph(kValidity);
  return {"method", "How the figures are measured", html + "</div>\n"};
}

std::vector<HtmlBlock> column_blocks(const results::RunData& run) {
  std::vector<HtmlBlock> blocks;
  add_columns(blocks, "eab", "EAB", run.eab);
  add_columns(blocks, "ep", "EP", run.ep);
  add_columns(blocks, "comm", "Collectives", run.comm);
  add_columns(blocks, "scaling", "Scaling", run.scaling);
  return blocks;
}

} // namespace peakbench::report
