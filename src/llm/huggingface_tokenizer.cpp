// tokenizer.json and the files beside it.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "llm/bpe_tokenizer.h"
#include "llm/huggingface.h"
#include "llm/huggingface_json.h"
#include "llm/huggingface_pipeline.h"
#include "llm/mapped_file.h"
#include "llm/sentencepiece_tokenizer.h"
#include "llm/tokenizer_utf8.h"

namespace peakbench::llm {

namespace {

using Json = JsonFile::Json;
constexpr std::int64_t kLargestId = 1 << 24;
// Ids may have gaps, but a few tokens must not ask for the memory of millions.
constexpr std::size_t kIdsPerToken = 16, kIdsAtLeast = 1 << 16;
constexpr std::string_view kFileName = "tokenizer.json";

std::int32_t checked_id(const JsonFile& file, std::int64_t id, std::size_t tokens) {
  const auto limit = static_cast<std::int64_t>(kIdsAtLeast + kIdsPerToken * tokens);
  if (id < 0 || id >= std::min(kLargestId, limit))
    file.fail(fmt::format("token id {} is out of range", id), fmt::format("of {} tokens", tokens));
  return static_cast<std::int32_t>(id);
}

void put(std::vector<TokenEntry>& tokens, std::int32_t id, TokenEntry entry) {
  const auto index = static_cast<std::size_t>(id);
  if (tokens.size() <= index)
    tokens.resize(index + 1);
  tokens[index] = std::move(entry);
}

void read_vocabulary(const JsonFile& file, const Json& model, std::vector<TokenEntry>& tokens) {
  const Json* vocabulary = file.find(model, "vocab");
  if (!vocabulary || !vocabulary->is_object() || vocabulary->empty())
    file.fail("'model.vocab' is missing or empty");
  for (const auto& [text, id] : vocabulary->items()) {
    if (!id.is_number_integer())
      file.fail(fmt::format("token '{}' has no integer id", text));
    const std::int32_t checked = checked_id(file, id.get<std::int64_t>(), vocabulary->size());
    if (static_cast<std::size_t>(checked) < tokens.size() &&
        tokens[static_cast<std::size_t>(checked)].kind != TokenKind::unused)
      file.fail(fmt::format("two tokens have id {}", checked));
    put(tokens, checked, {text, TokenKind::normal});
  }
}

void read_added(const JsonFile& file, TokenizerParts& parts) {
  const Json* added = file.find(file.root(), "added_tokens");
  if (!added)
    return;
  const std::size_t tokens = parts.tokens.size() + added->size();
  for (const Json& entry : *added) {
    AddedToken token;
    token.content = file.text(entry, "content").value_or("");
    token.id = checked_id(file, file.needed_integer(entry, "id"), tokens);
    token.left_strip = file.boolean(entry, "lstrip").value_or(false);
    token.right_strip = file.boolean(entry, "rstrip").value_or(false);
    token.normalized = file.boolean(entry, "normalized").value_or(false);
    if (file.boolean(entry, "single_word").value_or(false))
      file.fail(fmt::format("added token '{}' is a single word only", token.content),
                "not supported");
    const bool special = file.boolean(entry, "special").value_or(false);
    put(parts.tokens, token.id, {token.content, special ? TokenKind::special : TokenKind::added});
    parts.added.push_back(std::move(token));
  }
}

std::vector<std::pair<std::string, std::string>> read_merges(const JsonFile& file,
                                                             const Json& model) {
  const Json* merges = file.find(model, "merges");
  if (!merges || !merges->is_array())
    file.fail("'model.merges' is missing");
  std::vector<std::pair<std::string, std::string>> pairs;
  pairs.reserve(merges->size());
  for (const Json& merge : *merges) {
    if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      pairs.emplace_back(merge[0].get<std::string>(), merge[1].get<std::string>());
      continue;
    }
    const std::string text = merge.is_string() ? merge.get<std::string>() : "";
    const std::size_t blank = text.find(' ');
    if (blank == std::string::npos)
      file.fail(fmt::format("merge {} is malformed", pairs.size()));
    pairs.emplace_back(text.substr(0, blank), text.substr(blank + 1));
  }
  return pairs;
}

// A token named by its text, as a string or as an object with "content".
std::string token_text(const JsonFile& file, const char* key) {
  const Json* value = file.find(file.root(), key);
  if (!value)
    return "";
  if (value->is_object())
    return file.text(*value, "content").value_or("");
  return file.text(file.root(), key).value_or("");
}

std::optional<std::int32_t> id_of(const TokenizerParts& parts, const std::string& text) {
  if (text.empty())
    return std::nullopt;
  for (const AddedToken& token : parts.added)
    if (token.content == text)
      return token.id;
  return std::nullopt;
}

// What tokenizer.json leaves to its neighbours.
void read_neighbours(const JsonFile& file, TokenizerParts& parts) {
  const std::string prefix = file.path().substr(0, file.path().size() - kFileName.size());
  const auto config = JsonFile::if_there(prefix + "tokenizer_config.json");
  if (config) {
    parts.begin_text = token_text(*config, "bos_token");
    parts.end_text = token_text(*config, "eos_token");
    parts.chat_template = read_chat_template(*config);
    if (!parts.begin_token && config->boolean(config->root(), "add_bos_token").value_or(false))
      parts.begin_token = id_of(parts, parts.begin_text);
  }
  std::error_code ignored;
  if (const std::string jinja = prefix + "chat_template.jinja";
      std::filesystem::exists(jinja, ignored)) {
    const MappedFile text(jinja);
    parts.chat_template.assign(text.bytes().begin(), text.bytes().end());
  }
  // generation_config.json lists all end tokens; the others know one.
  for (const char* name : {"generation_config.json", "config.json"}) {
    if (!parts.end_tokens.empty())
      break;
    if (const auto generation = JsonFile::if_there(prefix + name))
      for (std::int64_t id : generation->integers(generation->root(), "eos_token_id"))
        parts.end_tokens.push_back(checked_id(*generation, id, parts.tokens.size()));
  }
  if (config)
    if (const auto id = id_of(parts, parts.end_text))
      parts.end_tokens.push_back(*id);
}

std::unique_ptr<Tokenizer> read_byte_level(const JsonFile& file, const Json& model,
                                           const TextPipeline& pipeline, TokenizerParts common) {
  for (TokenEntry& token : common.tokens) {
    if (token.kind != TokenKind::normal)
      continue;
    auto bytes = bytes_of_byte_level(token.bytes);
    if (!bytes)
      file.fail(fmt::format("token '{}' is not of the byte-level alphabet", token.bytes));
    token.bytes = std::move(*bytes);
  }
  if (pipeline.nfc)
    for (AddedToken& token : common.added)
      if (token.normalized)
        token.content = normalize_nfc(token.content);
  BpeParts parts{std::move(common),
                 {},
                 PreTokenizer::from_patterns(pipeline.patterns, file.path()),
                 file.boolean(model, "ignore_merges").value_or(false),
                 pipeline.nfc};
  for (const auto& [left, right] : read_merges(file, model)) {
    auto left_bytes = bytes_of_byte_level(left), right_bytes = bytes_of_byte_level(right);
    if (!left_bytes || !right_bytes)
      file.fail(fmt::format("merge {} is malformed", parts.merges.size()));
    parts.merges.emplace_back(std::move(*left_bytes), std::move(*right_bytes));
  }
  return std::make_unique<BpeTokenizer>(std::move(parts));
}

// SentencePiece models that were converted: the rank of a merge takes the place of its token's
// score.
std::unique_ptr<Tokenizer> read_sentencepiece(const JsonFile& file, const Json& model,
                                              const TextPipeline& pipeline, TokenizerParts common) {
  SentencePieceParts parts;
  parts.common = std::move(common);
  parts.leading_blank = pipeline.leading_blank;
  parts.blank_after_special = pipeline.blank_after_special;
  parts.blank_if_missing = pipeline.blank_if_missing;
  parts.blank_symbol = true;
  std::unordered_map<std::string, float> score;
  float rank = 0;
  for (const auto& [left, right] : read_merges(file, model))
    score.try_emplace(left + right, rank--);
  for (TokenEntry& token : parts.common.tokens) {
    const auto found = score.find(token.bytes);
    // Tokens that no merge makes: single characters, which need no score.
    parts.scores.push_back(found == score.end() ? -1e30f : found->second);
    if (token.kind == TokenKind::normal)
      decode_sentencepiece_token(token);
  }
  return std::make_unique<SentencePieceTokenizer>(std::move(parts));
}

} // namespace

std::unique_ptr<Tokenizer> open_huggingface_tokenizer(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored))
    throw UserError(
        fmt::format("there is no '{}'", path),
        "a tokenizer is read from tokenizer.json, not from tokenizer.model or vocab.json",
        "Write one with AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER)");
  const JsonFile file(path);
  const Json* model = file.find(file.root(), "model");
  if (!model)
    file.fail("'model' is missing", "this is not a tokenizer.json");
  const std::string type = file.text(*model, "type").value_or("BPE");
  if (type != "BPE")
    file.fail(fmt::format("tokenizer model '{}' is not supported", type), "supported: BPE");
  for (const char* affix : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (!file.text(*model, affix).value_or("").empty())
      file.fail(fmt::format("'{}' is not supported", affix));
  const TextPipeline pipeline = read_text_pipeline(file);
  TokenizerParts common;
  common.file = path;
  read_vocabulary(file, *model, common.tokens);
  read_added(file, common);
  common.begin_token = read_begin_token(file);
  read_neighbours(file, common);
  return pipeline.byte_level ? read_byte_level(file, *model, pipeline, std::move(common))
                             : read_sentencepiece(file, *model, pipeline, std::move(common));
}

} // namespace peakbench::llm
