// Tables whose cells are those of every other format.
#include <algorithm>

#include "report/html_parts.h"
#include "report/html_text.h"
#include "report/numbers.h"
#include "report/render.h"

namespace peakbench::report {

namespace {

constexpr std::size_t kMostDecimals = 9; // report.css has a class for each

// Digits behind the point of a plain number; none of anything else.
std::size_t decimals_of(const std::string& cell) {
  const std::size_t point = cell.find('.');
  if (point == cell.npos || cell.find_first_not_of("-0123456789.") != cell.npos)
    return 0;
  return cell.size() - point - 1;
}

// "cannot tell", "qwen2.5-3b": broken over lines they save no room worth having.
constexpr std::size_t kBriefColumns = 14;

bool is_number(const std::string& cell) {
  return !cell.empty() && cell.find_first_not_of("-0123456789.") == cell.npos;
}

std::size_t most_decimals(const Table& table, std::size_t column) {
  std::size_t most = 0;
  for (const auto& row : table.rows)
    most = std::max(most, decimals_of(row[column]));
  return std::min(most, kMostDecimals);
}

// Words that tell how something went; the word stays, the colour only helps to find it.
const char* class_of_word(const std::string& cell) {
  for (const char* word : {"PASS", "VALID", "ok"})
    if (cell == word)
      return "good";
  for (const char* word : {"FAIL", "failed", "out_of_memory", "timed_out", "diverged"})
    if (cell == word)
      return "bad";
  return cell.starts_with("INVALID") ? "bad" : "";
}

// Right-aligned numbers keep their points in line: short ones stand off the edge by what they lack.
std::string classes(const std::string& cell, const Column& column, std::size_t decimals) {
  std::string names = column.left ? "text" : "number";
  if (const std::string word = class_of_word(cell); !word.empty())
    names += " " + word;
  if (column.left && display_width(cell) <= kBriefColumns)
    names += " brief";
  if (cell == kNothing)
    names += " nothing";
  if (const std::size_t own = decimals_of(cell); !column.left && is_number(cell) && own < decimals)
    names += (own == 0 ? " whole" : " short") + std::to_string(decimals - own);
  return names;
}

std::string head(const Table& table) {
  std::string html = "<thead><tr>";
  for (const Column& column : table.columns)
    html +=
        std::string("<th scope=\"col\" class=\"") + (column.left ? "text" : "number") + "\">" +
        "<span class=\"title\">" + escaped_line(column.title) + "</span>" +
        (column.unit.empty() ? ""
                             : " <span class=\"unit\">" + escaped_line(column.unit) + "</span>") +
        "</th>";
  return html + "</tr></thead>\n";
}

std::string validity_html(const std::string& validity) {
  const std::size_t at = verdict_word(validity);
  const bool known = at != validity.npos, invalid = known && validity[at] == 'I';
  const std::string before = known ? validity.substr(0, at) : validity;
  const std::string word = invalid ? "INVALID" : known ? "VALID" : "";
  return "<p class=\"validity " +
         std::string(!known    ? ""
                     : invalid ? "bad"
                               : "good") +
         "\">" + escaped_line(before) + (known ? "<strong>" + word + "</strong>" : "") +
         escaped_line(validity.substr(before.size() + word.size())) + "</p>\n";
}

} // namespace

std::size_t verdict_word(const std::string& validity) {
  if (validity.starts_with("VALID") || validity.starts_with("INVALID"))
    return 0;
  for (const char* word : {": INVALID", ": VALID"})
    if (const std::size_t at = validity.find(word); at != validity.npos)
      return at + 2;
  return validity.npos;
}

std::string table_html(const Table& table, const std::string& name) {
  std::vector<std::size_t> decimals;
  for (std::size_t column = 0; column < table.columns.size(); ++column)
    decimals.push_back(most_decimals(table, column));
  std::string html = "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"" +
                     escaped_line(name) + "\">\n<table class=\"data\">\n" + head(table) +
                     "<tbody>\n";
  for (const auto& row : table.rows) {
    html += "<tr>";
    for (std::size_t column = 0; column < row.size(); ++column) {
      const bool names_row = column == 0 && table.columns[column].left;
      html += (names_row ? "<th scope=\"row\" class=\"" : "<td class=\"") +
              classes(row[column], table.columns[column], decimals[column]) + "\">" +
              escaped_line(row[column]) + (names_row ? "</th>" : "</td>");
    }
    html += "</tr>\n";
  }
  return html + "</tbody>\n</table>\n</div>\n";
}

HtmlBlock table_block(const Table& table, const std::string& id) {
  std::string html;
  if (!table.validity.empty())
    html += validity_html(table.validity);
  html += table_html(table, table.title);
  for (const std::string& note : table.notes)
    html += "<p class=\"note\">" + escaped_line(note) + "</p>\n";
  return {id, table.title, html};
}

} // namespace peakbench::report
