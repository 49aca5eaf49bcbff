#include "results/spool.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <random>

#include "base/error.h"
#include "results/examples.h"
#include "support/support.h"

namespace peakbench::results {
namespace {

namespace fs = std::filesystem;
using peakbench::testing::read_file;
using peakbench::testing::ScratchFolder;
using peakbench::testing::write_file;
using ::testing::ElementsAre;
using testing::ep_example;
using testing::equal;
using testing::example_info;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;

class SpoolTest : public ::testing::Test {
protected:
  SpoolTest() { make_spool_folder(path_); }
  Spooled read(const std::string& identity = "plan 1") const { return read_spool(path_, identity); }
  fs::path only_file() const { return fs::directory_iterator(path_ + ".spool")->path(); }
  ScratchFolder scratch_;
  const std::string path_ = (scratch_ / "r.h5").string();
};

TEST_F(SpoolTest, HoldsWhatWasAppended) {
  Spool spool(path_, "plan 1");
  EXPECT_THAT(read().messages, IsEmpty());
  const std::string bytes("\0\n\xff", 3), big(std::size_t{3} << 20, 'b');
  spool.append("first");
  spool.append(bytes);
  spool.append("");
  spool.append(big);
  EXPECT_THAT(read().messages, ElementsAre("first", bytes, "", big));
  EXPECT_THAT(read().files, SizeIs(1));
}

TEST_F(SpoolTest, WhatIsInTheResultsFileMakesRoom) {
  Spool spool(path_, "plan 1");
  spool.append("a long first message");
  spool.clear();
  EXPECT_THAT(read().messages, IsEmpty());
  spool.append("b");
  EXPECT_THAT(read().messages, ElementsAre("b"));
  spool.clear();
  spool.clear();
  spool.append("c");
  spool.append("d");
  EXPECT_THAT(read().messages, ElementsAre("c", "d"));
  spool.remove();
  remove_spool_folder(path_);
  EXPECT_FALSE(fs::exists(path_ + ".spool"));
}

TEST_F(SpoolTest, ATornEndIsLeftOutWhereverItIsTorn) {
  const std::vector<std::string> messages{"one", "two is longer", "three"};
  std::size_t start = 0;
  {
    Spool spool(path_, "plan 1");
    start = fs::file_size(only_file());
    for (const std::string& message : messages)
      spool.append(message);
  }
  const std::string whole = read_file(only_file());
  std::vector<std::size_t> ends;
  std::size_t end = start;
  for (const std::string& message : messages)
    ends.push_back(end += 16 + message.size());
  ASSERT_EQ(end, whole.size());
  const fs::path file = only_file();
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    write_file(file, whole.substr(0, length));
    const auto complete = static_cast<std::size_t>(
        std::ranges::count_if(ends, [&](auto at) { return at <= length; }));
    const Spooled spooled = read();
    EXPECT_EQ(spooled.messages,
              std::vector<std::string>(messages.begin(),
                                       messages.begin() + static_cast<std::ptrdiff_t>(complete)))
        << length;
    EXPECT_THAT(spooled.foreign, IsEmpty()) << length;
  }
}

TEST_F(SpoolTest, DamagedBytesAreNoRecord) {
  {
    Spool spool(path_, "plan 1");
    spool.append("sound");
    spool.append("damaged");
  }
  std::string bytes = read_file(only_file());
  bytes[bytes.size() - 3] ^= 1;
  write_file(only_file(), bytes);
  EXPECT_THAT(read().messages, ElementsAre("sound"));
  bytes.replace(bytes.find("sound") - 16, 8, 8, '\xff'); // a length beyond all reason
  write_file(only_file(), bytes);
  EXPECT_THAT(read().messages, IsEmpty());
}

TEST_F(SpoolTest, AnotherFilesSpoolIsLeftAlone) {
  Spool(path_, "plan 1").append("a");
  write_file(path_ + ".spool/notes.txt", "not ours");
  const Spooled spooled = read("plan 2");
  EXPECT_THAT(spooled.messages, IsEmpty());
  EXPECT_THAT(spooled.files, IsEmpty());
  EXPECT_THAT(spooled.foreign, SizeIs(2));
  EXPECT_THAT(read().messages, ElementsAre("a"));
  EXPECT_THAT(read().foreign, ElementsAre(HasSubstr("notes.txt")));
  remove_spool_folder(path_);
  EXPECT_TRUE(fs::exists(path_ + ".spool/notes.txt"));
}

TEST_F(SpoolTest, NoFolderIsToldAndNothingIsRead) {
  EXPECT_THAT([&] { Spool(path_ + "x", "plan 1"); },
              ThrowsMessage<UserError>(HasSubstr("No such file or directory")));
  EXPECT_THAT(read_spool(path_ + "x", "plan 1").messages, IsEmpty());
  EXPECT_THAT([] { make_spool_folder("/proc/none/r.h5"); },
              ThrowsMessage<UserError>(HasSubstr("/proc/none/r.h5.spool")));
}

// A rank that appends and tells, killed at any moment: what was told is there.
TEST_F(SpoolTest, WhatWasAppendedSurvivesAKill) {
  std::mt19937 random(11);
  for (int round = 0; round < 20; ++round) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
      Spool spool(path_, "plan 1");
      for (int number = 0;; ++number) {
        spool.append(std::string(static_cast<std::size_t>(number % 700), 'x') +
                     std::to_string(number));
        if (write(ends[1], &number, sizeof number) != sizeof number)
          _exit(1);
      }
    }
    close(ends[1]);
    int told = -1;
    ASSERT_EQ(::read(ends[0], &told, sizeof told), static_cast<ssize_t>(sizeof told));
    usleep(static_cast<useconds_t>(random() % 3000));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    while (::read(ends[0], &told, sizeof told) == sizeof told)
      ;
    close(ends[0]);
    const Spooled spooled = read();
    ASSERT_GE(spooled.messages.size(), static_cast<std::size_t>(told) + 1) << round;
    ASSERT_TRUE(spooled.messages.back().ends_with(std::to_string(spooled.messages.size() - 1)));
    for (const std::string& file : spooled.files)
      fs::remove(file);
  }
}

TEST_F(SpoolTest, ARunTakesOverWhatItsFileLacks) {
  Store store = Store::create(path_, example_info());
  EpRow failed = ep_example(3, "failed"), better = ep_example(3), worse = ep_example(4, "failed");
  store.append(ep_example(1));
  store.append(failed);
  store.append(ep_example(4, "timed_out"));
  {
    Spool spool(path_, store.identity());
    EpRow other = ep_example(1); // had been written before rank 0 died
    other.record.step_seconds = 99;
    for (const EpRow& row : {other, ep_example(2), better, worse, ep_example(2)})
      spool.append(to_message(row));
    spool.append("no message of ours");
  }
  EXPECT_EQ(take_over(read_spool(path_, store.identity()), store), 2u);
  remove_spool_folder(path_);
  EXPECT_FALSE(fs::exists(path_ + ".spool")) << "nothing is left to be taken twice";
  const RunData data = load(path_);
  ASSERT_THAT(data.ep, SizeIs(4));
  EXPECT_TRUE(equal(data.ep[0], ep_example(1).record));
  EXPECT_TRUE(equal(data.ep[1], better.record));
  EXPECT_EQ(data.ep[2].status, "timed_out");
  EXPECT_TRUE(equal(data.ep[3], ep_example(2).record));
  EXPECT_THAT(data.ep_repeats, SizeIs(4)) << "one each";
  EXPECT_EQ(load_ep_trace(path_, "ep2").energy, ep_example(2).trace.energy);
}

TEST_F(SpoolTest, AFileMadeAnewIsAnotherFile) {
  RunInfo info = example_info();
  const std::string before = Store::create(path_, info).identity();
  EXPECT_EQ(Store::resume(path_, info).identity(), before);
  fs::remove(path_);
  info.created = "2025-01-02T03:04:06Z";
  EXPECT_NE(Store::create(path_, info).identity(), before);
}

} // namespace
} // namespace peakbench::results
