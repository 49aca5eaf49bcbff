#include "llm/tokenizer.h"

#include <gmock/gmock.h>

#include "expect_error.h"
#include "llm/model_source.h"
#include "model_writer.h"
#include "support/support.h"

namespace peakbench::llm {
namespace {

using peakbench::testing::write_file;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::user_error;

TEST(OpenTokenizer, EveryKindOfPath) {
  const peakbench::testing::ScratchFolder folder;
  testing::write_huggingface(folder.path());
  write_file(folder / "m.gguf", testing::small_gguf().bytes());
  std::filesystem::copy(folder / "tokenizer.json", folder / "small-tokenizer.json");
  for (const std::string& path :
       {folder.path().string(), (folder / "tokenizer.json").string(),
        (folder / "small-tokenizer.json").string(), (folder / "m.gguf").string()})
    EXPECT_THAT(open_tokenizer(path)->encode("the"), ElementsAre(257)) << path;
}

TEST(OpenTokenizer, SaysWhatItExpects) {
  const peakbench::testing::ScratchFolder folder;
  write_file(folder / "x.txt", "");
  EXPECT_THAT(user_error([&] { open_tokenizer((folder / "none").string()); }),
              HasSubstr("does not exist"));
  EXPECT_THAT(user_error([&] { open_tokenizer((folder / "x.txt").string()); }),
              HasSubstr("tokenizer.json"));
  EXPECT_THAT(user_error([&] { open_tokenizer(folder.path().string()); }),
              HasSubstr("tokenizer.json"));
  EXPECT_THAT(user_error([&] { ModelSource::open((folder / "none.gguf").string()); }),
              HasSubstr("does not exist"));
  EXPECT_THAT(user_error([&] { ModelSource::open((folder / "x.txt").string()); }),
              HasSubstr("synthetic:NAME"));
  write_file(folder / "empty.gguf", "");
  EXPECT_THAT(user_error([&] { ModelSource::open((folder / "empty.gguf").string()); }),
              HasSubstr("empty.gguf"));
}

TEST(EncodePrompt, SmolLm2RawAndChat) {
  PEAKBENCH_NEEDS_SMOLLM2(model);
  const auto tokenizer = open_tokenizer(model.string());
  EXPECT_THAT(tokenizer->encode_prompt("The capital of France is", PromptFormat::raw),
              ElementsAre(504, 3575, 282, 4649, 314));
  const std::string chat = "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, "
                           "trained by Hugging Face<|im_end|>\n"
                           "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n";
  EXPECT_EQ(tokenizer->chat_text("Hi"), chat);
  const auto ids = tokenizer->encode_prompt("Hi", PromptFormat::chat);
  EXPECT_EQ(ids.front(), 1);
  EXPECT_EQ(tokenizer->decode(ids, true), chat);
  EXPECT_THAT(tokenizer->decode(ids), ::testing::Not(HasSubstr("<|im_start|>")));
}

} // namespace
} // namespace peakbench::llm
