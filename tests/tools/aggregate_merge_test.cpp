// Many files as peakbench-aggregate is given them: folders, patterns, lists; and bad ones among
// them.
#include <gmock/gmock.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <sstream>
#include <thread>

#include "aggregate/progress.h"
#include "results/examples.h"
#include "results/in_memory.h"
#include "results/python.h"
#include "results/store.h"
#include "support/support.h"

namespace peakbench {
namespace {

namespace fs = std::filesystem;
using peakbench::testing::read_file;
using peakbench::testing::ScratchFolder;
using peakbench::testing::write_file;
using results::testing::ep_example;
using results::testing::example_info;
using results::testing::Output;
using results::testing::quoted;
using results::testing::run_program;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class AggregateMergeTest : public ::testing::Test {
protected:
  AggregateMergeTest() {
    fs::create_directory(scratch_ / "in");
    for (int number = 0; number < 4; ++number)
      write("in/f" + std::to_string(number) + ".h5", number);
  }
  // One EP case.
  void write(const std::string& name, int number) {
    results::Store store = results::Store::create(scratch_ / name, example_info());
    results::EpRow row = ep_example(number);
    row.record.environment = row.record.source = -1;
    row.repeats[0].source = -1;
    store.append(row);
  }
  Output run(const std::string& arguments, const std::string& input = "/dev/null") const {
    return run_program("cd " + quoted(scratch_.path()) + " && " + quoted(PEAKBENCH_AGGREGATE) +
                       " " + arguments + " <" + input);
  }
  // The sources of a merged file, by their names alone.
  std::string sources_of(const std::string& name) const {
    std::string names;
    for (const auto& row : results::load(scratch_ / name).sources)
      names += fs::path(row.path).stem().string() + " ";
    return names;
  }
  bool is_clean() const { // nothing half-written
    for (const auto& entry : fs::directory_iterator(scratch_.path()))
      if (entry.path().extension() != ".h5" && !entry.is_directory())
        return false;
    return true;
  }

  const results::testing::InMemory memory_;
  const ScratchFolder& scratch_ = *memory_;
};

TEST_F(AggregateMergeTest, FoldersPatternsAndListsAreFiles) {
  write_file(scratch_ / "in/notes.txt", "none of ours");
  write_file(scratch_ / "in/f0.h5.part", "half");
  write_file(scratch_ / "in/f0.h5.lock", "");
  fs::create_directory(scratch_ / "in/more.h5");
  fs::copy_file(scratch_ / "in/f3.h5", scratch_ / "odd [1] name*.h5");
  write_file(scratch_ / "list", "in/f2.h5\r\n\nin/f1.h5\n");
  write_file(scratch_ / "zeros", std::string("in/f3.h5\0in/f0.h5\0", 18));
  const auto merged = [&](const std::string& arguments, const std::string& input = "/dev/null") {
    const Output output = run(arguments + " --to to.h5 --force", input);
    EXPECT_EQ(output.status, 0) << output.text;
    return sources_of("to.h5");
  };
  EXPECT_EQ(merged("in"), "f0 f1 f2 f3 ");
  EXPECT_EQ(merged("in/"), "f0 f1 f2 f3 ");
  EXPECT_EQ(merged("'in/f*'"), "f0 f1 f2 f3 ") << "without .part and .lock";
  EXPECT_EQ(merged("in/f*"), "f0 f1 f2 f3 ") << "expanded by the shell";
  EXPECT_EQ(merged("'in/f[13].h5' in/f0.h5"), "f1 f3 f0 ");
  EXPECT_EQ(merged("'i?/f2.h5'"), "f2 ");
  EXPECT_EQ(merged("'odd [1] name*.h5'"), "odd [1] name* ") << "a file of that name";
  EXPECT_EQ(merged("--files-from list"), "f2 f1 ");
  EXPECT_EQ(merged("--files-from -", "list"), "f2 f1 ");
  EXPECT_EQ(merged("in/f3.h5 --files-from zeros"), "f3 f0 ");
}

TEST_F(AggregateMergeTest, TheOutputIsNoInputUnlessItIsNamed) {
  EXPECT_EQ(run("in --to in/all.h5").status, 0);
  write("in/f4.h5", 4);
  const Output again = run("in --to in/all.h5 --force");
  EXPECT_THAT(again.text, StartsWith("merged 5 files into in/all.h5: 5 cases\n"));
  // Named: its rows come first, and keep their sources.
  write("in/f5.h5", 5);
  EXPECT_EQ(run("in/all.h5 in/f5.h5 in/f0.h5 --to in/all.h5 --force").text,
            "merged 3 files into in/all.h5: 6 cases, 1 named twice and kept once\n");
  EXPECT_EQ(sources_of("in/all.h5"), "f0 f1 f2 f3 f4 f5 ");
}

TEST_F(AggregateMergeTest, WhatNamesNoFileIsAnError) {
  fs::create_directory(scratch_ / "empty");
  for (const auto& [arguments, message] : std::vector<std::pair<std::string, std::string>>{
           {"empty", "folder empty holds no results file"},
           {"'none/*.h5'", "no results file matches none/*.h5"},
           {"none.h5", "none.h5 (No such file"},
           {"--files-from none", "cannot read --files-from none (No such file"},
           {"--files-from empty", "cannot read --files-from empty (Is a directory)"},
           {"in/f0.h5 --where 'depth>1' arm=cow", "no file arm=cow (No such file or directory)"},
           {"--files-from /dev/null", "no results file is named"},
           {"", "no results file is named"}}) {
    const Output output = run(arguments);
    EXPECT_EQ(output.status, 2) << arguments;
    EXPECT_THAT(output.text, AllOf(StartsWith("peakbench-aggregate: "), HasSubstr(message)));
    EXPECT_EQ(std::ranges::count(output.text, '\n'), 1) << output.text;
  }
}

// Every kind of bad file, with and without --keep-going, merged and shown.
TEST_F(AggregateMergeTest, BadFilesAreNamedAndLeftOut) {
  const std::string good = read_file(scratch_ / "in/f0.h5");
  const auto replaced = [&](const std::string& from, const std::string& to) {
    std::string bytes = good;
    const std::size_t at = bytes.find(from);
    EXPECT_NE(at, bytes.npos) << from;
    return at == bytes.npos ? bytes : bytes.replace(at, to.size(), to);
  };
  struct Bad {
    std::string name, bytes, message;
  };
  // The schema's version is the value of the first attribute, 8 bytes after its name and types.
  std::vector<Bad> bad{
      {"truncated", good.substr(0, good.size() / 2), "truncated file"},
      {"empty", "", "it is empty"},
      {"foreign", "text, and nothing else", "it is not an HDF5 file"},
      {"other", replaced("schema_version", "schema_Version"), "not a results file of peakbench"},
      {"half", good.substr(0, 100) + std::string(good.size() - 100, '\0'), "half.h5"},
      {"heap", replaced("GCOL", std::string(512, '\0')), "heap.h5"}};
  for (const Bad& one : bad) {
    const std::string path = "in/" + one.name + ".h5";
    write_file(scratch_ / path, one.bytes);
    for (const std::string& how : {std::string("--to to.h5"), std::string("--rows ep --csv -")}) {
      const Output ended = run("in " + how);
      EXPECT_EQ(ended.status, 2) << one.name;
      EXPECT_THAT(ended.text, StartsWith("peakbench-aggregate: cannot read results file " + path));
      EXPECT_THAT(ended.text, HasSubstr(one.message));
      EXPECT_THAT(ended.text, HasSubstr("--keep-going leaves such files out."));
      EXPECT_EQ(std::ranges::count(ended.text, '\n'), 1) << ended.text;
      EXPECT_FALSE(fs::exists(scratch_ / "to.h5")) << one.name;
      EXPECT_TRUE(is_clean()) << one.name;
    }
    const Output merged = run("in --to to.h5 --keep-going");
    EXPECT_EQ(merged.status, 2);
    EXPECT_THAT(merged.text, AllOf(HasSubstr("left out: cannot read results file " + path),
                                   HasSubstr(one.message),
                                   HasSubstr("merged 4 of 5 files; 1 could not be read; into "
                                             "to.h5: 4 cases\n")));
    EXPECT_EQ(results::load(scratch_ / "to.h5").ep.size(), 4u);
    EXPECT_TRUE(is_clean());
    const Output shown = run("in --rows ep --csv to.csv --keep-going");
    EXPECT_EQ(shown.status, 2);
    EXPECT_THAT(shown.text, AllOf(HasSubstr("left out: cannot read results file " + path),
                                  HasSubstr("read 4 of 5 files; 1 could not be read\n")));
    EXPECT_EQ(std::ranges::count(read_file(scratch_ / "to.csv"), '\n'), 5);
    for (const char* name : {"to.h5", "to.csv"})
      fs::remove(scratch_ / name);
    fs::remove(scratch_ / path);
  }
  EXPECT_EQ(run("in --to to.h5 --keep-going").status, 0) << "nothing is bad any more";
}

TEST_F(AggregateMergeTest, AnotherSchemaNamesTheVersionThatWroteIt) {
  PEAKBENCH_NEEDS_PYTHON(python, "h5py");
  const std::string change =
      "import h5py; f = h5py.File('" + (scratch_ / "in/f1.h5").string() +
      "', 'r+'); f.attrs['schema_version'] = 99; f.attrs['peakbench_version'] = '7.8.9'";
  ASSERT_EQ(run_program(python + " -c " + quoted(change)).text, "");
  for (const std::string& how : {std::string("--to to.h5"), std::string("--detail")}) {
    const Output output = run("in " + how);
    EXPECT_EQ(output.status, 2);
    EXPECT_THAT(output.text,
                AllOf(HasSubstr("in/f1.h5 (peakbench 7.8.9 wrote it with schema version 99"),
                      HasSubstr("use the version of peakbench that wrote it")));
    EXPECT_THAT(run("in --keep-going --force " + how).text,
                AllOf(HasSubstr("7.8.9"), HasSubstr("4 files; 1 could not be read")));
  }
}

TEST_F(AggregateMergeTest, WhereNoFileIsReadableNothingIsWritten) {
  write_file(scratch_ / "a.h5", "a");
  write_file(scratch_ / "b.h5", "b");
  for (const std::string& how : {std::string("--to to.h5"), std::string()}) {
    const Output output = run("a.h5 b.h5 --keep-going " + how);
    EXPECT_EQ(output.status, 2);
    EXPECT_THAT(output.text, AllOf(HasSubstr("a.h5"), HasSubstr("b.h5"),
                                   HasSubstr("none of the files could be read")));
    EXPECT_FALSE(fs::exists(scratch_ / "to.h5"));
    EXPECT_TRUE(is_clean());
  }
}

// Rows of several files shown together are those of the merged file.
TEST_F(AggregateMergeTest, ShownTogetherAsMerged) {
  write("other.h5", 1);
  results::EpRow changed = ep_example(2);
  changed.record.step_seconds = 77;
  changed.record.environment = changed.record.source = -1;
  results::Store::create(scratch_ / "changed.h5", example_info()).append(changed);
  const std::string files = "in/f1.h5 other.h5 in/f2.h5 changed.h5 in/f2.h5 ";
  EXPECT_EQ(run(files + "--to to.h5").status, 0);
  for (const char* kind : {"ep", "ep-samples"}) {
    const std::string rows = std::string("--rows ") + kind + " --csv ";
    EXPECT_EQ(run(files + rows + "a.csv --force").status, 0);
    EXPECT_EQ(run("to.h5 " + rows + "b.csv --force").status, 0);
    EXPECT_EQ(read_file(scratch_ / "a.csv"), read_file(scratch_ / "b.csv")) << kind;
  }
  const Output tables = run(files);
  EXPECT_THAT(tables.text, AllOf(HasSubstr("Cases in several files"),
                                 HasSubstr("in/f2.h5, changed.h5"), Not(HasSubstr("in/f1.h5"))));
  EXPECT_THAT(tables.text, HasSubstr("2 rows are equal in everything to others and count once"));
}

// Of three hundred files with a thousand cases a log is to stay readable.
TEST_F(AggregateMergeTest, ManyDuplicatesAreCountedAndTheTableNamesThem) {
  for (const auto& [name, seconds] : {std::pair("a.h5", 1.0), std::pair("b.h5", 2.0)}) {
    results::Store store = results::Store::create(scratch_ / name, example_info());
    for (int number = 0; number < 13; ++number) {
      results::EpRow row = ep_example(number);
      row.record.environment = row.record.source = row.repeats[0].source = -1;
      row.record.step_seconds = seconds;
      store.append(row);
    }
  }
  const Output merged = run("a.h5 b.h5 --to to.h5");
  EXPECT_EQ(std::ranges::count(merged.text, '\n'), 10 + 1 + 1) << merged.text;
  EXPECT_THAT(merged.text, HasSubstr("warning: and 3 cases more; the table \"Cases in several"));
  const std::string tables = run("to.h5").text;
  for (int number = 0; number < 13; ++number)
    EXPECT_THAT(tables, HasSubstr("\nep" + std::to_string(number) + " "));
}

TEST_F(AggregateMergeTest, CtrlCLeavesNothingHalfWritten) {
  // A list that does not end: the program waits for its next name, and never for long for a file.
  std::string list;
  for (int turn = 0; turn < 20000; ++turn)
    list += "in/f" + std::to_string(turn % 4) + ".h5\n";
  write_file(scratch_ / "in/list", list);
  const std::string to = (scratch_ / "to.h5").string();
  const pid_t child = fork();
  if (child == 0) {
    if (chdir(scratch_.path().c_str()) != 0 || !freopen("log.h5", "w", stderr))
      _exit(99);
    execl(PEAKBENCH_AGGREGATE, "peakbench-aggregate", "--files-from", "in/list", "--to", "to.h5",
          nullptr);
    _exit(99);
  }
  while (!fs::exists(to + ".part"))
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  kill(child, SIGINT);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 3);
  EXPECT_THAT(read_file(scratch_ / "log.h5"), HasSubstr("interrupted: to.h5 is not written"));
  EXPECT_FALSE(fs::exists(to));
  EXPECT_TRUE(is_clean());
  // Killed, it leaves a .part, which the next one clears.
  write_file(to + ".part", "of a merge that was killed");
  EXPECT_EQ(run("in --to to.h5").status, 0);
  EXPECT_TRUE(is_clean());
}

// A limit of the file's size stands for a disk that is full. HDF5 crashes there, in the middle of
// writing or at the end of the program, depending on what it was about to write.
TEST_F(AggregateMergeTest, ADiskThatIsFullIsOneMessage) {
  ASSERT_EQ(run("in --to whole.h5").status, 0);
  const auto kilobytes = fs::file_size(scratch_ / "whole.h5") / 1024;
  int crashes = 0, failures = 0;
  // What HDF5 does not give back after a failed write is not what is looked for.
  const std::string program = "ASAN_OPTIONS=detect_leaks=0 " + quoted(PEAKBENCH_AGGREGATE);
  for (std::uintmax_t limit = 0; limit < kilobytes - 8;
       limit += std::max<std::uintmax_t>(limit / 2, 8)) {
    const Output full = run_program("cd " + quoted(scratch_.path()) + " && ulimit -f " +
                                    std::to_string(2 * limit) + // of 512 bytes
                                    " && " + program + " in --to full.h5");
    EXPECT_EQ(full.status, 2) << limit << " " << full.text;
    EXPECT_THAT(full.text, StartsWith("peakbench-aggregate: cannot write results file full.h5 ("));
    EXPECT_EQ(std::ranges::count(full.text, '\n'), 1) << full.text;
    crashes += full.text.find("it crashed, as the HDF5 library does") != full.text.npos;
    failures += full.text.find("File too large") != full.text.npos;
    EXPECT_FALSE(fs::exists(scratch_ / "full.h5"));
    EXPECT_TRUE(is_clean());
  }
  EXPECT_GT(crashes + failures, 2);
}

TEST(ProgressTest, RedrawsOnATerminalAndWritesLinesIntoALog) {
  std::ostringstream terminal, log, quick;
  {
    aggregate::Progress on_terminal(terminal, "merged", 4, true, 0);
    aggregate::Progress in_log(log, "merged", 4, false, 0);
    aggregate::Progress in_quick_log(quick, "merged", 4, false, 60);
    for (std::size_t done = 1; done <= 4; ++done)
      for (aggregate::Progress* one : {&on_terminal, &in_log, &in_quick_log})
        one->show(done);
  }
  EXPECT_THAT(terminal.str(), StartsWith("\rmerged 1 of 4 files, about 0 s left\033[K\rmerged 2"));
  EXPECT_THAT(terminal.str(), ::testing::EndsWith("\r\033[K"));
  EXPECT_THAT(log.str(), StartsWith("merged 1 of 4 files, about 0 s left\nmerged 2 of 4"));
  EXPECT_EQ(quick.str(), "");
}

TEST_F(AggregateMergeTest, HelpShowsHow) {
  const Output output = run("--help");
  for (const char* word : {"--files-from", "--keep-going", "'jobs/*/run.h5'", "find /data"})
    EXPECT_THAT(output.text, HasSubstr(word));
}

} // namespace
} // namespace peakbench
