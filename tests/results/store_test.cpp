#include "results/store.h"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "base/error.h"
#include "results/examples.h"
#include "results/hdf5.h"
#include "results/table.h"
#include "support/support.h"

namespace peakbench::results {
namespace {

namespace fs = std::filesystem;
using peakbench::testing::ScratchFolder;
using testing::eab_example;
using ::testing::ElementsAre;
using testing::ep_example;
using testing::equal;
using testing::example_info;
using testing::filled;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::ThrowsMessage;

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder))
    names.push_back(entry.path().filename());
  return names;
}

TEST(StoreTest, GivesBackWhatWasWritten) {
  const ScratchFolder scratch;
  const std::string path = scratch / "run.h5";
  const std::vector<EnvironmentRow> environment{filled<EnvironmentRow>(0),
                                                filled<EnvironmentRow>(1)};
  {
    Store store = Store::create(path, example_info());
    store.write_environment(environment);
    for (int number = 0; number < 70; ++number)
      store.append(eab_example(number)); // several chunks
    store.append(ep_example(1));
    store.append(eab_example(70, "ok", 5000)); // a compressed trace
  }
  EXPECT_THAT(names_in(scratch.path()), ElementsAre("run.h5"));
  const RunData run = load(path);
  EXPECT_EQ(run.path, path);
  EXPECT_EQ(run.info.name, "example");
  EXPECT_EQ(run.info.command_line, example_info().command_line);
  EXPECT_EQ(run.info.plan_hash, example_info().plan_hash);
  EXPECT_EQ(run.info.created, example_info().created);
  EXPECT_EQ(run.info.git_revision, "abc123");
  EXPECT_TRUE(run.info.git_dirty);
  EXPECT_EQ(run.info.config_yaml, example_info().config_yaml);
  EXPECT_EQ(run.info.plan_json, example_info().plan_json);
  ASSERT_EQ(run.environment.size(), 2u);
  EXPECT_TRUE(equal(run.environment[1], environment[1]));
  ASSERT_EQ(run.eab.size(), 71u);
  for (int number = 0; number < 70; ++number)
    EXPECT_TRUE(equal(run.eab[number], eab_example(number).record)) << number;
  EXPECT_EQ(run.eab_repeats.size(), 71u * 3);
  EXPECT_TRUE(equal(run.eab_repeats[5], eab_example(1).repeats[2]));
  ASSERT_EQ(run.ep.size(), 1u);
  EXPECT_TRUE(equal(run.ep[0], ep_example(1).record));
  EXPECT_EQ(run.ep_repeats.size(), 1u);

  for (const auto& [number, nodes] : {std::pair{3, 5}, std::pair{70, 5000}}) {
    const EabTrace trace = load_eab_trace(path, "eab" + std::to_string(number));
    const EabTrace expected = eab_example(number, "ok", nodes).trace;
    EXPECT_EQ(trace.prompt_tokens, expected.prompt_tokens);
    ASSERT_EQ(trace.nodes.size(), expected.nodes.size());
    for (std::size_t index = 0; index < trace.nodes.size(); ++index) {
      const TraceNode &a = trace.nodes[index], &b = expected.nodes[index];
      ASSERT_EQ(std::tie(a.node, a.parent, a.token, a.position, a.log_prob, a.entropy, a.branched),
                std::tie(b.node, b.parent, b.token, b.position, b.log_prob, b.entropy, b.branched));
    }
    ASSERT_EQ(trace.samples.size(), 2u);
    EXPECT_EQ(trace.samples[0].text, expected.samples[0].text);
    EXPECT_EQ(trace.samples[0].leaf, nodes - 1);
    EXPECT_EQ(trace.samples[1].log_prob, -2.5);
    ASSERT_EQ(trace.tokens.size(), 3u);
    EXPECT_EQ(trace.tokens[0].token, 100);
    EXPECT_EQ(trace.tokens[0].text, " Grüße");
    EXPECT_EQ(trace.tokens[1].text, "\n");
    EXPECT_EQ(trace.tokens[2].text, "");
  }
  EXPECT_EQ(load_ep_trace(path, "ep1").energy, ep_example(1).trace.energy);
  EXPECT_EQ(load_ep_trace(path, "ep1").gradient_norm, ep_example(1).trace.gradient_norm);
  EXPECT_EQ(load_ep_trace(path, "ep1").cosine_to_backprop, ep_example(1).trace.cosine_to_backprop);
  EXPECT_THROW(load_ep_trace(path, "ep2"), UserError);
  EXPECT_THROW(load_eab_trace(path, ""), UserError);
}

TEST(StoreTest, EveryCaseIsInTheFileOnceAppendReturns) {
  const ScratchFolder scratch;
  const std::string path = scratch / "run.h5";
  Store store = Store::create(path, example_info());
  EXPECT_TRUE(load(path).eab.empty());
  for (int number = 0; number < 5; ++number) {
    store.append(eab_example(number));
    // A copy, which shares nothing with the open file.
    fs::copy_file(path, scratch / "copy.h5", fs::copy_options::overwrite_existing);
    EXPECT_EQ(load(scratch / "copy.h5").eab.size(), number + 1u);
    EXPECT_EQ(load(path).eab.size(), number + 1u);
  }
}

TEST(StoreTest, ResumesWhatIsThereAndReplacesWhatFailed) {
  const ScratchFolder scratch;
  const std::string path = scratch / "run.h5";
  {
    Store store = Store::create(path, example_info());
    store.append(eab_example(1));
    store.append(eab_example(2, "failed", 7));
    store.append(eab_example(3));
    store.append(ep_example(1, "timed_out"));
  }
  {
    Store store = Store::resume(path, example_info());
    EXPECT_THAT(store.finished(), ElementsAre(Pair("eab1", "ok"), Pair("eab2", "failed"),
                                              Pair("eab3", "ok"), Pair("ep1", "timed_out")));
    EXPECT_THAT([&] { store.append(eab_example(1)); },
                ThrowsMessage<UserError>(HasSubstr("case eab1 is already in")));
    EabRow again = eab_example(2);
    again.record.samples = 77;
    again.repeats.pop_back();
    store.append(again);
    store.append(eab_example(4));
    EpRow retried = ep_example(1);
    retried.trace = {};
    store.append(retried);
    EXPECT_THAT(store.finished(),
                ElementsAre(Pair("eab1", "ok"), Pair("eab2", "ok"), Pair("eab3", "ok"),
                            Pair("eab4", "ok"), Pair("ep1", "ok")));
  }
  const RunData run = load(path);
  ASSERT_EQ(run.eab.size(), 4u);
  EXPECT_EQ(run.eab[1].case_id, "eab2");
  EXPECT_EQ(run.eab[1].samples, 77);
  EXPECT_TRUE(equal(run.eab[2], eab_example(3).record));
  const auto repeats_of = [&](const std::string& id) {
    return std::ranges::count_if(run.eab_repeats,
                                 [&](const auto& row) { return row.case_id == id; });
  };
  EXPECT_EQ(repeats_of("eab2"), 2);
  EXPECT_EQ(repeats_of("eab3"), 3);
  EXPECT_EQ(load_eab_trace(path, "eab2").nodes.size(), 5u);
  ASSERT_EQ(run.ep.size(), 1u);
  EXPECT_EQ(run.ep[0].status, "ok");
  EXPECT_THROW(load_ep_trace(path, "ep1"),
               UserError); // the failed try's trace is not the new one's
}

TEST(StoreTest, EnvironmentOfAResumedRunIsAddedOnlyWhereItDiffers) {
  const ScratchFolder scratch;
  const std::string path = scratch / "run.h5";
  Store::create(path, example_info()).write_environment({filled<EnvironmentRow>(0)});
  Store::resume(path, example_info()).write_environment({filled<EnvironmentRow>(0)});
  EXPECT_EQ(load(path).environment.size(), 1u);
  Store::resume(path, example_info()).write_environment({filled<EnvironmentRow>(9)});
  EXPECT_EQ(load(path).environment.size(), 2u);
}

TEST(StoreTest, TextsThatHdf5CannotHoldAreMadeReadable) {
  const ScratchFolder scratch;
  const std::string path = scratch / "run.h5";
  EabRow row = eab_example(1);
  row.record.reason = std::string("a\0b", 3);
  row.trace.samples[0].text = "half \xE2\x82";
  row.trace.tokens[0].text = std::string("\xE2\x82\0", 3);
  Store::create(path, example_info()).append(row);
  EXPECT_EQ(load(path).eab.at(0).reason, "a\uFFFDb");
  EXPECT_EQ(load_eab_trace(path, "eab1").samples.at(0).text, "half \uFFFD\uFFFD");
  EXPECT_EQ(load_eab_trace(path, "eab1").tokens.at(0).text, "\uFFFD\uFFFD\uFFFD");
}

TEST(StoreTest, NeverOverwrites) {
  const ScratchFolder scratch;
  const std::string path = scratch / "run.h5";
  peakbench::testing::write_file(path, "precious");
  EXPECT_THAT([&] { Store::create(path, example_info()); },
              ThrowsMessage<UserError>(HasSubstr("already exists")));
  EXPECT_EQ(peakbench::testing::read_file(path), "precious");
  EXPECT_THAT(names_in(scratch.path()), ElementsAre("run.h5"));
}

TEST(StoreTest, RefusesAnotherPlanAnotherSchemaAndForeignFiles) {
  const ScratchFolder scratch;
  const std::string path = scratch / "run.h5";
  Store::create(path, example_info()).append(eab_example(1));
  const std::string before = peakbench::testing::read_file(path);
  RunInfo other = example_info();
  other.plan_hash = "fedcba9876543210";
  EXPECT_THAT([&] { Store::resume(path, other); },
              ThrowsMessage<UserError>(HasSubstr("fedcba9876543210")));
  EXPECT_EQ(peakbench::testing::read_file(path), before);

  const std::string newer = scratch / "newer.h5";
  fs::copy_file(path, newer);
  {
    const Handle file = open_file(newer, true);
    H5Adelete(file, "schema_version");
    write_attribute(file, "schema_version", std::int64_t{kSchemaVersion + 1});
  }
  EXPECT_THAT([&] { load(newer); }, ThrowsMessage<UserError>(HasSubstr("schema version 2")));
  EXPECT_THROW(Store::resume(newer, example_info()), UserError);

  const std::string foreign = scratch / "foreign.h5";
  create_file(foreign);
  EXPECT_THAT([&] { load(foreign); }, ThrowsMessage<UserError>(HasSubstr("not a results file")));
  EXPECT_THROW(Store::resume(foreign, example_info()), UserError);

  const std::string columns = scratch / "columns.h5";
  fs::copy_file(path, columns);
  {
    const Handle file = open_file(columns, true);
    H5Ldelete(file, "/ep/cases", H5P_DEFAULT);
    create_table<RepeatRow>(file, "/ep/cases", 8);
  }
  EXPECT_THAT([&] { Store::resume(columns, example_info()); },
              ThrowsMessage<UserError>(HasSubstr("other columns")));
}

TEST(StoreTest, ColumnsThatAFileLacksStayAbsent) {
  const ScratchFolder scratch;
  const std::string path = scratch / "table.h5";
  const QuietErrors quiet;
  const Handle file = create_file(path);
  create_table<RepeatRow>(file, "/rows", 8);
  append_rows<RepeatRow>(file, "/rows", eab_example(1).repeats);
  const auto rows = read_rows<EabCase>(file, "/rows"); // shares case_id and three byte columns
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[2].case_id, "eab1");
  EXPECT_EQ(rows[2].peak_bytes, 102);
  EXPECT_EQ(rows[2].samples, kAbsent);
  EXPECT_TRUE(std::isnan(rows[2].wall_seconds));
  EXPECT_EQ(rows[2].arm, "");
}

TEST(StoreTest, MissingFolderAndMissingFileAreUserErrors) {
  const ScratchFolder scratch;
  const std::string nowhere = scratch / "no/such/run.h5";
  EXPECT_THAT([&] { Store::create(nowhere, example_info()); },
              ThrowsMessage<UserError>(HasSubstr("create the folder first")));
  EXPECT_THROW(Store::resume(nowhere, example_info()), UserError);
  EXPECT_THAT([&] { load(scratch / "none.h5"); },
              ThrowsMessage<UserError>(HasSubstr("No such file")));
  EXPECT_THAT([&] { load(scratch.path()); },
              ThrowsMessage<UserError>(HasSubstr("not a regular file")));
}

TEST(StoreTest, AFolderThatMayNotBeWrittenIsAUserError) {
  const ScratchFolder scratch;
  const std::string path = scratch / "run.h5";
  fs::permissions(scratch.path(), fs::perms(0555));
  const pid_t child = fork();
  if (child == 0) {
    constexpr uid_t kNobody = 65534; // root may write everywhere
    if (geteuid() == 0 && seteuid(kNobody) != 0)
      _exit(3);
    try {
      Store::create(path, example_info());
    } catch (const UserError& error) {
      _exit(std::string(error.what()).find("Permission denied") == std::string::npos ? 2 : 0);
    }
    _exit(1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  fs::permissions(scratch.path(), fs::perms(0755));
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(StoreTest, ASecondLauncherIsRefused) {
  const ScratchFolder scratch;
  const std::string path = scratch / "run.h5";
  {
    Store store = Store::create(path, example_info());
    store.append(eab_example(1));
    const auto refused = ThrowsMessage<UserError>(
        ::testing::AllOf(HasSubstr("is in use"), HasSubstr("process " + std::to_string(getpid()))));
    EXPECT_THAT([&] { Store::resume(path, example_info()); }, refused);
    EXPECT_THAT([&] { Store::create(path, example_info()); }, refused);
    store.append(eab_example(2)); // undisturbed
    EXPECT_EQ(load(path).eab.size(), 2u);
  }
  EXPECT_NO_THROW(Store::resume(path, example_info()));
}

// Runs in a child, since the limit cannot be taken back and files stay half open.
int append_without_room(const std::string& path) {
  signal(SIGXFSZ, SIG_IGN);
  Store store = Store::resume(path, example_info());
  store.append(eab_example(1));
  const auto size = fs::file_size(path);
  const rlimit limit{size + 1000, size + 1000};
  setrlimit(RLIMIT_FSIZE, &limit);
  try {
    for (int number = 2; number < 50; ++number)
      store.append(eab_example(number, "ok", 4000));
  } catch (const UserError& error) {
    return std::string(error.what()).find("make room") == std::string::npos ? 2 : 0;
  }
  return 1;
}

TEST(StoreTest, AFullDiskLosesNothingThatWasWritten) {
  const ScratchFolder scratch;
  const std::string path = scratch / "run.h5";
  Store::create(path, example_info()).append(eab_example(0));
  const pid_t child = fork();
  if (child == 0)
    _exit(append_without_room(path));
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status)) << status;
  EXPECT_EQ(WEXITSTATUS(status), 0);
  const RunData run = load(path);
  ASSERT_GE(run.eab.size(), 2u);
  EXPECT_TRUE(equal(run.eab[1], eab_example(1).record));
  EXPECT_THAT(names_in(scratch.path()), ElementsAre("run.h5"));
  Store::resume(path, example_info()).append(eab_example(60));
  EXPECT_EQ(load(path).eab.size(), run.eab.size() + 1);
}

} // namespace
} // namespace peakbench::results
