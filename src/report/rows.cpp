// All rows with all columns, in full precision, through the field lists.
#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "report/kinds.h"
#include "report/render.h"
#include "report/report.h"
#include "results/fields.h"

namespace peakbench::report {

namespace {

using Json = nlohmann::ordered_json;

template <class Record>
std::string csv_of(const std::vector<Record>& records) {
  std::string text;
  for (const auto& field : results::fields<Record>())
    text += (text.empty() ? "" : ",") + std::string(field.name);
  text += "\n";
  for (const Record& record : records) {
    bool first = true;
    for (const auto& field : results::fields<Record>()) {
      if (!first)
        text += ",";
      text += csv_cell(results::text_of(results::value_of(field, record)));
      first = false;
    }
    text += "\n";
  }
  return text;
}

Json json_of(const results::Value& value) {
  if (const auto* text = std::get_if<std::string>(&value))
    return *text;
  if (results::is_absent(value))
    return nullptr;
  if (const auto* integer = std::get_if<std::int64_t>(&value))
    return *integer;
  const double real = std::get<double>(value);
  if (std::isinf(real))
    return real > 0 ? "Infinity" : "-Infinity"; // JSON has no word for it
  return real;
}

template <class Record>
Json json_of(const std::vector<Record>& records) {
  Json list = Json::array();
  for (const Record& record : records) {
    Json row = Json::object();
    for (const auto& field : results::fields<Record>())
      row[std::string(field.name)] = json_of(results::value_of(field, record));
    list.push_back(std::move(row));
  }
  return list;
}

template <class Record>
Json columns_of() {
  Json list = Json::object();
  for (const auto& field : results::fields<Record>())
    list[std::string(field.name)] = {{"unit", field.unit},
                                     {"description", results::description_of(field)}};
  return list;
}

} // namespace

std::string rows_csv(const results::RunData& run, const std::string& kind) {
  std::string text;
  if (!visit_rows(run, kind, [&](const auto& rows) { text = csv_of(rows); }))
    kind_named(kind); // says which there are
  return text;
}

std::string rows_json(const results::RunData& run) {
  Json json{{"schema_version", results::kSchemaVersion},
            {"file", run.path},
            {"name", run.info.name},
            {"created", run.info.created},
            {"command_line", run.info.command_line},
            {"plan_hash", run.info.plan_hash},
            {"peakbench_version", run.info.peakbench_version},
            {"git_revision", run.info.git_revision},
            {"git_dirty", run.info.git_dirty}};
  Json columns = Json::object(), rows = Json::object();
  for_each_kind([&]<class Record>(const Kind& kind, std::vector<Record> results::RunData::*member) {
    std::string key(kind.name);
    std::ranges::replace(key, '-', '_');
    columns[key] = columns_of<Record>();
    rows[key] = json_of(run.*member);
  });
  json["columns"] = std::move(columns);
  json.update(rows);
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace peakbench::report
