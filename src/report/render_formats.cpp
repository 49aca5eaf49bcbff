// CSV, JSON and Markdown of the same cells that the text shows, so that all say the same.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "report/numbers.h"
#include "report/render.h"
#include "results/text.h"

namespace peakbench::report {

namespace {

std::string heading(const Column& column) {
  return column.unit.empty() ? column.title : column.title + " [" + column.unit + "]";
}

std::string csv_line(const std::vector<std::string>& cells) {
  std::string line;
  for (std::size_t index = 0; index < cells.size(); ++index)
    line += (index ? "," : "") + csv_cell(cells[index]);
  return line + "\n";
}

std::vector<std::string> headings(const Table& table) {
  std::vector<std::string> titles;
  for (const Column& column : table.columns)
    titles.push_back(heading(column));
  return titles;
}

// Numbers as they are written, "-" as null, texts as texts (an id may look like a number).
nlohmann::ordered_json json_cell(const std::string& cell, const Column& column) {
  if (cell == kNothing)
    return nullptr;
  if (!column.left) {
    if (cell == "inf" || cell == "-inf") // as rows_json(): JSON has no word for it
      return cell == "inf" ? "Infinity" : "-Infinity";
    auto value = nlohmann::ordered_json::parse(cell, nullptr, false);
    if (value.is_number())
      return value;
  }
  return cell;
}

std::string markdown_cell(const std::string& text) {
  std::string escaped;
  for (const char character : on_one_line(text)) {
    if (character == '|' || character == '\\')
      escaped += '\\';
    escaped += character;
  }
  return escaped;
}

} // namespace

std::string on_one_line(const std::string& text) {
  std::string line = results::storable_text(text);
  for (char& character : line)
    if (static_cast<unsigned char>(character) < 0x20 || character == 0x7F)
      character = ' ';
  return line;
}

std::string csv_cell(const std::string& any) {
  const std::string text = results::storable_text(any);
  if (text.find_first_of(",\"\r\n") == text.npos)
    return text;
  std::string quoted = "\"";
  for (const char character : text)
    quoted += character == '"' ? std::string("\"\"") : std::string(1, character);
  return quoted + "\"";
}

// One block per table: its title (and its validity), its headings, its rows; a blank line between.
std::string render_csv(const std::vector<Table>& tables) {
  std::string text;
  for (const Table& table : tables) {
    if (!text.empty())
      text += "\n";
    text += table.validity.empty() ? csv_line({table.title})
                                   : csv_line({table.title, on_one_line(table.validity)});
    text += csv_line(headings(table));
    for (const auto& row : table.rows)
      text += csv_line(row);
  }
  return text;
}

std::string render_json(const std::vector<Table>& tables) {
  auto list = nlohmann::ordered_json::array();
  for (const Table& table : tables) {
    auto columns = nlohmann::ordered_json::array(), rows = nlohmann::ordered_json::array();
    for (const Column& column : table.columns)
      columns.push_back({{"title", column.title}, {"unit", column.unit}});
    for (const auto& row : table.rows) {
      auto cells = nlohmann::ordered_json::array();
      for (std::size_t index = 0; index < row.size(); ++index)
        cells.push_back(json_cell(row[index], table.columns[index]));
      rows.push_back(cells);
    }
    list.push_back({{"title", table.title},
                    {"validity", table.validity},
                    {"columns", columns},
                    {"rows", rows},
                    {"notes", table.notes}});
  }
  const nlohmann::ordered_json json{{"tables", list}};
  return json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string render_markdown(const std::vector<Table>& tables) {
  std::string text;
  for (const Table& table : tables) {
    text += (text.empty() ? "### " : "\n### ") + on_one_line(table.title) + "\n\n|";
    for (const std::string& title : headings(table))
      text += " " + markdown_cell(title) + " |";
    text += "\n|";
    for (const Column& column : table.columns)
      text += column.left ? " --- |" : " ---: |";
    text += "\n";
    for (const auto& row : table.rows) {
      text += "|";
      for (const std::string& cell : row)
        text += " " + markdown_cell(cell) + " |";
      text += "\n";
    }
    if (!table.validity.empty())
      text += "\n**" + markdown_cell(table.validity) + "**\n";
    for (const std::string& note : table.notes)
      text += "\n" + markdown_cell(note) + "\n";
  }
  return text;
}

std::string render(const std::vector<Table>& tables, Format format) {
  switch (format) {
  case Format::csv:
    return render_csv(tables);
  case Format::json:
    return render_json(tables);
  case Format::markdown:
    return render_markdown(tables);
  case Format::text:
    break;
  }
  return render_text(tables);
}

} // namespace peakbench::report
