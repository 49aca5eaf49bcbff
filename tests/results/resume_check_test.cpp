// Files to go on with: whatever is in them, what the check lets through can be gone on with, and
// what it refuses is as it was.
#include "results/resume_check.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>

#include "results/examples.h"
#include "results/in_memory.h"
#include "results/message_of.h"
#include "results/mutations.h"
#include "results/spool.h"
#include "results/store.h"
#include "support/support.h"

namespace peakbench::results {
namespace {

namespace fs = std::filesystem;
using peakbench::testing::read_file;
using peakbench::testing::write_file;
using ::testing::AllOf;
using testing::eab_example;
using testing::ep_example;
using testing::example_info;
using testing::filled;
using ::testing::HasSubstr;
using testing::message_of;

// Of small files: a fifth of a second of work.
GuardLimits quick() {
  GuardLimits limits;
  limits.cpu_seconds = 2 * PEAKBENCH_SLOWED_BY;
  return limits;
}

std::string checked(const std::string& path, const RunInfo& info = example_info()) {
  ResumeCheck check(quick());
  return message_of([&] { check.check(path, info.plan_hash); });
}

std::string write_example(const std::string& path) {
  Store store = Store::create(path, example_info());
  store.write_environment({filled<EnvironmentRow>(0), filled<EnvironmentRow>(1)});
  for (int number = 0; number < 3; ++number) {
    store.append(eab_example(number, number == 1 ? "failed" : "ok"));
    store.append(ep_example(number, number == 2 ? "timed_out" : "ok"));
  }
  store.append(CommRow{filled<CommCase>(1), {{"c", 0, 0.5}}});
  store.append(ScalingRow{filled<ScalingCase>(1), {}});
  store.write_ranks({filled<RankRow>(0), filled<RankRow>(1)});
  return path;
}

// What a run does with a file: retries, new cases, the tables at the end.
void go_on_with(const std::string& path) {
  {
    Store store = Store::resume(path, example_info());
    store.write_environment({filled<EnvironmentRow>(2)});
    for (const auto& [id, status] : store.finished())
      if (id == "eab1" && status != "ok")
        store.append(eab_example(1));
      else if (id == "ep2" && status != "ok")
        store.append(ep_example(2));
    for (int number = 10; number < 12; ++number) {
      store.append(eab_example(number));
      store.append(ep_example(number));
    }
    store.write_ranks({filled<RankRow>(0)});
  }
  load(path);
}

// In a process that may die of it.
std::string gone_on_with(const std::string& path) {
  GuardLimits limits;
  limits.cpu_seconds = 1 * PEAKBENCH_SLOWED_BY;
  return message_of([&] {
    GuardProcess process(limits, [&](const GuardProcess::Send& send) {
      go_on_with(path);
      send('G', "");
    });
    process.receive(path);
  });
}

bool is_death(const std::string& message) {
  return message.find("crashed on it") != std::string::npos ||
         message.find("does not come to an end") != std::string::npos;
}

std::size_t files_in(const fs::path& folder) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST(ResumeCheckTest, ASoundFileIsLetThroughAsItIs) {
  const testing::InMemory memory;
  const std::string path = write_example(*memory / "run.h5");
  const std::string before = read_file(path);
  EXPECT_EQ(checked(path), "no error");
  EXPECT_EQ(read_file(path), before);
  EXPECT_EQ(files_in((*memory).path()), 1u) << "nothing is left behind";
  EXPECT_EQ(gone_on_with(path), "no error");
  const RunData data = load(path);
  EXPECT_EQ(data.eab.size(), 5u);
  EXPECT_EQ(data.eab.at(1).status, "ok") << "the failed one was repeated";
  EXPECT_EQ(checked(path), "no error") << "once more";
}

TEST(ResumeCheckTest, ItsErrorsAreThoseOfGoingOn) {
  const testing::InMemory memory;
  const std::string path = write_example(*memory / "run.h5");
  RunInfo other = example_info();
  other.plan_hash = "fedcba";
  EXPECT_EQ(checked(path, other), message_of([&] { Store::resume(path, other); }));
  EXPECT_THAT(checked(path, other), HasSubstr("of another plan"));
  write_file(*memory / "text.h5", "name: quick\n");
  EXPECT_THAT(checked(*memory / "text.h5"), HasSubstr("not an HDF5 file"));
  EXPECT_THAT(checked(*memory / "none.h5"), HasSubstr("No such file"));
}

// The property that counts. Each file is tried twice: as `run` does it, and, as the control, by
// what would become of a run without the check.
TEST(ResumeCheckTest, WhatItLetsThroughCanBeGoneOnWith) {
  const testing::InMemory memory;
  const std::string good = read_file(write_example(*memory / "good.h5"));
  const std::string path = *memory / "bad.h5";
  testing::Mutations mutations(good, 7);
  constexpr int kFiles = 150;
  int refused = 0, deaths = 0;
  for (int number = 0; number < kFiles; ++number) {
    const std::string bad = mutations.next();
    write_file(path, bad);
    const std::string message = checked(path);
    ASSERT_TRUE(read_file(path) == bad) << number << " was changed";
    const std::string without = gone_on_with(path);
    deaths += is_death(without);
    if (message == "no error") {
      EXPECT_FALSE(is_death(without)) << number << ": " << without;
      continue;
    }
    ++refused;
    EXPECT_THAT(message, HasSubstr(path));
  }
  EXPECT_GT(refused, kFiles / 10);
  EXPECT_LT(refused, kFiles) << "some mutations hit what nobody reads";
  RecordProperty("deaths_without", deaths); // none with a library that survives everything
}

TEST(ResumeCheckTest, EveryLostHeapIsSurvived) {
  const testing::InMemory memory;
  const std::string good = read_file(write_example(*memory / "good.h5"));
  const std::string path = *memory / "lost.h5";
  int refused = 0;
  for (int heap = 0; heap < 5; ++heap) {
    const std::string bad = testing::without_heap(good, heap);
    ASSERT_FALSE(bad.empty());
    write_file(path, bad);
    refused += checked(path) != "no error";
    EXPECT_TRUE(read_file(path) == bad);
  }
  EXPECT_EQ(refused, 5);
  EXPECT_EQ(files_in((*memory).path()), 2u) << "copies are removed when their reader has died";
}

TEST(ResumeCheckTest, RoomThatNobodyNeedsIsNotCopied) {
  const testing::InMemory memory;
  const std::string path = write_example(*memory / "run.h5");
  fs::resize_file(path, std::uintmax_t{1} << 40);
  EXPECT_THAT(checked(path), AllOf(HasSubstr(path), HasSubstr("bytes longer than its content")));
  EXPECT_EQ(fs::file_size(path), std::uintmax_t{1} << 40);
}

TEST(ResumeCheckTest, AFileThatChangesMeanwhileIsRefused) {
  const testing::InMemory memory;
  const std::string path = write_example(*memory / "run.h5");
  const std::string good = read_file(path);
  const auto resumed = [&](const Store::FileCheck& check) {
    return message_of([&] { Store::resume(path, example_info(), check); });
  };
  EXPECT_EQ(resumed([](const std::string&, const std::string&) {}), "no error");
  EXPECT_THAT(resumed([&](const std::string&, const std::string&) {
                write_file(path + ".new", good);
                fs::rename(path + ".new", path);
              }),
              HasSubstr("another program has changed it"));
}

TEST(ResumeCheckTest, WhatKilledRanksLeftIsReadToo) {
  const testing::InMemory memory;
  const std::string path = write_example(*memory / "run.h5");
  const std::string identity = Store::resume(path, example_info()).identity();
  make_spool_folder(path);
  Spool spool(path, identity);
  spool.append(to_message(ep_example(7)));
  spool.append("not a message");
  // Nobody writes to it: a reader would wait for ever.
  ASSERT_EQ(mkfifo((path + ".spool/pipe").c_str(), 0600), 0);
  EXPECT_EQ(checked(path), "no error");
  // Lists within lists, deeper than any stack.
  spool.append(std::string(10'000'000, '\x91'));
  EXPECT_THAT(checked(path), AllOf(HasSubstr(path + ".spool"), HasSubstr("remove")));
}

} // namespace
} // namespace peakbench::results
