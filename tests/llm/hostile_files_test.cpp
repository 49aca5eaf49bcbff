// Model files that ask for more than they are worth: memory, time, stack. Most of these brought a
// loader down before it was bounded; the harmless twin beside each still loads.
#include <gmock/gmock.h>

#include "expect_error.h"
#include "llm/chat_template.h"
#include "llm/gguf_file.h"
#include "llm/huggingface.h"
#include "llm/pretokenizer.h"
#include "llm/safetensors.h"
#include "llm/tokenizer.h"
#include "model_writer.h"
#include "support/support.h"

namespace peakbench::llm {
namespace {

using peakbench::testing::ScratchFolder;
using peakbench::testing::write_file;
using testing::bytes_of;
using ::testing::HasSubstr;
using testing::user_error;

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i)
    all += text;
  return all;
}

// Why a template cannot be used; "" if it can.
std::string problem_of(const std::string& text) {
  return ChatTemplate("{{ messages[0].content }}" + text, "", "").problem();
}

TEST(HostileTemplate, LoopsWithoutEnd) {
  const std::string ten = "{% for x in [1,2,3,4,5,6,7,8,9,0] %}";
  EXPECT_EQ(problem_of(repeated(ten, 2) + "a" + repeated("{% endfor %}", 2)), "");
  EXPECT_THAT(problem_of(repeated(ten, 20) + "a" + repeated("{% endfor %}", 20)),
              HasSubstr("does not come to an end"));
}

TEST(HostileTemplate, TextThatDoubles) {
  const std::string twice = "{% set a = a ~ a %}";
  EXPECT_EQ(problem_of("{% set a = 'ab' %}" + repeated(twice, 10)), "");
  EXPECT_THAT(problem_of("{% set a = 'ab' %}" + repeated(twice, 60)), HasSubstr("too much text"));
  // Within one step: every "a" of a long text becomes a long text.
  EXPECT_THAT(
      problem_of("{% set a = 'aa' %}" + repeated(twice, 13) + "{% set b = a.replace('a', a) %}"),
      HasSubstr("a text is too long"));
  EXPECT_THAT(problem_of("{% set a = 'aa' %}" + repeated(twice, 18) +
                         "{% set b = [a, a, a] | join(a) %}" +
                         "{% set b = (a | list) | join(a) %}"),
              HasSubstr("too"));
}

TEST(HostileTemplate, ListsInListsInLists) {
  const std::string deeper = "{% set n.a = [n.a] %}";
  EXPECT_EQ(problem_of("{% set n = namespace(a=1) %}" + repeated(deeper, 50)), "");
  EXPECT_THAT(problem_of("{% set n = namespace(a=1) %}" + repeated(deeper, 200)),
              HasSubstr("nested too deeply"));
}

TEST(HostileTemplate, ExpressionsThatAreLongOrDeep) {
  EXPECT_EQ(problem_of("{{ 1" + repeated(" + 1", 900) + " }}"), "");
  EXPECT_THAT(problem_of("{{ 1" + repeated(" + 1", 5000) + " }}"), HasSubstr("too large"));
  EXPECT_EQ(problem_of("{{ " + repeated("not ", 50) + "1 }}"), "");
  EXPECT_THAT(problem_of("{{ " + repeated("not ", 900) + "1 }}"), HasSubstr("too deeply"));
  EXPECT_THAT(problem_of("{{ " + repeated("- ", 900) + "1 }}"), HasSubstr("too deeply"));
  EXPECT_THAT(problem_of("{{ 1" + repeated(" if 1 else 1", 400) + " }}"), HasSubstr("too deeply"));
}

TEST(HostileTemplate, IndicesBeyondEveryList) {
  EXPECT_EQ(problem_of("{{ [1, 2, 3][9223372036854775807] is undefined }}"
                       "{{ [1, 2, 3][0:9223372036854775807:9223372036854775807] | join }}"
                       "{{ 'abc'[9223372036854775807::-1000000000] }}"),
            "");
  const ChatTemplate chat("{{ messages[0].content[::9223372036854775807] }}"
                          "{{ messages[0].content[1:99:9223372036854775807] }}"
                          "{{ messages[0].content }}",
                          "", "");
  EXPECT_EQ(chat.render("xyz"), "xyxyz");
  EXPECT_THAT(problem_of("{{ 'abc'[::1000000000000000000000.5] }}"), HasSubstr("a slice with"));
}

// A template may accept the text it is tried with and refuse another.
TEST(HostileTemplate, RefusalOfAPromptIsTheUsersError) {
  const ScratchFolder folder;
  testing::write_huggingface(folder.path());
  write_file(folder / "chat_template.jinja",
             "{% if messages[0].content == 'no' %}{{ raise_exception('never no') }}{% endif %}"
             "{{ messages[0].content }}");
  const auto tokenizer = open_tokenizer(folder.path().string());
  EXPECT_EQ(tokenizer->chat_text("yes"), "yes");
  EXPECT_THAT(user_error([&] { tokenizer->chat_text("no"); }), HasSubstr("never no"));
}

TEST(HostileSafetensors, TensorsThatShareTheirData) {
  const ScratchFolder folder;
  const auto read = [&](const std::string& second) {
    const std::string header = R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},)"
                               R"( "b": {"dtype": "F32", "shape": [2], "data_offsets": )" +
                               second + "}}";
    write_file(folder / "w", bytes_of<std::uint64_t>(header.size()) + header + std::string(16, 1));
    const MappedFile file((folder / "w").string());
    read_safetensors(file);
  };
  EXPECT_NO_THROW(read("[8, 16]"));
  EXPECT_THAT(user_error([&] { read("[0, 8]"); }), HasSubstr("'a' and 'b' overlap"));
  EXPECT_THAT(user_error([&] { read("[4, 12]"); }), HasSubstr("overlap"));
}

// Printing JSON is by recursion.
TEST(HostileSafetensors, DeepJsonWhereANumberBelongs) {
  const ScratchFolder folder;
  const std::string deep = repeated("[", 200000) + repeated("]", 200000);
  for (const std::string& entry : {R"("shape": [)" + deep + R"(], "data_offsets": [0, 8])",
                                   R"("shape": [2], "data_offsets": [0, )" + deep + "]"}) {
    const std::string header = R"({"a": {"dtype": "F32", )" + entry + "}}";
    write_file(folder / "w", bytes_of<std::uint64_t>(header.size()) + header + std::string(8, 1));
    const MappedFile file((folder / "w").string());
    const std::string message = user_error([&] { read_safetensors(file); });
    EXPECT_THAT(message, HasSubstr("an array"));
    EXPECT_LT(message.size(), 500u);
  }
  testing::write_huggingface(folder.path());
  write_file(folder / "config.json", R"({"architectures": ["LlamaForCausalLM"], "hidden_size": )" +
                                         deep + R"(, "num_hidden_layers": 1})");
  EXPECT_THAT(
      user_error([&] { read_huggingface_config((folder / "config.json").string(), false); }),
      HasSubstr("'hidden_size' is an array"));
}

TEST(HostileJson, AnEndlessStringIsNotQuotedWhole) {
  const ScratchFolder folder;
  write_file(folder / "tokenizer.json", "{\"model\": \"" + std::string(100000, 'x'));
  EXPECT_LT(user_error([&] { open_tokenizer(folder.path().string()); }).size(), 500u);
}

TEST(HostileGguf, TensorsThatShareTheirData) {
  const ScratchFolder folder;
  // The table's last entry ends the header: its data offset is the last 8 bytes.
  testing::GgufWriter writer;
  writer.tensor("a", {8}, 0, std::string(32, 1)).tensor("b", {8}, 0, std::string(32, 2));
  std::string bytes = writer.bytes();
  write_file(folder / "m.gguf", bytes);
  EXPECT_EQ(GgufFile((folder / "m.gguf").string()).tensors().size(), 2u);
  bytes.replace(writer.header().size() - 8, 8, bytes_of<std::uint64_t>(0));
  write_file(folder / "m.gguf", bytes);
  EXPECT_THAT(user_error([&] { GgufFile((folder / "m.gguf").string()); }),
              HasSubstr("'a' and 'b' overlap"));
}

TEST(HostileTokenizer, IdsThatAskForMillionsOfTokens) {
  const ScratchFolder folder;
  const auto open = [&](int id, int added) {
    write_file(folder / "tokenizer.json",
               R"({"model": {"type": "BPE", "vocab": {"a": 0, "b": )" + std::to_string(id) +
                   R"(}, "merges": []}, "added_tokens": [{"content": "<s>", "id": )" +
                   std::to_string(added) +
                   R"(}], "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false}})");
    return open_tokenizer(folder.path().string())->vocabulary();
  };
  EXPECT_EQ(open(1000, 1003), 1004); // gaps there may be
  EXPECT_THAT(user_error([&] { open(16'000'000, 2); }), HasSubstr("is out of range"));
  EXPECT_THAT(user_error([&] { open(1, 16'000'000); }), HasSubstr("is out of range"));
}

TEST(HostilePattern, NeitherCutsCharactersNorTriesForEver) {
  const auto split = [](const std::string& pattern, const std::string& text) {
    return PreTokenizer::from_patterns({pattern}, "t").split(text).size();
  };
  EXPECT_EQ(split("a+", "baab"), 3u);
  EXPECT_THAT(user_error([&] { split("\\C", "\xC3\xA9"); }), HasSubstr("is not supported"));
  EXPECT_THAT(
      user_error([&] { split("(?:a|a)*(?:a|a)*(?:a|a)*(?:a|a)*\\d", std::string(200, 'a')); }),
      HasSubstr("the pre-tokenizer pattern failed"));
}

} // namespace
} // namespace peakbench::llm
