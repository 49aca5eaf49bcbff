// Whatever is in a file, and whatever the HDF5 library does with it: rows or a UserError.
#include "results/guard.h"

#include <gmock/gmock.h>

#include <sys/wait.h>

#include <csignal>
#include <thread>

#include "results/examples.h"
#include "results/in_memory.h"
#include "results/merge.h"
#include "results/message_of.h"
#include "results/mutations.h"
#include "results/tables.h"

namespace peakbench::results {
namespace {

using peakbench::testing::read_file;
using peakbench::testing::ScratchFolder;
using peakbench::testing::write_file;
using ::testing::AllOf;
using testing::eab_example;
using testing::ep_example;
using testing::equal;
using testing::example_info;
using testing::filled;
using ::testing::HasSubstr;
using testing::message_of;
using testing::Mutations;
using ::testing::StartsWith;

GuardLimits patient_for(double cpu_seconds) {
  GuardLimits limits;
  limits.cpu_seconds = cpu_seconds;
  return limits;
}

std::string write_example(const std::string& path, int cases) {
  RunInfo info = example_info();
  Store store = Store::create(path, info);
  store.write_environment({filled<EnvironmentRow>(0), filled<EnvironmentRow>(1)});
  for (int number = 0; number < cases; ++number) {
    store.append(eab_example(number));
    store.append(ep_example(number));
  }
  store.append(CommRow{filled<CommCase>(1), {{"c", 0, 0.5}}});
  store.append(ScalingRow{filled<ScalingCase>(1), {}});
  store.write_ranks({filled<RankRow>(0), filled<RankRow>(1)});
  return path;
}

void expect_equal(const RunData& a, const RunData& b) {
  for_each_table_member([&](const char* table, auto member) {
    ASSERT_EQ((a.*member).size(), (b.*member).size()) << table;
    for (std::size_t row = 0; row < (a.*member).size(); ++row)
      EXPECT_TRUE(equal((a.*member)[row], (b.*member)[row])) << table << ' ' << row;
  });
  ASSERT_EQ(a.environment.size(), b.environment.size());
  for (std::size_t row = 0; row < a.environment.size(); ++row)
    EXPECT_TRUE(equal(a.environment[row], b.environment[row]));
  EXPECT_EQ(a.sources.size(), b.sources.size());
  EXPECT_EQ(a.info.config_yaml, b.info.config_yaml);
  EXPECT_EQ(a.info.plan_hash, b.info.plan_hash);
  EXPECT_EQ(a.info.git_dirty, b.info.git_dirty);
  EXPECT_EQ(a.info.peakbench_version, PEAKBENCH_VERSION);
  EXPECT_EQ(a.path, b.path);
}

TEST(GuardTest, GivesWhatLoadGives) {
  const testing::InMemory memory;
  const std::string path = write_example(*memory / "run.h5", 5);
  const RunData data = load(path);
  ASSERT_EQ(data.ep_training.size(), 10u);
  expect_equal(load_guarded(path), data);
  GuardLimits in_blocks;
  in_blocks.whole_bytes = 0;
  expect_equal(load_guarded(path, in_blocks), data);
  EXPECT_EQ(load_eab_trace_guarded(path, "eab3").samples.at(0).text, "Grüße 3");
  EXPECT_EQ(load_ep_trace_guarded(path, "ep3").energy, load_ep_trace(path, "ep3").energy);
  EXPECT_THAT(message_of([&] { load_ep_trace_guarded(path, "none"); }), HasSubstr("no trace"));
}

TEST(GuardTest, ErrorsAreThoseOfLoad) {
  const ScratchFolder scratch;
  write_file(scratch / "text.h5", "name: quick\n");
  write_file(scratch / "empty.h5", "");
  for (const char* name : {"text.h5", "empty.h5", "none.h5"}) {
    const std::string path = scratch / name;
    EXPECT_EQ(message_of([&] { load_guarded(path); }), message_of([&] { load(path); }));
    EXPECT_THAT(message_of([&] { load_guarded(path); }), HasSubstr(path));
  }
}

TEST(GuardTest, DeathAndSilenceOfTheProcessAreUserErrors) {
  const auto message_after = [](const GuardLimits& limits, const GuardProcess::Body& body) {
    return message_of([&] { GuardProcess(limits, body).receive("x.h5"); });
  };
  const auto only_if_it_dies =
      AllOf(StartsWith("cannot read results file x.h5 ("), HasSubstr("damaged or incomplete"));
  EXPECT_THAT(message_after({}, [](const auto&) { raise(SIGKILL); }),
              AllOf(only_if_it_dies, HasSubstr("crashed on it: Killed")));
  EXPECT_THAT(message_after(patient_for(0.1),
                            [](const auto&) {
                              for (volatile int forever = 0; forever == 0;)
                                ;
                            }),
              AllOf(only_if_it_dies, HasSubstr("does not come to an end")));
  GuardLimits short_silence;
  short_silence.wall_seconds = 0.1;
  EXPECT_THAT(
      message_after(short_silence,
                    [](const auto&) { std::this_thread::sleep_for(std::chrono::hours(1)); }),
      AllOf(only_if_it_dies, HasSubstr("has not ended within")));
  // Dies in the middle of what it says.
  EXPECT_THAT(message_after({},
                            [](const auto& send) {
                              std::thread([] {
                                std::this_thread::sleep_for(std::chrono::milliseconds(50));
                                raise(SIGKILL);
                              }).detach();
                              send('B', std::string(64 << 20, 'x'));
                              send('B', std::string(64 << 20, 'x'));
                              std::this_thread::sleep_for(std::chrono::hours(1));
                            }),
              AnyOf(only_if_it_dies, ::testing::Eq("no error")));
#if !defined(__SANITIZE_ADDRESS__)
  GuardLimits little;
  little.memory_bytes = 64 << 20;
  EXPECT_THAT(
      message_after(little,
                    [](const auto& send) { send('B', std::string(std::size_t{1} << 30, 'x')); }),
      HasSubstr("bad_alloc"));
#endif
  // The control: one that does its work.
  EXPECT_EQ(message_after({}, [](const auto& send) { send('B', "fine"); }), "no error");
}

TEST(GuardTest, AWaitingProcessAnswersItsQuestionAlone) {
  const auto answers = [](const GuardProcess::Send& send, const std::string& question) {
    if (question == "die")
      raise(SIGKILL);
    send('A', question + "!");
  };
  GuardProcess process = GuardProcess::waiting({}, answers);
  const std::string longer(1 << 20, 'q'); // than what waits in between
  process.ask(longer);
  EXPECT_EQ(process.receive("x.h5").bytes, longer + "!");
  GuardProcess dies = GuardProcess::waiting({}, answers);
  dies.ask("die");
  EXPECT_THAT(message_of([&] { dies.receive("x.h5"); }), HasSubstr("crashed on it: Killed"));
  // What ends a run does not end it, and one that is dead already raises no signal here.
  GuardProcess deaf = GuardProcess::waiting({}, answers);
  for (const int number : {SIGINT, SIGTERM, SIGUSR1})
    kill(deaf.pid(), number);
  deaf.ask("you");
  EXPECT_EQ(deaf.receive("x.h5").bytes, "you!");
  GuardProcess dead = GuardProcess::waiting({}, answers);
  kill(dead.pid(), SIGKILL);
  siginfo_t ended{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(dead.pid()), &ended, WEXITED | WNOWAIT), 0);
  dead.ask("you");
  EXPECT_THAT(message_of([&] { dead.receive("x.h5"); }), HasSubstr("crashed on it: Killed"));
}

TEST(GuardTest, AFileAfterABadOneIsRead) {
  const testing::InMemory memory;
  const ScratchFolder& scratch = *memory;
  std::vector<std::string> paths;
  for (int number = 0; number < 7; ++number) {
    paths.push_back(scratch / (std::to_string(number) + ".h5"));
    if (number % 3 == 1)
      write_file(paths.back(), "no results");
    else
      write_example(paths.back(), number);
  }
  GuardedFiles files(paths, true);
  struct Count : BlockSink {
    void head(FileHead) override { ++heads; }
    void block(Block block) override { eab += block.rows.eab.size(); }
    std::size_t heads = 0, eab = 0;
  };
  for (std::size_t number = 0; number < paths.size(); ++number) {
    ASSERT_EQ(files.path(), paths[number]);
    Count count;
    const std::string message = message_of([&] { files.read_next(count); });
    if (number % 3 == 1)
      EXPECT_THAT(message, HasSubstr("not an HDF5 file"));
    else
      EXPECT_EQ(message, "no error");
    EXPECT_EQ(count.heads, number % 3 == 1 ? 0u : 1u);
    EXPECT_EQ(count.eab, number % 3 == 1 ? 0u : number);
  }
  EXPECT_TRUE(files.at_end());
}

TEST(GuardTest, MutatedFilesGiveRowsOrAUserError) {
  const testing::InMemory memory;
  const ScratchFolder& scratch = *memory;
  Mutations mutations(read_file(write_example(scratch / "good.h5", 3)));
  constexpr int kFiles = 160;
  std::vector<std::string> paths;
  for (int number = 0; number < kFiles; ++number) {
    paths.push_back(scratch / ("bad" + std::to_string(number) + ".h5"));
    write_file(paths.back(), mutations.next());
  }
  // As merging reads them, and merging what is left.
  int refused = 0, told = 0;
  MergeOptions options;
  options.limits = patient_for(0.2);
  options.skipped = [&](const UserError& error) {
    ++refused;
    told += std::string(error.what()).find("bad") != std::string::npos;
  };
  const MergeSummary summary = merge_files(paths, scratch / "to.h5", {"", ""}, false, options);
  EXPECT_EQ(static_cast<int>(summary.unreadable), refused);
  EXPECT_EQ(told, refused) << "every message names its file";
  EXPECT_GT(refused, kFiles / 10);
  EXPECT_LT(refused, kFiles) << "some mutations hit what nobody reads";
  EXPECT_GT(load(scratch / "to.h5").eab.size(), 0u);
}

// Known: HDF5 1.10.8 looks for an object in a global heap of zeros for ever.
TEST(GuardTest, EveryLostPageIsSurvived) {
  const testing::InMemory memory;
  const ScratchFolder& scratch = *memory;
  const std::string good = read_file(write_example(scratch / "good.h5", 1));
  const std::string path = scratch / "lost.h5";
  int heaps = 0, refused = 0;
  for (std::size_t heap = good.find("GCOL"); heap != good.npos;
       heap = good.find("GCOL", heap + 1)) {
    std::string bytes = good;
    bytes.replace(heap, 512, std::string(512, '\0'));
    write_file(path, bytes);
    ++heaps;
    refused += message_of([&] { load_guarded(path, patient_for(0.2)); }) != "no error";
    bytes = good; // its header whole, its objects lost
    bytes.replace(heap + 16, 496, std::string(496, '\0'));
    write_file(path, bytes);
    message_of([&] { load_guarded(path, patient_for(0.2)); });
    if (heaps == 5)
      break;
  }
  EXPECT_GT(heaps, 0);
  EXPECT_EQ(refused, heaps);
}

} // namespace
} // namespace peakbench::results
