#include "suite/prompt_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <sstream>
#include <string_view>

#include "base/error.h"
#include "base/hash.h"
#include "suite/config.h"
#include "suite/csv.h"

namespace peakbench::suite {

namespace {

using Names = std::span<const std::string_view>;
constexpr std::array<std::string_view, 2> kTextNames{"prompt", "text"};
constexpr std::array<std::string_view, 2> kRatingNames{"rating", "human_ambiguity_score"};
constexpr std::array<std::string_view, 1> kIdNames{"id"}, kDomainNames{"domain"};
constexpr const char* kCsvLooksLike =
    R"(a prompt file in CSV looks like: prompt,rating / "What is the capital of France?",1.0)";
constexpr const char* kJsonLooksLike =
    R"(a line looks like {"id": "tides", "text": "Why are there tides?"})";

[[noreturn]] void refuse(const std::string& file, std::size_t line, const std::string& problem,
                         const std::string& why, const char* suggestion) {
  throw UserError(fmt::format("{}:{}: {}", file, line, problem), why, suggestion);
}

// All prompts of a file, each id once.
class Prompts {
public:
  Prompts(const std::string& file, const char* looks_like) : file_(file), looks_(looks_like) {}

  void add(Prompt prompt, std::size_t line) {
    const auto [first, fresh] = line_of_.emplace(prompt.id, line);
    if (!fresh)
      refuse(file_, line, fmt::format("the id \"{}\" is used twice", prompt.id),
             fmt::format("first in line {}", first->second), looks_);
    prompt.hash = hash_hex(prompt.text);
    prompts_.push_back(std::move(prompt));
  }
  std::vector<Prompt> all() && {
    if (prompts_.empty())
      throw UserError(fmt::format("{}: no prompts in it", file_), "", looks_);
    return std::move(prompts_);
  }

private:
  const std::string& file_;
  const char* looks_;
  std::vector<Prompt> prompts_;
  std::map<std::string, std::size_t> line_of_;
};

std::string text_member(const nlohmann::json& object, const char* key, bool needed,
                        const std::string& file, std::size_t line) {
  const auto found = object.find(key);
  if (found == object.end() && !needed)
    return "";
  if (found == object.end())
    refuse(file, line, fmt::format("no \"{}\"", key), "", kJsonLooksLike);
  if (!found->is_string())
    refuse(file, line, fmt::format("\"{}\" is not text", key), "", kJsonLooksLike);
  const auto text = found->get<std::string>();
  if (text.empty() && needed)
    refuse(file, line, fmt::format("\"{}\" is empty", key), "", kJsonLooksLike);
  return text;
}

std::vector<Prompt> read_jsonl(const std::string& file, const std::string& text) {
  Prompts prompts(file, kJsonLooksLike);
  std::istringstream lines(text);
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos)
      continue;
    nlohmann::json object;
    try {
      object = nlohmann::json::parse(line);
    } catch (const nlohmann::json::exception& error) {
      refuse(file, number, "not valid JSON", error.what(), kJsonLooksLike);
    }
    if (!object.is_object())
      refuse(file, number, "not a JSON object", "", kJsonLooksLike);
    Prompt prompt;
    prompt.id = text_member(object, "id", true, file, number);
    prompt.text = text_member(object, "text", true, file, number);
    prompt.domain = text_member(object, "domain", false, file, number);
    if (const auto rating = object.find("rating"); rating != object.end()) {
      if (!rating->is_number())
        refuse(file, number, "\"rating\" is not a number", "", kJsonLooksLike);
      prompt.rating = rating->get<double>();
    }
    prompts.add(std::move(prompt), number);
  }
  return std::move(prompts).all();
}

std::string lower(std::string text) {
  for (char& letter : text)
    letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return text;
}

std::string trimmed(const std::string& text) {
  constexpr const char* kBlank = " \t";
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string::npos)
    return "";
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

// Which column has one of the names.
std::optional<std::size_t> column_of(const CsvRow& header, Names names, const std::string& file) {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < header.cells.size(); ++i) {
    if (std::ranges::find(names, lower(trimmed(header.cells[i]))) == names.end())
      continue;
    if (found)
      refuse(file, header.line, fmt::format("two columns `{}`", fmt::join(names, "` or `")), "",
             kCsvLooksLike);
    found = i;
  }
  return found;
}

double rating_of(const std::string& cell, const std::string& file, std::size_t line) {
  const std::string text = trimmed(cell);
  double rating = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rating);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(rating))
    refuse(file, line, fmt::format("the rating `{}` is not a number", text), "", kCsvLooksLike);
  return rating;
}

void check_utf8(const CsvRow& row, const std::string& file) {
  try {
    static_cast<void>(nlohmann::json(row.cells).dump()); // which is strict about it
  } catch (const nlohmann::json::exception&) {
    refuse(file, row.line, "not valid UTF-8", "the file has another encoding", "save it as UTF-8");
  }
}

std::vector<Prompt> read_csv(const std::string& file, const std::string& text) {
  const std::vector<CsvRow> rows = parse_csv(text, file);
  Prompts prompts(file, kCsvLooksLike);
  if (rows.empty())
    return std::move(prompts).all();
  const CsvRow& header = rows.front();
  check_utf8(header, file);
  const auto text_at = column_of(header, kTextNames, file);
  const auto rating_at = column_of(header, kRatingNames, file);
  const auto id_at = column_of(header, kIdNames, file);
  const auto domain_at = column_of(header, kDomainNames, file);
  if (!text_at)
    refuse(file, header.line, "no column `prompt` or `text`",
           fmt::format("the header has {}", fmt::join(header.cells, ", ")), kCsvLooksLike);
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const CsvRow& row = rows[i];
    check_utf8(row, file);
    if (row.cells.size() != header.cells.size())
      refuse(file, row.line, fmt::format("{} cells", row.cells.size()),
             fmt::format("the header has {}", header.cells.size()),
             "put texts with commas into quotes");
    Prompt prompt;
    prompt.id = id_at ? trimmed(row.cells[*id_at]) : fmt::format("row-{}", i);
    prompt.text = row.cells[*text_at];
    if (prompt.id.empty() || prompt.text.empty())
      refuse(file, row.line, fmt::format("the {} is empty", prompt.id.empty() ? "id" : "prompt"),
             "", kCsvLooksLike);
    prompt.domain = domain_at ? row.cells[*domain_at] : "";
    if (rating_at)
      prompt.rating = rating_of(row.cells[*rating_at], file, row.line);
    prompts.add(std::move(prompt), row.line);
  }
  return std::move(prompts).all();
}

} // namespace

std::vector<Prompt> read_prompt_file(const std::string& file) {
  const bool is_csv = lower(std::filesystem::path(file).extension()) == ".csv";
  std::error_code ignored;
  if (is_csv && !std::filesystem::exists(file, ignored))
    throw UserError(fmt::format("{}: no such prompt file", file),
                    "ratings by people are not shipped: bring your own, or name another file with "
                    "--set eab.prompts=FILE",
                    kCsvLooksLike);
  const std::string text = read_text_file(file, "prompt file");
  return is_csv ? read_csv(file, text) : read_jsonl(file, text);
}

} // namespace peakbench::suite
