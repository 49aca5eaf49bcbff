// What transformers renders (golden/make_chats.py) for one user turn, by templates in the manner of
// each family and by two published ones.
#include "llm/chat_template.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "expect_error.h"
#include "llm/tokenizer.h"
#include "model_writer.h"
#include "support/support.h"

namespace peakbench::llm {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using testing::user_error;

json golden() {
  return json::parse(peakbench::testing::read_file(peakbench::testing::source_folder() /
                                                   "tests/llm/golden/chats.json"));
}

TEST(ChatTemplate, EveryFamilyAsTheReferenceRendersIt) {
  const json file = golden();
  for (const json& entry : file["families"]) {
    const ChatTemplate chat(entry["template"].get<std::string>(), "<s>", "</s>");
    const auto name = entry["name"].get<std::string>();
    EXPECT_EQ(chat.problem(), "") << name;
    EXPECT_TRUE(name == "qwen2.5" || name == "qwen3-thinking" ? chat.family() == "chatml"
                                                              : name.starts_with(chat.family()))
        << name << " is taken for " << chat.family();
    for (std::size_t i = 0; i < file["texts"].size(); ++i)
      EXPECT_EQ(chat.render(file["texts"][i].get<std::string>()),
                entry["rendered"][i].get<std::string>())
          << name;
  }
}

TEST(ChatTemplate, PublishedOfQwen25) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const auto tokenizer =
      open_tokenizer((shared / "data/tokenizers/qwen2.5-tokenizer.json").string());
  const json file = golden();
  for (std::size_t i = 0; i < file["texts"].size(); ++i)
    EXPECT_EQ(tokenizer->chat_text(file["texts"][i].get<std::string>()),
              file["published"]["qwen2.5"][i].get<std::string>());
}

TEST(ChatTemplate, PublishedOfSmolLm2) {
  PEAKBENCH_NEEDS_SMOLLM2(model);
  const auto tokenizer = open_tokenizer(model.string());
  const json file = golden();
  for (std::size_t i = 0; i < file["texts"].size(); ++i)
    EXPECT_EQ(tokenizer->chat_text(file["texts"][i].get<std::string>()),
              file["published"]["smollm2"][i].get<std::string>());
}

TEST(ChatTemplate, AMissingTokenPrintsNothing) {
  EXPECT_EQ(ChatTemplate("{{ bos_token }}[INST]{{ messages[0]['content'] }}", "", "").render("Hi"),
            "[INST]Hi");
}

TEST(ChatTemplate, TheDateIsTheTemplatesOwn) {
  const ChatTemplate chat("{% if strftime_now is defined %}{{ strftime_now('%Y') }}{% else %}2024"
                          "{% endif %}{{ messages[0]['content'] }}",
                          "", "");
  EXPECT_EQ(chat.render("."), "2024.") << "or prompts would differ from day to day";
}

// Nothing is guessed: what cannot be rendered says why.
TEST(ChatTemplate, ProblemsAreNamed) {
  const auto problem = [](const char* jinja) { return ChatTemplate(jinja, "", "").problem(); };
  const std::string text = "{{ messages[0].content }}";
  EXPECT_EQ(problem(text.c_str()), "");
  EXPECT_THAT(problem("<|im_start|>"), HasSubstr("leaves the user's text out"));
  EXPECT_THAT(problem("{{ messages | map(attribute='content') }}"), HasSubstr("filter 'map'"));
  EXPECT_THAT(problem("{{ raise_exception('no user') }}"), HasSubstr("refuses: no user"));
  EXPECT_THAT(problem("\n{% break %}"), HasSubstr("line 2: statement 'break'"));

  const peakbench::testing::ScratchFolder folder;
  const auto open = [&](const char* jinja) {
    testing::GgufWriter writer = testing::small_gguf();
    if (jinja)
      writer.text("tokenizer.chat_template", jinja);
    peakbench::testing::write_file(folder / "m.gguf", writer.bytes());
    return open_tokenizer((folder / "m.gguf").string());
  };
  EXPECT_THAT(user_error([&] { open(nullptr)->chat_text("Hi"); }), HasSubstr("no chat template"));
  EXPECT_THAT(
      user_error([&] { open("{{ f() }}")->chat_text("Hi"); }),
      AllOf(HasSubstr("m.gguf"), HasSubstr("function 'f' is not supported"), HasSubstr("raw")));
  EXPECT_EQ(open("{{ f() }}")->chat_family(), "");
  EXPECT_EQ(open("{{ bos_token + messages[0].content + eos_token }}")->chat_text("Hi"),
            "<|begin|>Hi<|end|>");
}

} // namespace
} // namespace peakbench::llm
