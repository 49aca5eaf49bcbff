// Where the figures come from: machines, files, configuration.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "report/html_parts.h"
#include "report/html_text.h"
#include "results/drift.h"
#include "results/fields.h"

namespace peakbench::report {

namespace {

constexpr std::size_t kMostRows = 200;

struct Item {
  std::string name, text;
};

// Texts of several lines keep them.
std::string list_html(const std::vector<Item>& items) {
  std::string html = "<dl class=\"facts\">\n";
  for (const Item& item : items)
    if (!item.text.empty())
      html += "<div><dt>" + escaped_line(item.name) + "</dt><dd>" + escaped(item.text) +
              "</dd></div>\n";
  return html + "</dl>\n";
}

template <class Record>
std::string named(const results::Field<Record>& field) {
  return std::string(field.name) +
         (field.unit.empty() || field.unit == "1" ? "" : " [" + std::string(field.unit) + "]");
}

// What all rows have in common as a list, and the rest as a table.
template <class Record>
std::string rows_html(const std::vector<Record>& rows, const std::string& title,
                      const std::string& number_title) {
  std::vector<Item> common;
  Table table;
  table.title = title;
  table.columns = {{number_title, ""}};
  std::vector<const results::Field<Record>*> differ;
  for (const auto& field : results::fields<Record>()) {
    const auto text = [&](const Record& row) { return results::text_of(value_of(field, row)); };
    if (std::ranges::all_of(rows, [&](const Record& row) { return text(row) == text(rows[0]); })) {
      common.push_back({named(field), text(rows[0])});
      continue;
    }
    differ.push_back(&field);
    table.columns.push_back({named(field), "", field.get.index() == 2});
  }
  for (std::size_t row = 0; row < std::min(rows.size(), kMostRows); ++row) {
    table.rows.push_back({std::to_string(row)});
    for (const auto* field : differ) {
      const std::string text = results::text_of(value_of(*field, rows[row]));
      table.rows.back().push_back(text.empty() ? "-" : text);
    }
  }
  std::string html = list_html(common);
  if (!differ.empty())
    html += table_html(table, title);
  if (rows.size() > kMostRows)
    html += paragraph(fmt::format("The first {} of {} rows.", kMostRows, rows.size()), "note");
  return html;
}

std::string revision(const results::RunInfo& info) {
  return info.git_revision.empty() ? ""
                                   : info.git_revision + (info.git_dirty ? ", with uncommitted "
                                                                           "changes"
                                                                         : "");
}

} // namespace

HtmlBlock environment_block(const results::RunData& run) {
  std::string html;
  if (run.environment.empty())
    html = paragraph("The files name no environment.");
  else
    html = paragraph(run.environment.size() == 1
                         ? "One rank. What the file knows of the machine it ran on:"
                         : fmt::format("{} rows, one for each rank of each machine or launch that "
                                       "differed. What they have in common:",
                                       run.environment.size())) +
           rows_html(run.environment, "What differs between ranks", "row");
  if (const auto drifts = results::drift_among(run.environment); !drifts.empty())
    html += paragraph(
        "Drift: these rows differ in what can change a figure: " + results::text_of(drifts) + ".",
        "note doubtful");
  else if (run.environment.size() > 1)
    html += paragraph("No drift: devices, drivers, libraries, threads and versions are the same in "
                      "all rows.",
                      "note");
  return {"environment", "Environment", html};
}

HtmlBlock files_block(const HtmlInput& input) {
  std::string html;
  for (std::size_t index = 0; index < std::min(input.files.size(), kMostRows); ++index) {
    const auto& [path, info] = input.files[index];
    html += list_html({{"file", path},
                       {"configuration", info.name},
                       {"created", info.created},
                       {"command", info.command_line},
                       {"git revision", revision(info)},
                       {"plan", info.plan_hash}});
  }
  if (input.files.size() > kMostRows)
    html +=
        paragraph(fmt::format("The first {} of {} files.", kMostRows, input.files.size()), "note");
  if (!input.run.sources.empty())
    html +=
        "<h4>Merged from</h4>\n" + rows_html(input.run.sources, "Files that were merged", "source");
  html +=
      "<h4>This page again</h4>\n<pre tabindex=\"0\">" + escaped(input.command_line) + "</pre>\n";
  return {"files", "Files and commands", html};
}

HtmlBlock configuration_block(const HtmlInput& input) {
  std::string html;
  std::set<std::string> shown;
  for (const auto& [path, info] : input.files)
    if (!info.config_yaml.empty() && shown.insert(info.config_yaml).second)
      html += "<details><summary>" + escaped_line(info.name.empty() ? path : info.name) +
              ", as read</summary>\n<pre tabindex=\"0\">" + escaped(info.config_yaml) +
              "</pre></details>\n";
  if (html.empty())
    html = paragraph("The files hold no configuration.");
  return {"configuration", "Configuration", html};
}

} // namespace peakbench::report
