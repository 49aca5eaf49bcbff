// "Nothing is lost": a writer is killed at random moments, and at every single system call.
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <functional>
#include <random>
#include <set>
#include <thread>

#include "base/error.h"
#include "results/examples.h"
#include "results/guard_process.h"
#include "results/hdf5.h"
#include "results/in_memory.h"
#include "results/layout.h"
#include "results/python.h"
#include "results/table.h"
#include "results/traces.h"
#include "support/support.h"

namespace peakbench::results {
namespace {

namespace fs = std::filesystem;
using peakbench::testing::ScratchFolder;
using testing::eab_example;
using testing::ep_example;
using testing::equal;
using testing::example_info;

// Empty, or what of case `number` is missing or wrong.
std::string problem_with(const RunData& run, int number) {
  const EabRow expected = eab_example(number);
  const std::string& id = expected.record.case_id;
  const auto found = std::ranges::find(run.eab, id, &EabCase::case_id);
  if (found == run.eab.end())
    return id + " is lost";
  if (!equal(*found, expected.record))
    return id + " has other values";
  if (std::ranges::count(run.eab_repeats, id, &RepeatRow::case_id) != 3)
    return id + " lost repeats";
  const EabTrace trace = load_eab_trace(run.path, id);
  const bool whole = trace.nodes.size() == expected.trace.nodes.size() &&
                     trace.samples.at(0).text == expected.trace.samples[0].text &&
                     trace.nodes.back().log_prob == expected.trace.nodes.back().log_prob;
  return whole ? "" : id + " has another trace";
}

std::string problem_with(const std::string& path, const std::set<int>& numbers) {
  try {
    const RunData run = load(path);
    for (const int number : numbers)
      if (const std::string problem = problem_with(run, number); !problem.empty())
        return problem;
    return "";
  } catch (const std::exception& error) {
    return error.what();
  }
}

// Opens all the files with h5py, reads every table and trace.
std::string problem_in_python(const std::string& python, const fs::path& folder) {
  const auto output =
      testing::run_program("cd " + testing::quoted(folder) + " && " + python + R"( -c '
import glob, h5py
for path in glob.glob("*.h5"):
    file = h5py.File(path, "r")
    ids = [row["case_id"].decode() for row in file["/eab/cases"][:]]
    for case_id in ids:
        trace = file["/eab/traces"][case_id]
        assert len(trace["nodes"][:]) and trace["samples"][:]["text"][0].decode()
    assert len(file["/eab/samples"][:]) == 3 * len(ids), path
')");
  return output.text;
}

// A child that writes cases 'first'... until it is killed, and tells each one when it is written.
pid_t start_writer(const std::string& path, int first, int told, bool tell_too_early) {
  const pid_t child = fork();
  if (child != 0)
    return child;
  Store store =
      fs::exists(path) ? Store::resume(path, example_info()) : Store::create(path, example_info());
  for (int number = first;; ++number) {
    const auto tell = [&] {
      if (write(told, &number, sizeof number) != sizeof number)
        _exit(1);
    };
    if (tell_too_early)
      tell();
    store.append(eab_example(number));
    if (!tell_too_early)
      tell();
  }
}

struct Told {
  std::set<int> numbers;
  int next = 0;
};

// Kills a writer some microseconds after its first word; what it had told by then.
Told run_and_kill(const std::string& path, int first, int microseconds,
                  bool tell_too_early = false) {
  int ends[2];
  if (pipe(ends) != 0)
    throw std::runtime_error("pipe");
  const pid_t child = start_writer(path, first, ends[1], tell_too_early);
  close(ends[1]);
  pollfd ready{ends[0], POLLIN, 0};
  poll(&ready, 1, 60000);
  std::this_thread::sleep_for(std::chrono::microseconds(microseconds));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  Told told{{}, first};
  for (int number = 0; read(ends[0], &number, sizeof number) == sizeof number;) {
    told.numbers.insert(number);
    told.next = number + 1;
  }
  close(ends[0]);
  return told;
}

TEST(KillTest, NoCaseThatWasWrittenIsLost) {
  const ScratchFolder scratch;
  const std::string path = scratch / "run.h5";
  fs::create_directory(scratch / "copies");
  std::mt19937 random(20250102);
  std::uniform_int_distribution<int> wait(0, 40000);
  std::set<int> written;
  int next = 0;
  for (int round = 0; round < 24; ++round) {
    const Told told = run_and_kill(path, next, wait(random));
    ASSERT_FALSE(told.numbers.empty()) << round;
    written.insert(told.numbers.begin(), told.numbers.end());
    ASSERT_EQ(problem_with(path, written), "") << "round " << round;
    fs::copy_file(path, scratch / ("copies/" + std::to_string(round) + ".h5"));
    next = told.next + 1; // the one after may have been written and not told
  }
  Store::resume(path, example_info()).append(eab_example(100000));
  written.insert(100000);
  EXPECT_EQ(problem_with(path, written), "");
  // Leftovers of the killed are gone.
  EXPECT_EQ(std::distance(fs::directory_iterator(scratch.path()), fs::directory_iterator()), 2);
  PEAKBENCH_NEEDS_PYTHON(python, "h5py");
  EXPECT_EQ(problem_in_python(python, scratch / "copies"), "");
}

TEST(KillTest, AWriterThatSpeaksTooEarlyIsCaught) { // the check above can fail
  const ScratchFolder scratch;
  int lost = 0, next = 0;
  for (int round = 0; round < 5; ++round) {
    const Told told = run_and_kill(scratch / "run.h5", next, 0, true);
    if (!problem_with(scratch / "run.h5", told.numbers).empty())
      ++lost;
    next = told.next + 1;
  }
  EXPECT_GT(lost, 0);
}

// What a child does before and while it is watched.
struct Work {
  std::function<void()> before, watched;
};

void work_in_child(const Work& work) {
  if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0)
    _exit(77);
  try {
    work.before();
    raise(SIGSTOP);
    work.watched();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    _exit(78);
  }
  _exit(0);
}

// Is the child about to make a call after which files may look different?
bool may_change_files(pid_t child) {
  __ptrace_syscall_info info{};
  ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info);
  if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
    return false;
  const auto harmless = {SYS_read, SYS_pread64, SYS_lseek, SYS_fstat, SYS_newfstatat,
                         SYS_mmap, SYS_munmap,  SYS_brk,   SYS_futex, SYS_getpid};
  return std::ranges::find(harmless, static_cast<long>(info.entry.nr)) == harmless.end();
}

// Kills a child as it begins its n-th such call in `watched`. False if it ended before, nothing
// where tracing is not allowed.
std::optional<bool> killed_at(int call, const Work& work) {
  const pid_t child = fork();
  if (child == 0)
    work_in_child(work);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFEXITED(status)) {
    EXPECT_EQ(WEXITSTATUS(status), 77);
    return std::nullopt;
  }
  ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD); // marks stops at calls
  for (int passed = -1; passed < call; passed += may_change_files(child)) {
    ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
    waitpid(child, &status, 0);
    if (!WIFSTOPPED(status)) {
      EXPECT_EQ(status, 0);
      return false;
    }
  }
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
  return true;
}

struct Kills {
  int kills = 0, damaged = 0;
  std::string first_problem;
};

constexpr int kBaseCases = 30;

// As problem_with(), of files that are expected to be damaged: in a process that may crash of them,
// and that takes with it what the HDF5 library loses when a read fails half-way.
std::string problem_found_beside(const std::string& path, const std::set<int>& written) {
  try {
    GuardProcess reader(
        {}, [&](const GuardProcess::Send& send) { send('A', problem_with(path, written)); });
    return reader.receive(path).bytes;
  } catch (const UserError& error) {
    return error.what();
  }
}

// Kills a writer at every system call. Every file is to hold the base's cases afterwards.
std::optional<Kills> kill_everywhere(const ScratchFolder& scratch,
                                     const std::function<Work(const std::string& path)>& writer,
                                     bool until_damaged = false) {
  const std::string base = scratch / "base";
  std::set<int> written;
  {
    Store store = Store::create(base, example_info());
    for (int number = 0; number < kBaseCases; ++number) {
      store.append(eab_example(number));
      written.insert(number);
    }
  }
  fs::create_directories(scratch / "copies");
  Kills result;
  for (int call = 0;; ++call) {
    const std::string path = scratch / ("copies/" + std::to_string(call) + ".h5");
    fs::copy_file(base, path, fs::copy_options::overwrite_existing);
    const auto killed = killed_at(call, writer(path));
    if (!killed)
      return std::nullopt;
    if (!*killed)
      return result;
    ++result.kills;
    const std::string problem =
        until_damaged ? problem_found_beside(path, written) : problem_with(path, written);
    if (!problem.empty() && result.damaged++ == 0)
      result.first_problem = problem;
    if (until_damaged && result.damaged > 0)
      return result;
  }
}

void expect_whole_everywhere(const std::function<Work(const std::string& path)>& writer) {
  const testing::InMemory memory;
  const ScratchFolder& scratch = *memory;
  const auto result = kill_everywhere(scratch, writer);
  if (!result)
    GTEST_SKIP() << "needs to trace child processes (ptrace)";
  EXPECT_GT(result->kills, 20);
  EXPECT_EQ(result->damaged, 0) << result->first_problem;
  // And each can be gone on with.
  for (int call = 0; call < result->kills; call += 10) {
    const std::string path = scratch / ("copies/" + std::to_string(call) + ".h5");
    EXPECT_NO_THROW(Store::resume(path, example_info()).append(eab_example(50))) << call;
  }
  PEAKBENCH_NEEDS_PYTHON(python, "h5py");
  EXPECT_EQ(problem_in_python(python, scratch / "copies"), "");
}

TEST(KillTest, TheFileIsWholeAtEverySystemCallOfAnAppend) {
  expect_whole_everywhere([](const std::string& path) {
    auto store = std::make_shared<std::optional<Store>>();
    return Work{[=] {
                  *store = Store::resume(path, example_info());
                  (*store)->append(eab_example(41)); // so that the next writes to the former file
                },
                [=] { (*store)->append(eab_example(42)); }};
  });
}

TEST(KillTest, TheFileIsWholeAtEverySystemCallOfAResume) {
  expect_whole_everywhere([](const std::string& path) {
    return Work{[] {}, [=] { Store::resume(path, example_info()).append(eab_example(41)); }};
  });
}

// Why there are two files, and that the checks above can fail.
TEST(KillTest, HDF5AloneIsNotEnough) {
  const testing::InMemory memory;
  const auto writer = [](const std::string& path) {
    auto file = std::make_shared<Handle>();
    const auto append = [=](int number) { // in place
      const EabRow row = eab_example(number);
      append_rows<EabCase>(*file, kEabCases, std::span<const EabCase>(&row.record, 1));
      append_rows<RepeatRow>(*file, kEabSamples, row.repeats);
      write_trace(*file, row.record.case_id, row.trace);
      flush_to_disk(*file);
    };
    return Work{[=] { *file = open_file(path, true); },
                [=] {
                  for (int number = kBaseCases; number < 2 * kBaseCases; ++number)
                    append(number);
                }};
  };
  const auto result = kill_everywhere(*memory, writer, true);
  if (!result)
    GTEST_SKIP() << "needs to trace child processes (ptrace)";
  EXPECT_GT(result->damaged, 0) << "of " << result->kills;
}

} // namespace
} // namespace peakbench::results
