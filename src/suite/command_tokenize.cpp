#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "llm/tokenizer.h"
#include "suite/commands.h"
#include "suite/config.h"

namespace peakbench::suite {

namespace {

using Json = nlohmann::json;

bool is_id_list(const Json& value) {
  return value.is_array() && std::all_of(value.begin(), value.end(),
                                         [](const Json& one) { return one.is_number_integer(); });
}

void print_ids(const std::vector<std::int32_t>& ids) { std::cout << Json(ids).dump() << '\n'; }

void print_text(const llm::Tokenizer& tokenizer, const std::vector<std::int32_t>& ids) {
  for (const std::int32_t id : ids)
    if (id < 0 || id >= tokenizer.vocabulary())
      throw UserError(fmt::format("no token has the id {}", id),
                      fmt::format("the vocabulary has {}", tokenizer.vocabulary()), "");
  std::cout
      << Json(tokenizer.decode(ids, true)).dump(-1, ' ', false, Json::error_handler_t::replace)
      << '\n';
}

void handle(const llm::Tokenizer& tokenizer, const std::string& text, bool decode) {
  if (!decode)
    return print_ids(tokenizer.encode(text));
  const Json ids = Json::parse(text, nullptr, false);
  print_text(tokenizer,
             is_id_list(ids) ? ids.get<std::vector<std::int32_t>>() : tokenizer.encode(text));
}

void handle_lines(const llm::Tokenizer& tokenizer, const std::string& file, bool decode) {
  std::istringstream lines(read_text_file(file, "jsonl file"));
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.empty())
      continue;
    const Json object = Json::parse(line, nullptr, false);
    if (decode && object.is_object() && object.contains("ids") && is_id_list(object["ids"])) {
      print_text(tokenizer, object["ids"].get<std::vector<std::int32_t>>());
      continue;
    }
    if (!object.is_object() || !object.contains("text") || !object["text"].is_string())
      throw UserError(fmt::format("{}:{}: not an object with a text", file, number), "",
                      R"(a line looks like {"text": "Why are there tides?"})");
    const std::vector<std::int32_t> ids = tokenizer.encode(object["text"].get<std::string>());
    decode ? print_text(tokenizer, ids) : print_ids(ids);
  }
}

} // namespace

int tokenize_command(const TokenizeOptions& options) {
  const std::unique_ptr<llm::Tokenizer> tokenizer = llm::open_tokenizer(options.file);
  if (options.jsonl) {
    handle_lines(*tokenizer, *options.jsonl, options.decode);
  } else {
    const std::string text =
        options.text ? *options.text : std::string(std::istreambuf_iterator<char>(std::cin), {});
    handle(*tokenizer, text, options.decode);
  }
  std::cout.flush();
  return kExitOk;
}

} // namespace peakbench::suite
