// Every case with every column, embedded as JSON, column by column: what is the same in all rows
// stands once, texts are numbered.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "report/html_parts.h"
#include "report/html_text.h"
#include "results/fields.h"

namespace peakbench::report {

namespace {

using results::Value;

std::string json_text(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// Absent: null. Integers that a browser's numbers cannot hold, and infinities, are texts.
std::string json_of(const Value& value) {
  constexpr std::int64_t kExact = std::int64_t{1} << 53;
  if (results::is_absent(value))
    return "null";
  const std::string text = results::text_of(value);
  if (std::holds_alternative<std::string>(value))
    return json_text(text);
  const auto* integer = std::get_if<std::int64_t>(&value);
  const bool plain =
      integer ? *integer >= -kExact && *integer <= kExact : std::isfinite(std::get<double>(value));
  return plain ? text : '"' + text + '"';
}

std::string numbered(const std::vector<Value>& values) {
  std::map<std::string, std::size_t> numbers;
  std::string texts, codes;
  for (const Value& value : values) {
    const std::string text = json_of(value);
    const auto [known, fresh] = numbers.emplace(text, numbers.size());
    if (fresh)
      texts += (texts.empty() ? "" : ",") + text;
    codes += (codes.empty() ? "" : ",") + std::to_string(known->second);
  }
  return "\"texts\":[" + texts + "],\"codes\":[" + codes + "]";
}

std::string listed(const std::vector<Value>& values) {
  std::string list;
  for (const Value& value : values)
    list += (list.empty() ? "" : ",") + json_of(value);
  return "\"values\":[" + list + "]";
}

bool all_equal(const std::vector<Value>& values) {
  return std::ranges::all_of(values, [&](const Value& value) {
    return value == values.front() ||
           (results::is_absent(value) && results::is_absent(values.front()));
  });
}

// Columns that are shown before a reader chooses others, beside the settings that vary.
constexpr std::array<std::string_view, 26> kShown{"prompt_id",
                                                  "arm",
                                                  "decode",
                                                  "depth",
                                                  "operation",
                                                  "backend",
                                                  "message_bytes",
                                                  "mode",
                                                  "share",
                                                  "ranks",
                                                  "status",
                                                  "validity",
                                                  "prompt_tokens",
                                                  "samples",
                                                  "wall_seconds",
                                                  "repeats",
                                                  "step_seconds",
                                                  "peak_bytes",
                                                  "seconds",
                                                  "kv_physical_bytes",
                                                  "reach",
                                                  "bus_bandwidth",
                                                  "cases_per_second",
                                                  "gradient_error",
                                                  "peak_beyond_weights_bytes",
                                                  "tree_matches_reference"};

template <class Record>
bool is_shown(const results::Field<Record>& field, const std::vector<Value>& values, bool varies) {
  if (results::is_absent(values.front()) && !varies)
    return false;
  const bool setting = field.role == results::Role::independent && varies;
  return (setting && !field.name.ends_with("_hash")) ||
         std::ranges::find(kShown, field.name) != kShown.end();
}

template <class Record>
std::string column_json(const results::Field<Record>& field, const std::vector<Record>& rows) {
  constexpr const char* kTypes[] = {"integer", "real", "text"};
  std::vector<Value> values;
  for (std::size_t row = 0; row < std::min(rows.size(), kMostHtmlRows); ++row)
    values.push_back(results::value_of(field, rows[row]));
  const bool same = all_equal(values);
  return fmt::format(
      R"({{"name":{},"unit":{},"description":{},"type":"{}","setting":{},"shown":{},{}}})",
      json_text(std::string(field.name)), json_text(std::string(field.unit)),
      json_text(results::description_of(field)), kTypes[field.get.index()],
      field.role == results::Role::independent, is_shown(field, values, !same),
      same                     ? "\"same\":" + json_of(values.front())
      : field.get.index() == 2 ? numbered(values)
                               : listed(values));
}

template <class Record>
void add(std::vector<HtmlBlock>& blocks, const char* kind, const char* title,
         const std::vector<Record>& rows) {
  if (rows.empty())
    return;
  std::string columns;
  for (const auto& field : results::fields<Record>())
    columns += (columns.empty() ? "" : ",\n") + column_json(field, rows);
  const std::size_t held = std::min(rows.size(), kMostHtmlRows);
  const std::string id = "cases-" + std::string(kind);
  std::string html;
  if (held < rows.size())
    html +=
        paragraph(fmt::format("This page holds the first {} of {} cases; "
                              "peakbench-aggregate FILE... --rows {} --csv FILE.csv writes all.",
                              held, rows.size(), kind),
                  "note doubtful");
  html += "<div class=\"cases\" data-kind=\"" + std::string(kind) +
          "\"><p class=\"note\">This table needs JavaScript; the others do not.</p></div>\n"
          "<script type=\"application/json\" id=\"" +
          id + "-data\">" +
          script_json(fmt::format("{{\"rows\":{},\"columns\":[\n{}]}}", held, columns)) +
          "</script>\n";
  blocks.push_back({id, title, html});
}

} // namespace

std::vector<HtmlBlock> case_blocks(const results::RunData& run) {
  std::vector<HtmlBlock> blocks;
  add(blocks, "eab", "EAB: all cases, all columns", run.eab);
  add(blocks, "ep", "EP: all cases, all columns", run.ep);
  add(blocks, "comm", "Collectives: all cases, all columns", run.comm);
  add(blocks, "scaling", "Scaling: all cases, all columns", run.scaling);
  return blocks;
}

} // namespace peakbench::report
