#include "llm/huggingface_pipeline.h"

#include <fmt/format.h>

#include "base/error.h"
#include "llm/pretokenizer.h"

namespace peakbench::llm {

namespace {

using Json = JsonFile::Json;

// A step, or the steps of a Sequence, in order. The list's key differs from part to part.
std::vector<const Json*> steps_of(const JsonFile& file, const char* part, const char* list) {
  const Json* step = file.find(file.root(), part);
  if (!step)
    return {};
  if (file.text(*step, "type") != "Sequence")
    return {step};
  std::vector<const Json*> steps;
  if (const Json* items = file.find(*step, list))
    for (const Json& item : *items)
      steps.push_back(&item);
  return steps;
}

[[noreturn]] void refuse(const JsonFile& file, const char* part, const std::string& what,
                         const char* supported) {
  file.fail(fmt::format("{} '{}' is not supported", part, what),
            fmt::format("supported: {}", supported));
}

void add_split(const JsonFile& file, const Json& step, TextPipeline& pipeline) {
  const Json* pattern = file.find(step, "pattern");
  const auto regex = pattern ? file.text(*pattern, "Regex") : std::nullopt;
  const std::string behavior = file.text(step, "behavior").value_or("");
  if (!regex || behavior != "Isolated" || file.boolean(step, "invert").value_or(false))
    refuse(file, "pre-tokenizer", "Split " + behavior, "Split by a Regex, Isolated, not inverted");
  pipeline.patterns.push_back(*regex);
}

void read_pretokenizer(const JsonFile& file, TextPipeline& pipeline) {
  constexpr const char* supported = "ByteLevel, Split, Digits, Metaspace";
  for (const Json* step : steps_of(file, "pre_tokenizer", "pretokenizers")) {
    const std::string type = file.text(*step, "type").value_or("none");
    if (type == "Split") {
      add_split(file, *step, pipeline);
    } else if (type == "Digits") {
      const bool single = file.boolean(*step, "individual_digits").value_or(false);
      pipeline.patterns.emplace_back(single ? R"(\p{N})" : R"(\p{N}+)");
    } else if (type == "ByteLevel") {
      if (file.boolean(*step, "add_prefix_space").value_or(true))
        refuse(file, "pre-tokenizer", "ByteLevel with add_prefix_space", supported);
      if (file.boolean(*step, "use_regex").value_or(true))
        pipeline.patterns.emplace_back(PreTokenizer::byte_level_pattern());
      pipeline.byte_level = true;
    } else if (type == "Metaspace") {
      if (file.boolean(*step, "split").value_or(true))
        refuse(file, "pre-tokenizer", "Metaspace with split", supported);
      const std::string scheme = file.text(*step, "prepend_scheme").value_or("always");
      pipeline.leading_blank = pipeline.blank_if_missing = scheme != "never";
      pipeline.blank_after_special = scheme == "always";
    } else {
      refuse(file, "pre-tokenizer", type, supported);
    }
  }
}

void read_normalizer(const JsonFile& file, TextPipeline& pipeline) {
  for (const Json* step : steps_of(file, "normalizer", "normalizers")) {
    const std::string type = file.text(*step, "type").value_or("none");
    if (pipeline.byte_level && type == "NFC") {
      pipeline.nfc = true;
    } else if (!pipeline.byte_level && type == "Prepend") {
      pipeline.leading_blank = pipeline.blank_after_special = true;
    } else if (!pipeline.byte_level && type == "Replace") {
      continue; // of blanks by U+2581: what every such tokenizer does
    } else {
      refuse(file, "normalizer", type, pipeline.byte_level ? "NFC" : "Prepend, Replace");
    }
  }
}

} // namespace

TextPipeline read_text_pipeline(const JsonFile& file) {
  TextPipeline pipeline;
  read_pretokenizer(file, pipeline);
  read_normalizer(file, pipeline);
  const Json* model = file.find(file.root(), "model");
  if (!pipeline.byte_level && (!model || !file.boolean(*model, "byte_fallback").value_or(false)))
    file.fail("neither a byte-level BPE nor one with byte fallback", "supported: these two");
  if (!pipeline.byte_level && !pipeline.patterns.empty())
    file.fail("a pre-tokenizer pattern without ByteLevel", "not supported");
  return pipeline;
}

std::optional<std::int32_t> read_begin_token(const JsonFile& file) {
  for (const Json* step : steps_of(file, "post_processor", "processors")) {
    if (file.text(*step, "type") != "TemplateProcessing")
      continue;
    const Json* single = file.find(*step, "single");
    if (!single || !single->is_array() || single->empty())
      continue;
    const Json* special = file.find(single->front(), "SpecialToken");
    if (!special)
      continue;
    const std::string name = file.text(*special, "id").value_or("");
    const Json* tokens = file.find(*step, "special_tokens");
    const Json* entry = tokens ? file.find(*tokens, name.c_str()) : nullptr;
    if (!entry)
      file.fail(fmt::format("the template's special token '{}' is not listed", name));
    const auto ids = file.integers(*entry, "ids");
    if (ids.size() != 1 || ids[0] < 0 || ids[0] > INT32_MAX)
      file.fail(fmt::format("the template's special token '{}' is not one token", name));
    return static_cast<std::int32_t>(ids[0]);
  }
  return std::nullopt;
}

std::string read_chat_template(const JsonFile& config) {
  const Json* value = config.find(config.root(), "chat_template");
  if (!value)
    return "";
  if (!value->is_array())
    return config.text(config.root(), "chat_template").value_or("");
  for (const Json& entry : *value)
    if (config.text(entry, "name") == "default")
      return config.text(entry, "template").value_or("");
  return "";
}

} // namespace peakbench::llm
