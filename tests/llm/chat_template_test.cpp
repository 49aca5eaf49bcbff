// Golden texts: what the published templates render for one user turn with the generation prompt.
#include "llm/chat_template.h"

#include <gtest/gtest.h>

namespace peakbench::llm {
namespace {

// As in SmolLM2's file, where the line break is a character of the literal.
constexpr const char* kSmollm =
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ "
    "'<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging "
    "Face<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] "
    "+ "
    "'<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' "
    "}}{% "
    "endif %}";
// As in Qwen2.5's, where it is an escape; other system literals come first.
constexpr const char* kQwen25 =
    R"({%- if tools %}{{- '<|im_start|>system\n' }}{{- messages[0]['content'] }}{%- else %}
    {%- if messages[0]['role'] == 'system' %}{{- '<|im_start|>system\n' + messages[0]['content'] + '<|im_end|>\n' }}
    {%- else %}{{- '<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n' }}
    {%- endif %}{%- endif %}{{- '<|im_start|>assistant\n' }})";
constexpr const char* kQwen3 =
    R"({%- if messages[0].role == 'system' %}{{- '<|im_start|>system\n' + messages[0].content + '<|im_end|>\n' }}{%- endif %}
    {{- '<|im_start|>assistant\n' }}{%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\n\n</think>\n\n' }}{%- endif %})";
constexpr const char* kLlama3 =
    R"({% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %})";
constexpr const char* kLlama32 =
    R"({{- bos_token }}{{- "<|start_header_id|>system<|end_header_id|>\n\n" }}{{- "Cutting Knowledge Date: December 2023\n" }}{{- "Today Date: " + date_string + "\n\n" }}{{- "<|eot_id|>" }})";
constexpr const char* kMistral1 =
    R"({{ bos_token }}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}{% endif %})";
constexpr const char* kMistral3 =
    R"({{- bos_token }}{{- "[INST] " + message["content"] + "[/INST]" }})";
constexpr const char* kLlama2 =
    R"({% set content = '<<SYS>>\n' + system_message %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }})";

std::string render(const char* jinja, const char* text, const char* begin = "<s>") {
  const auto chat = find_chat_template(jinja, begin);
  return chat ? chat->render(text) : "none";
}
std::string family(const char* jinja) { return find_chat_template(jinja, "")->family; }

TEST(ChatTemplate, ChatmlWithTheFilesOwnSystemTurn) {
  EXPECT_EQ(family(kSmollm), "chatml");
  EXPECT_EQ(render(kSmollm, "Hi"),
            "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging "
            "Face<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(render(kQwen25, " Hi "),
            "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful "
            "assistant.<|im_end|>\n<|im_start|>user\n Hi <|im_end|>\n<|im_start|>assistant\n");
}

TEST(ChatTemplate, Qwen3HasNoSystemTurn) {
  EXPECT_EQ(family(kQwen3), "qwen3");
  EXPECT_EQ(render(kQwen3, "Hi"), "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
}

TEST(ChatTemplate, Llama3TrimsAndBeginsWithItsToken) {
  EXPECT_EQ(family(kLlama3), "llama-3");
  EXPECT_EQ(render(kLlama3, " Hi\n", "<|begin_of_text|>"),
            "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n");
  EXPECT_EQ(
      render(kLlama32, "Hi", "<|begin_of_text|>"),
      "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: "
      "December 2023\nToday Date: 26 Jul 2024\n\n<|eot_id|><|start_header_id|>user"
      "<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n");
}

TEST(ChatTemplate, InstructVersionsDifferInTheirBlanks) {
  EXPECT_EQ(family(kMistral1), "mistral");
  EXPECT_EQ(render(kMistral1, "Hi"), "<s>[INST] Hi [/INST]");
  EXPECT_EQ(render(kMistral3, "Hi"), "<s>[INST] Hi[/INST]");
  EXPECT_EQ(family(kLlama2), "llama-2");
  EXPECT_EQ(render(kLlama2, "\n Hi "), "<s>[INST] Hi [/INST]");
  EXPECT_EQ(render(kLlama2, " \n "), "<s>[INST]  [/INST]");
}

TEST(ChatTemplate, OthersAreNotGuessed) {
  EXPECT_FALSE(find_chat_template("", ""));
  EXPECT_FALSE(find_chat_template("{{ '<start_of_turn>user' }}", ""));
  EXPECT_FALSE(find_chat_template("{{ '[INST]' }}", "")); // never closed
}

} // namespace
} // namespace peakbench::llm
