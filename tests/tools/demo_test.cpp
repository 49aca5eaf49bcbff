// peakbench-demo as a user runs it, on a model of 1 MB.
#include <gmock/gmock.h>

#include <csignal>
#include <filesystem>

#include "report/gnuplot_here.h"
#include "report/report.h"
#include "report/sections.h"
#include "results/python.h"
#include "results/store.h"
#include "support/support.h"

namespace peakbench {
namespace {

namespace fs = std::filesystem;
using peakbench::testing::read_file;
using peakbench::testing::ScratchFolder;
using peakbench::testing::write_file;
using results::testing::Output;
using results::testing::run_program;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kFew =
    " --prompt-format raw --dtype float32 --max-new-tokens 12 --max-paths 6 --threshold 0.15 "
    "--device cpu --threads 1 ";

class DemoTest : public ::testing::Test {
protected:
  void SetUp() override {
    PEAKBENCH_NEEDS_SHARED(shared);
    model_ = (shared / "data/models/stories260k/stories260K.bin").string();
  }
  std::string command(const std::string& arguments) const {
    return "cd " + results::testing::quoted(scratch_.path()) + " && " +
           results::testing::quoted(PEAKBENCH_DEMO) + " --model " +
           results::testing::quoted(model_) + kFew + arguments;
  }
  Output ask(const std::string& arguments) const {
    return run_program(command("--prompt 'Once upon a time' " + arguments));
  }
  // Without --prompt, with these lines as the input.
  Output talk(const std::string& lines, const std::string& arguments = "") const {
    write_file(scratch_ / "input", lines);
    return run_program("{ " + command(arguments) + "; } <" +
                       results::testing::quoted(scratch_ / "input"));
  }
  static std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1))
      ++found;
    return found;
  }

  ScratchFolder scratch_;
  std::string model_;
};

TEST_F(DemoTest, PrintsTheFiguresThatTheFileHolds) {
  const Output output = ask("--compare-all --out run.h5");
  ASSERT_EQ(output.status, 0) << output.text;
  const results::RunData data = results::load(scratch_ / "run.h5");
  ASSERT_EQ(data.eab.size(), 5u);
  std::vector<report::Table> tables = report::eab_comparison_tables(data.eab);
  ASSERT_EQ(tables.size(), 2u);
  tables.push_back(report::eab_quality_tables(data.eab).at(0));
  for (const report::Table& table : tables)
    EXPECT_THAT(output.text, HasSubstr(render({table}, report::Format::text)));
  EXPECT_THAT(output.text, HasSubstr("saving"));
  std::string arms;
  for (const results::EabCase& row : data.eab) {
    EXPECT_EQ(row.status, "ok");
    EXPECT_GT(row.peak_bytes, 0);
    arms += row.arm + " " + row.decode + ", ";
    if (row.arm != "cow")
      continue;
    EXPECT_EQ(row.tree_matches_reference, 1);
    const results::EabTrace trace = results::load_eab_trace(scratch_ / "run.h5", row.case_id);
    ASSERT_FALSE(trace.samples.empty());
    char log_prob[32];
    std::snprintf(log_prob, sizeof log_prob, "%.2f", trace.samples[0].log_prob);
    EXPECT_THAT(output.text, HasSubstr(log_prob));
    EXPECT_THAT(output.text, HasSubstr(trace.samples[0].text.substr(0, 20)));
  }
  EXPECT_THAT(arms, HasSubstr("original per_path"));
  EXPECT_THAT(arms, HasSubstr("cow batched"));
  EXPECT_EQ(data.environment.size(), 1u);
  EXPECT_EQ(data.environment[0].threads, 1);
}

TEST_F(DemoTest, TheFilesConfigurationGivesTheSameSamplesWithRun) {
  ASSERT_EQ(ask("--out run.h5 --decode both").status, 0);
  const results::RunData data = results::load(scratch_ / "run.h5");
  write_file(scratch_ / "config.yaml", data.info.config_yaml);
  const Output output =
      run_program("cd " + results::testing::quoted(scratch_.path()) + " && " +
                  results::testing::quoted(PEAKBENCH_PROGRAM) + " run config.yaml --out again.h5");
  ASSERT_EQ(output.status, 0) << output.text;
  const results::RunData again = results::load(scratch_ / "again.h5");
  ASSERT_EQ(again.eab.size(), data.eab.size());
  EXPECT_EQ(again.info.plan_hash, data.info.plan_hash);
  for (std::size_t i = 0; i < data.eab.size(); ++i) {
    EXPECT_EQ(again.eab[i].case_id, data.eab[i].case_id);
    EXPECT_EQ(again.eab[i].peak_bytes, data.eab[i].peak_bytes);
    const auto first = results::load_eab_trace(scratch_ / "run.h5", data.eab[i].case_id);
    const auto second = results::load_eab_trace(scratch_ / "again.h5", data.eab[i].case_id);
    ASSERT_EQ(first.samples.size(), second.samples.size());
    for (std::size_t s = 0; s < first.samples.size(); ++s)
      EXPECT_EQ(first.samples[s].text, second.samples[s].text);
  }
}

TEST_F(DemoTest, RunsCowAloneUnlessMoreIsAskedFor) {
  const Output output = ask("");
  EXPECT_EQ(output.status, 0);
  EXPECT_THAT(output.text, HasSubstr("[1/1] cow, batched: "));
  EXPECT_THAT(output.text, HasSubstr("Samples of cow, batched"));
  EXPECT_THAT(output.text, Not(HasSubstr("naive     per_path")));
  EXPECT_FALSE(fs::exists(scratch_ / "results"));
}

TEST_F(DemoTest, SavesPicturesAndNeverOverThoseThatExist) {
  PEAKBENCH_NEEDS_GNUPLOT();
  const Output output = ask("--compare-all --save-plots");
  ASSERT_EQ(output.status, 0) << output.text;
  for (const char* name : {"entropy", "tree", "resources"})
    for (const char* end : {".svg", ".png"}) {
      const std::string file = std::string("results/demo/") + name + end;
      EXPECT_GT(read_file(scratch_ / file).size(), 2000u) << file;
      EXPECT_THAT(output.text, HasSubstr("plot: " + file));
    }
  const std::string before = read_file(scratch_ / "results/demo/entropy.svg");
  const Output again = ask("--save-plots --seed 7");
  EXPECT_EQ(again.status, 2);
  EXPECT_THAT(again.text,
              StartsWith("peakbench-demo: plot results/demo/entropy.svg already exists"));
  EXPECT_EQ(read_file(scratch_ / "results/demo/entropy.svg"), before);
  EXPECT_EQ(ask("--save-plots --seed 7 --force").status, 0);
  EXPECT_NE(read_file(scratch_ / "results/demo/entropy.svg"), before);
}

TEST_F(DemoTest, MistakesAreOneMessageAndStatus2) {
  write_file(scratch_ / "mine.h5", "mine");
  for (const auto& [arguments, message] : std::vector<std::pair<std::string, std::string>>{
           {"--threshold high", "--threshold cannot be `high`"},
           {"--max-paths 0", "--max-paths cannot be `0`"},
           {"--arms cow,naiv", "--arms cannot be `naiv`"},
           {"--model no.gguf", "no.gguf"},
           {"--prompt-format chat", "chat template"},
           {"--out mine.h5", "mine.h5 already exists"},
           {"--out /proc/none/x.h5", "/proc/none"},
           {"--prompt ' '", "--prompt is empty"},
           {"--device cuda:7", "--device cannot be `cuda:7`"}}) {
    const Output output = ask(arguments);
    EXPECT_EQ(output.status, 2) << arguments << output.text;
    EXPECT_THAT(output.text, StartsWith("peakbench-demo: ")) << arguments;
    EXPECT_THAT(output.text, HasSubstr(message));
    EXPECT_EQ(count(output.text, "\n"), 1u) << output.text;
  }
  EXPECT_EQ(read_file(scratch_ / "mine.h5"), "mine");
  EXPECT_EQ(ask("--no-such-option").status, 2);
  EXPECT_EQ(ask("--arms cow --compare-all").status, 2);
  EXPECT_EQ(ask("too many words").status, 2);
}

TEST_F(DemoTest, AnArmThatCannotRunIsToldAndStatus1) {
  const Output output = ask("--max-new-tokens 5000");
  EXPECT_EQ(output.status, 1) << output.text;
  EXPECT_THAT(output.text, HasSubstr("skipped: prompt and new tokens need"));
}

TEST_F(DemoTest, HelpShowsEveryOptionAndExamples) {
  const Output output = ask("--help");
  EXPECT_EQ(output.status, 0);
  EXPECT_THAT(output.text, HasSubstr("Examples:"));
  for (const char* option : {"--prompt", "--compare-all", "--save-plots", "--threshold", "--out",
                             "--plots", "--arms", "--device", "--threads", "(default: 0.2)"})
    EXPECT_THAT(output.text, HasSubstr(option));
}

TEST_F(DemoTest, AsksAndAnswersUntilTheEndOfTheInput) {
  const Output output = talk("Once upon a time\n\n  The dog was  \n");
  EXPECT_EQ(output.status, 0) << output.text;
  EXPECT_THAT(output.text, HasSubstr("“Once upon a time”"));
  EXPECT_THAT(output.text, HasSubstr("“The dog was”"));
  EXPECT_EQ(count(output.text, "Samples of cow, batched"), 2u);
  EXPECT_EQ(talk("").status, 0);
  EXPECT_EQ(count(talk("no line end").text, "Samples of"), 1u);
}

TEST_F(DemoTest, CommandsChangeTheSettings) {
  const Output output = talk("/threshold 0.05\n/max-paths 3\n/arms cow,naive\n/seed\n/show\n"
                             "Once upon a time\n/compare off\n/tree\n/quit\nnot asked\n");
  EXPECT_EQ(output.status, 0);
  EXPECT_THAT(output.text, HasSubstr("threshold 0.05\nmax-paths 3\narms cow,naive\nseed 42\n"));
  EXPECT_THAT(output.text, HasSubstr("threshold       0.05\n")); // of /show
  EXPECT_THAT(output.text, HasSubstr("max_paths 3, threshold 0.05"));
  EXPECT_THAT(output.text, HasSubstr("[2/2] naive, per_path: "));
  EXPECT_THAT(output.text, HasSubstr("arms cow\n"));
  EXPECT_THAT(output.text, HasSubstr("└ [")); // of /tree
  EXPECT_THAT(output.text, Not(HasSubstr("not asked")));
}

TEST_F(DemoTest, HelpExplainsEveryCommand) {
  const Output output = talk("/help\n");
  for (const char* name :
       {"threshold", "temperature", "max-paths", "max-new-tokens", "branch-factor", "seed", "arms",
        "compare", "plots", "show", "tree", "help", "quit"})
    EXPECT_THAT(output.text, HasSubstr("  /" + std::string(name) + " "));
}

TEST_F(DemoTest, ABadCommandIsOneMessageAndTheNextOneCounts) {
  for (const auto& [line, message] : std::vector<std::pair<std::string, std::string>>{
           {"/thresold 0.1", "no command /thresold Did you mean /threshold?"},
           {"/", "no command /"},
           {"/model x", "no command /model"},
           {"/threshold much", "/threshold cannot be `much` (allowed: a number of at least 0)"},
           {"/compare maybe", "/compare cannot be `maybe` (allowed: on, off)"},
           {"/plots", "/plots cannot be ``"},
           {"/tree", "no tree yet"},
           {"/quit now", "/quit takes no value"}}) {
    const Output output = talk(line + "\n/seed\n");
    EXPECT_EQ(output.status, 0) << line;
    EXPECT_THAT(output.text, StartsWith("peakbench-demo: " + message)) << line;
    EXPECT_TRUE(output.text.ends_with("\nseed 42\n")) << output.text;
    EXPECT_EQ(count(output.text, "\n"), 2u) << output.text;
  }
}

TEST_F(DemoTest, EveryPromptHasFilesOfItsOwn) {
  PEAKBENCH_NEEDS_GNUPLOT();
  const Output output =
      talk("Once upon a time\nThe dog was\n/plots off\nLily\n", "--plots pictures --out run.h5");
  EXPECT_EQ(output.status, 0) << output.text;
  for (const char* file : {"pictures/1-tree.svg", "pictures/2-tree.png", "run-1.h5", "run-3.h5"})
    EXPECT_TRUE(fs::exists(scratch_ / file)) << file;
  EXPECT_FALSE(fs::exists(scratch_ / "pictures/3-tree.svg"));
  EXPECT_EQ(results::load(scratch_ / "run-2.h5").eab.size(), 1u);
}

TEST_F(DemoTest, AHostilePromptIsOnlyAPrompt) {
  PEAKBENCH_NEEDS_GNUPLOT();
  const Output output = talk("`touch owned` '; !touch owned; \" \x1b[31m \xFF <b> %s {/Symbol a}\n",
                             "--plots pictures");
  EXPECT_EQ(output.status, 0) << output.text;
  EXPECT_FALSE(fs::exists(scratch_ / "owned"));
  EXPECT_THAT(output.text, Not(HasSubstr("\x1b[31m")));
  EXPECT_THAT(read_file(scratch_ / "pictures/1-entropy.svg"), HasSubstr("&lt;b> %s {/Symbol a}"));
}

// Starts the demo with more work than it can do in time, and sends SIGINT once it works: it waits
// for signals before it makes its file.
constexpr const char* kInterrupt = R"(
{ echo "Once upon a time"; while [ ! -e said ]; do sleep 0.05; done; cat rest; } | "$@" >out 2>err &
for i in $(seq 1000); do [ -e run-1.h5 ] || [ -e run.h5 ] && break; sleep 0.05; done
kill -INT $!
for i in $(seq 1000); do grep -q interrupted err && break; sleep 0.05; done
touch said
wait $!
echo "status $?"
cat out err
)";

TEST_F(DemoTest, AnInterruptEndsTheGenerationAndTheConversationGoesOn) {
  write_file(scratch_ / "rest", "/repeats 1\nThe dog was\n");
  write_file(scratch_ / "go.sh", kInterrupt);
  const Output output =
      run_program("cd " + results::testing::quoted(scratch_.path()) + " && bash go.sh " +
                  results::testing::quoted(PEAKBENCH_DEMO) + " --model " +
                  results::testing::quoted(model_) + kFew + "--repeats 99999 --out run.h5");
  EXPECT_THAT(output.text, StartsWith("status 0\n"));
  EXPECT_THAT(output.text, HasSubstr("interrupted: this prompt has no result"));
  EXPECT_THAT(output.text, Not(HasSubstr("“Once upon a time”")));
  EXPECT_THAT(output.text, HasSubstr("“The dog was”"));
  EXPECT_TRUE(results::load(scratch_ / "run-1.h5").eab.empty());
}

TEST_F(DemoTest, AnInterruptedPromptEndsWithStatus3) {
  write_file(scratch_ / "rest", "");
  write_file(scratch_ / "go.sh", kInterrupt);
  const Output output = run_program("cd " + results::testing::quoted(scratch_.path()) +
                                    " && bash go.sh " + results::testing::quoted(PEAKBENCH_DEMO) +
                                    " --model " + results::testing::quoted(model_) + kFew +
                                    "--repeats 99999 --out run.h5 --prompt 'Once upon a time'");
  EXPECT_THAT(output.text, StartsWith("status 3\n"));
  EXPECT_THAT(output.text, HasSubstr("interrupted: run.h5 holds the arms that were finished"));
  EXPECT_FALSE(fs::exists(scratch_ / "run.h5.lock"));
}

} // namespace
} // namespace peakbench
