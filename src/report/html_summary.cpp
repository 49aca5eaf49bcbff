// What a reader sees first: does it hold, and what came out.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "report/html_parts.h"
#include "report/html_text.h"
#include "report/numbers.h"

namespace peakbench::report {

namespace {

struct Counts {
  std::size_t all = 0, ok = 0, valid = 0, invalid = 0;
};

template <class Record>
void add(Counts& counts, const std::vector<Record>& rows) {
  for (const Record& row : rows) {
    ++counts.all;
    counts.ok += row.status == "ok";
    counts.valid += row.validity.starts_with("VALID");
    counts.invalid += row.validity.starts_with("INVALID");
  }
}

Counts counts_of(const results::RunData& run) {
  Counts counts;
  add(counts, run.eab);
  add(counts, run.ep);
  add(counts, run.comm);
  add(counts, run.scaling);
  return counts;
}

std::size_t invalid_tables(const std::vector<Table>& tables) {
  return static_cast<std::size_t>(std::ranges::count_if(tables, [](const Table& table) {
    const std::size_t at = verdict_word(table.validity);
    return at != std::string::npos && table.validity[at] == 'I';
  }));
}

const char* cases_word(std::size_t count) { return count == 1 ? "case" : "cases"; }

// A figure of a table, as it stands there: of the row that has certain cells; of several such rows
// (other settings) the first and the last, or the greatest.
struct Wanted {
  const char* table; // its title begins so
  const char* first; // the row has these cells, in whatever columns; nullptr: any
  const char* second;
  const char* column;
  const char* label;
  bool greatest = false;
};

constexpr Wanted kWanted[] = {
    {"EAB: naive, original", "cow", "batched", "speed-up vs naive",
     "cow, batched: speed-up vs naive"},
    {"EAB: naive, original", "cow", "batched", "saving vs original",
     "cow, batched: peak memory saved vs original"},
    {"EP: peak memory beyond", "ep_fused", nullptr, "saving vs backprop",
     "ep_fused: peak memory saved vs back-propagation"},
    {"EP: time of one", "ep_fused", nullptr, "speed-up vs ep_autograd",
     "ep_fused: speed-up vs ep_autograd"},
    // Its honest control: what trains the same layers.
    {"EP: time of one", "ep_fused", nullptr, "time vs truncated backprop",
     "ep_fused: time vs truncated_backprop"},
    {"EP: peak memory beyond", "ep_fused", nullptr, "slope", "ep_fused: memory per layer"},
    {"Collectives", nullptr, nullptr, "bus bandwidth", "collectives: greatest bus bandwidth", true},
    {"Scaling", nullptr, nullptr, "speed-up", "scaling: greatest speed-up over ranks", true},
};

bool has_cell(const std::vector<std::string>& row, const char* text) {
  return text == nullptr || std::ranges::find(row, text) != row.end();
}

struct Found {
  std::vector<std::string> cells;
  std::string unit;
  std::string besides; // of a single row: on how much the figure rests, and where it holds
};

// "n 5, at depth 500, reach there 30 layers": a ratio alone does not tell.
std::string besides(const Table& table, const std::vector<std::string>& row) {
  constexpr const char* kTold[] = {"n", "at depth", "reach there"};
  std::string text;
  for (std::size_t i = 0; i < row.size(); ++i)
    if (std::ranges::find(kTold, table.columns[i].title) != std::end(kTold) && row[i] != kNothing)
      text += (text.empty() ? "" : ", ") + table.columns[i].title + " " + row[i] +
              (table.columns[i].unit.empty() ? "" : " " + table.columns[i].unit);
  return text;
}

double figure(const std::string& cell) { return std::strtod(cell.c_str(), nullptr); }

Found find(const Wanted& wanted, const std::vector<Table>& tables) {
  Found found;
  for (const Table& table : tables) {
    const auto column = std::ranges::find(table.columns, wanted.column, &Column::title);
    if (!table.title.starts_with(wanted.table) || column == table.columns.end())
      continue;
    found.unit = column->unit;
    for (const auto& row : table.rows)
      if (const std::string& cell = row[column - table.columns.begin()];
          has_cell(row, wanted.first) && has_cell(row, wanted.second) && cell != kNothing) {
        found.besides = found.cells.empty() ? besides(table, row) : "";
        found.cells.push_back(cell);
      }
    if (!found.cells.empty())
      break;
  }
  if (wanted.greatest && !found.cells.empty())
    found.cells = {*std::ranges::max_element(found.cells, {}, figure)};
  return found;
}

std::string tile(const std::string& value, const std::string& unit, const std::string& label,
                 const std::string& small = "") {
  return "<div class=\"tile\"><dt>" + escaped_line(label) +
         (small.empty() ? "" : "<br><small>" + escaped_line(small) + "</small>") + "</dt><dd><b>" +
         escaped_line(value) + "</b>" +
         (unit.empty() ? "" : " <span class=\"unit\">" + escaped_line(unit) + "</span>") +
         "</dd></div>\n";
}

// The verdicts of the success criteria, counted.
std::string criteria_tiles(const std::vector<Table>& tables) {
  std::string tiles;
  for (const Table& table : tables) {
    const auto column = std::ranges::find(table.columns, "verdict", &Column::title);
    if (column == table.columns.end())
      continue;
    std::size_t passed = 0, failed = 0;
    for (const auto& row : table.rows) {
      passed += row[column - table.columns.begin()] == "PASS";
      failed += row[column - table.columns.begin()] == "FAIL";
    }
    if (passed + failed > 0)
      tiles += tile(fmt::format("{} of {}", passed, passed + failed), "",
                    table.title + " that were tested: passed");
  }
  return tiles;
}

} // namespace

std::string verdict_html(const results::RunData& run, const std::vector<Table>& tables) {
  const Counts counts = counts_of(run);
  const std::size_t bad_tables = invalid_tables(tables), unfinished = counts.all - counts.ok;
  const bool invalid = counts.invalid > 0 || bad_tables > 0;
  const bool whole = unfinished == 0 && counts.valid == counts.all && counts.all > 0;
  const char* word = invalid ? "INVALID" : whole ? "VALID" : counts.all ? "INCOMPLETE" : "EMPTY";
  std::string text = fmt::format("{} {}: {} finished ok, {} VALID", counts.all,
                                 cases_word(counts.all), counts.ok, counts.valid);
  if (counts.invalid > 0)
    text += fmt::format(", {} INVALID", counts.invalid);
  if (unfinished > 0)
    text += fmt::format(", {} not ok", unfinished);
  text += ".";
  const auto chosen = [](const Table& table) {
    return table.validity.find(", a selection") != std::string::npos;
  };
  if (std::ranges::any_of(tables, chosen))
    text += " They are a selection: others were left out (Rows chosen).";
  if (bad_tables > 0)
    text += fmt::format(" {} of the tables below: INVALID.", bad_tables);
  return fmt::format("<p class=\"verdict {}\" id=\"verdict\"><strong>{}</strong> {}</p>\n",
                     invalid ? "bad"
                     : whole ? "good"
                             : "doubtful",
                     word, escaped(text));
}

std::string headlines_html(const std::vector<Table>& tables) {
  std::string tiles;
  for (const Wanted& wanted : kWanted)
    if (const Found found = find(wanted, tables); !found.cells.empty()) {
      const bool several = found.cells.size() > 1;
      const std::string value =
          several ? found.cells.front() + " \u2026 " + found.cells.back() : found.cells.front();
      tiles += tile(value, found.unit,
                    wanted.label + std::string(several ? ", first and last setting" : ""),
                    wanted.greatest ? "" : found.besides);
    }
  tiles += criteria_tiles(tables);
  return tiles.empty() ? "" : "<dl class=\"tiles\">\n" + tiles + "</dl>\n";
}

} // namespace peakbench::report
