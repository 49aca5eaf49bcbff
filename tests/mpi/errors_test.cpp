// Whatever the user gets wrong: one clear message, exit status 2, and no rank left waiting.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "launcher.h"
#include "support/support.h"

namespace peakbench::testing {
namespace {

using ::testing::HasSubstr;

struct Mistake {
  const char* name;
  std::vector<std::string> arguments; // after `run`; {c} is a good configuration
  const char* says;
};
void PrintTo(const Mistake& mistake, std::ostream* out) { *out << mistake.name; }

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

class Mistakes : public ::testing::TestWithParam<Mistake> {
protected:
  void SetUp() override {
    write_file(scratch_ / "c.yaml",
               "name: x\nep: {arms: ep_fused, depths: 2, width: 8, batch: 2}\n");
    write_file(scratch_ / "cut.gguf", std::string("GGUF\x03\0\0\0\x05", 9));
    write_file(scratch_ / "not.h5", "this is no results file");
    write_file(scratch_ / "p.jsonl", "{\"id\": \"a\"}\n");
  }
  std::vector<std::string> arguments() const {
    std::vector<std::string> all{"run"};
    for (std::string word : GetParam().arguments) {
      if (const auto at = word.find('@'); at != std::string::npos)
        word.replace(at, 1, scratch_.path().string() + "/");
      all.push_back(word);
    }
    return all;
  }
  ScratchFolder scratch_;
};

TEST_P(Mistakes, AreToldOnceOnAnyNumberOfRanks) {
  for (const int ranks : {0, 2}) {
    const Ended ended = run_program(ranks, arguments());
    EXPECT_EQ(ended.status, 2) << ended.output;
    EXPECT_THAT(ended.output, HasSubstr(GetParam().says));
    EXPECT_EQ(count(ended.output, "peakbench: "), 1u) << ended.output;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, Mistakes,
    ::testing::Values(
        Mistake{"missing_config", {"@none.yaml"}, "none.yaml: no such configuration file"},
        Mistake{"unknown_key", {"@c.yaml", "--set", "ep.depth=2"}, "did you mean `depths`?"},
        Mistake{"wrong_type", {"@c.yaml", "--set", "ep.depths=deep"}, "allowed: an integer"},
        Mistake{"depth_zero", {"@c.yaml", "--set", "ep.depths=0"}, "`ep.depths` cannot be `0`"},
        Mistake{
            "zero_paths", {"@c.yaml", "--set", "eab.max_paths=0"}, "`eab.max_paths` cannot be `0`"},
        Mistake{"missing_model",
                {"@c.yaml", "--set", "eab={model: no.gguf, prompts: {text: [a]}}"},
                "no.gguf"},
        Mistake{"cut_model",
                {"@c.yaml", "--set", "eab={model: @cut.gguf, prompts: {text: [a]}}"},
                "cut.gguf"},
        Mistake{"unknown_synthetic",
                {"@c.yaml", "--set",
                 "eab={model: synthetic:gpt-9, branching: {schedule: [2]}, prompts: {generate: "
                 "{tokens: 4}}}"},
                "gpt-9"},
        Mistake{
            "bad_prompts",
            {"@c.yaml", "--set",
             "eab={model: synthetic:smollm2-135m, branching: {schedule: [2]}, prompts: @p.jsonl}"},
            "p.jsonl:1: no \"text\""},
        Mistake{"not_a_results_file", {"@c.yaml", "--out", "@not.h5"}, "not.h5"},
        Mistake{"no_folder", {"@c.yaml", "--out", "/proc/none/x.h5"}, "/proc/none"},
        Mistake{"nccl_without_gpus",
                {"@c.yaml", "--set", "device=cpu", "--set", "cluster.gather=nccl"},
                "gather: nccl is not possible"}),
    [](const auto& one) { return one.param.name; });

TEST(Errors, AnotherPlansFileIsNotTouched) {
  const ScratchFolder scratch;
  write_file(scratch / "c.yaml",
             "name: x\ndevice: cpu\nep: {arms: ep_fused, depths: 2, width: 8, batch: 2}\n");
  const std::vector<std::string> first{"run", (scratch / "c.yaml").string(), "--out",
                                       (scratch / "r.h5").string()};
  ASSERT_EQ(run_program(1, first).status, 0);
  const std::string before = read_file(scratch / "r.h5");
  std::vector<std::string> other = first;
  other.insert(other.end(), {"--set", "ep.width=9"});
  const Ended ended = run_program(2, other);
  EXPECT_EQ(ended.status, 2) << ended.output;
  EXPECT_THAT(ended.output, HasSubstr("another plan"));
  EXPECT_EQ(read_file(scratch / "r.h5"), before);
}

TEST(Errors, CommandLineMistakesExitWithTwo) {
  EXPECT_EQ(run_program(0, {}).status, 2);
  EXPECT_EQ(run_program(0, {"walk"}).status, 2);
  EXPECT_EQ(run_program(0, {"run"}).status, 2);
  EXPECT_EQ(run_program(0, {"run", "x", "--only", "both"}).status, 2);
  EXPECT_EQ(run_program(0, {"tokenize", "none.gguf", "--text", "a"}).status, 2);
  EXPECT_EQ(run_program(0, {"model", "none.gguf"}).status, 2);
}

TEST(Errors, HelpAndVersionAreNone) {
  for (const char* command : {"run", "list", "verify", "model", "tokenize"}) {
    const Ended help = run_program(0, {command, "--help"});
    EXPECT_EQ(help.status, 0) << command;
    EXPECT_THAT(help.output, HasSubstr("Examples:")) << command;
  }
  EXPECT_EQ(run_program(0, {"--version"}).status, 0);
}

} // namespace
} // namespace peakbench::testing
