#include "suite/child_process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <random>

#include "played_child.h"
#include "support/processes.h"
#include "support/support.h"

namespace peakbench::suite {
namespace {

using peakbench::testing::is_alive;
using peakbench::testing::state_of;
using peakbench::testing::within;
using Got = FramePipe::Got;
constexpr int kLongMilliseconds = 60000;

std::vector<std::string> played(const std::string& part) { return {testing::kPlayedChild, part}; }

std::string received(FramePipe& pipe) {
  std::string frame;
  EXPECT_EQ(pipe.receive(frame, kLongMilliseconds), Got::frame);
  return frame;
}

TEST(FramePipe, FramesComeWholeAndInTheirOrder) {
  ChildProcess child(played("echo"));
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    std::string frame(random() % 5000, '\0');
    for (char& letter : frame)
      letter = static_cast<char>(random());
    ASSERT_TRUE(child.pipe().send(frame));
    ASSERT_EQ(received(child.pipe()), frame);
  }
}

TEST(FramePipe, TakesFramesLargerThanAPipeHolds) {
  ChildProcess child(played("echo"));
  const std::string big(std::size_t{5} << 20, 'x'); // a pipe holds 64 KB
  ASSERT_TRUE(child.pipe().send(big));
  EXPECT_EQ(received(child.pipe()), big);
}

TEST(FramePipe, WaitsNoLongerThanItIsToldAndKeepsWhatHasCome) {
  int ends[2], back[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(pipe(back), 0);
  FramePipe reader(ends[0], back[1]);
  std::string frame;
  EXPECT_EQ(reader.receive(frame, 10), Got::nothing_yet);
  const std::string bytes("\3\0\0\0\0\0\0\0abc\1", 12); // "abc", and a part of another frame
  ASSERT_EQ(write(ends[1], bytes.data(), 5), 5);
  EXPECT_EQ(reader.receive(frame, 10), Got::nothing_yet) << "half a length";
  ASSERT_EQ(write(ends[1], bytes.data() + 5, 7), 7);
  EXPECT_EQ(reader.receive(frame, 10), Got::frame);
  EXPECT_EQ(frame, "abc");
  EXPECT_EQ(reader.receive(frame, 10), Got::nothing_yet);
  close(ends[1]);
  EXPECT_EQ(reader.receive(frame, 10), Got::end) << "half a frame is none";
  close(back[0]);
}

TEST(ChildProcess, InheritsNothingButItsPipesAndStandardStreams) {
  // As a results file and its lock: one that is not marked to be closed.
  const int kept = open("/dev/null", O_RDONLY);
  ASSERT_GT(fcntl(kept, F_DUPFD, 50), 0);
  ChildProcess child(played("look"));
  EXPECT_EQ(received(child.pipe()), "0 1 2 3 4");
  const auto ignored = std::stoull(received(child.pipe()), nullptr, 16);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGPIPE})
    EXPECT_TRUE(ignored & (1ull << (signal - 1))) << strsignal(signal);
  EXPECT_FALSE(ignored & (1ull << (SIGSEGV - 1)));
  close(kept);
}

TEST(ChildProcess, LivesThroughTheSignalsThatEndARunFromItsFirstMomentOn) {
  for (int round = 0; round < 5; ++round) {
    ChildProcess child(played("echo"));
    // It may not even have come to its own program yet.
    for (const int signal : {SIGINT, SIGTERM, SIGUSR1})
      if (round > 0 || within(60, [&] {
            return peakbench::testing::command_of(child.pid()).find(testing::kPlayedChild) !=
                   std::string::npos;
          }))
        kill(child.pid(), signal);
    ASSERT_TRUE(child.pipe().send("alive"));
    EXPECT_EQ(received(child.pipe()), "alive");
  }
}

TEST(ChildProcess, ItsEndIsSeenWithItsOwnStatus) {
  ChildProcess ends(played("exit"));
  std::string frame;
  EXPECT_EQ(ends.pipe().receive(frame, kLongMilliseconds), Got::end);
  EXPECT_EQ(describe_wait_status(ends.end(60)), "exit status 7");
  EXPECT_EQ(ends.end(), 7 << 8) << "as often as it is asked";

  for (const auto& [signal, text] :
       {std::pair{SIGKILL, "signal 9 (Killed)"}, std::pair{SIGQUIT, "signal 3 (Quit)"},
        std::pair{SIGABRT, "signal 6 (Aborted)"}}) {
    ChildProcess child(played("echo"));
    child.pipe().send("x");
    received(child.pipe()); // its program runs
    kill(child.pid(), signal);
    EXPECT_EQ(child.pipe().receive(frame, kLongMilliseconds), Got::end);
    EXPECT_EQ(describe_wait_status(child.end(60)), text);
  }
}

TEST(ChildProcess, SendingToOneThatIsGoneSaysSo) {
  const auto before = signal(SIGPIPE, SIG_IGN);
  ChildProcess child(played("exit"));
  EXPECT_TRUE(within(60, [&] { return state_of(child.pid()) == 'Z'; }));
  EXPECT_FALSE(child.pipe().send("x"));
  signal(SIGPIPE, before);
}

TEST(ChildProcess, IsEndedWithTheObjectEvenIfItIsStopped) {
  pid_t pid = -1;
  {
    ChildProcess child(played("deaf"));
    pid = child.pid();
    kill(pid, SIGSTOP);
    EXPECT_TRUE(within(60, [&] { return state_of(pid) == 'T'; }));
  }
  EXPECT_EQ(state_of(pid), ' ') << "and waited for";
}

TEST(ChildProcess, DiesWithAParentThatIsKilled) {
  int told[2];
  ASSERT_EQ(pipe(told), 0);
  const pid_t parent = fork();
  if (parent == 0) {
    ChildProcess child(played("deaf"));
    const pid_t pid = child.pid();
    if (write(told[1], &pid, sizeof pid) != sizeof pid)
      _exit(1);
    for (;;)
      pause();
  }
  pid_t child = -1;
  ASSERT_EQ(read(told[0], &child, sizeof child), static_cast<ssize_t>(sizeof child));
  EXPECT_TRUE(is_alive(child));
  kill(parent, SIGKILL);
  waitpid(parent, nullptr, 0);
  EXPECT_TRUE(within(60, [&] { return !is_alive(child); }));
  close(told[0]);
  close(told[1]);
}

} // namespace
} // namespace peakbench::suite
