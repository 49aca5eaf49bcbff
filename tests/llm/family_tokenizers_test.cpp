// Small tokenizers of every family, from tokenizer.json and from GGUF, against the tokenizers
// package (golden/make_tokenizers.py).
#include <gmock/gmock.h>

#include "family_model.h"
#include "llm/tokenizer.h"
#include "support/support.h"

namespace peakbench::llm {
namespace {

using nlohmann::json;
using peakbench::testing::ScratchFolder;
using peakbench::testing::write_file;
using testing::golden_tokenizers;

using Ids = std::vector<std::int32_t>;

class FamilyTokenizers : public ::testing::Test {
protected:
  std::unique_ptr<Tokenizer> from_json(const json& file) {
    write_file(folder_ / "tokenizer.json", file.dump());
    return open_tokenizer((folder_ / "tokenizer.json").string());
  }
  std::unique_ptr<Tokenizer> from_gguf(const std::string& name) {
    testing::GgufWriter writer;
    testing::add_tokenizer(writer, name);
    write_file(folder_ / "m.gguf", writer.bytes());
    return open_tokenizer((folder_ / "m.gguf").string());
  }
  static void compare(const Tokenizer& tokenizer, const json& golden) {
    for (const json& entry : golden["cases"]) {
      const auto text = entry["text"].get<std::string>();
      EXPECT_EQ(tokenizer.encode(text), entry["ids"].get<Ids>()) << text;
    }
    EXPECT_EQ(tokenizer.begin_token().has_value(), golden["begin"].get<bool>());
  }
  // Cases that differ.
  static int wrong(const Tokenizer& tokenizer, const json& golden) {
    int count = 0;
    for (const json& entry : golden["cases"])
      count += tokenizer.encode(entry["text"].get<std::string>()) != entry["ids"].get<Ids>();
    return count;
  }
  ScratchFolder folder_;
};

TEST_F(FamilyTokenizers, EncodeAsTheReference) {
  for (const auto& [name, golden] : golden_tokenizers().items()) {
    SCOPED_TRACE(name);
    compare(*from_json(golden["file"]), golden);
    // GGUF cannot say that only the first blank is put before: llama.cpp puts one after every
    // special token.
    if (name != "sentencepiece-first")
      compare(*from_gguf(name), golden);
  }
}

TEST_F(FamilyTokenizers, EveryStepIsSeen) {
  const auto changed = [&](const char* name, const char* pointer, const json& value) {
    json file = golden_tokenizers()[name]["file"];
    file[json::json_pointer(pointer)] = value;
    return wrong(*from_json(file), golden_tokenizers()[name]);
  };
  const json& all = golden_tokenizers();
  EXPECT_EQ(changed("llama-3", "/version", "1.0"), 0) << "nothing changed yet";
  EXPECT_GT(changed("llama-3", "/model/ignore_merges", false), 0);
  EXPECT_GT(changed("llama-3", "/pre_tokenizer", all["qwen2"]["file"]["pre_tokenizer"]), 0);
  EXPECT_GT(changed("qwen2", "/normalizer", nullptr), 0);
  EXPECT_GT(changed("qwen2", "/pre_tokenizer", all["smollm"]["file"]["pre_tokenizer"]), 0);
  EXPECT_GT(changed("smollm", "/pre_tokenizer", all["llama-3"]["file"]["pre_tokenizer"]), 0);
  EXPECT_GT(changed("sentencepiece", "/normalizer", nullptr), 0);
  EXPECT_GT(changed("sentencepiece-first", "/pre_tokenizer/prepend_scheme", "always"), 0);
}

} // namespace
} // namespace peakbench::llm
