#include "suite/line_reader.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <stdexcept>
#include <thread>

#include "suite/interrupt.h"

namespace peakbench::suite {
namespace {

class Pipe {
public:
  Pipe() {
    if (pipe(ends_) != 0)
      throw std::runtime_error("pipe failed");
  }
  ~Pipe() {
    close(ends_[0]);
    finish();
  }
  void write(const std::string& text) const {
    if (::write(ends_[1], text.data(), text.size()) != static_cast<ssize_t>(text.size()))
      throw std::runtime_error("write failed");
  }
  void finish() {
    if (ends_[1] >= 0)
      close(ends_[1]);
    ends_[1] = -1;
  }
  int end() const { return ends_[0]; }

private:
  int ends_[2] = {-1, -1};
};

TEST(LineReader, GivesLineAfterLineAndThenTheEnd) {
  const InterruptWatch watch; // forgets signals of other tests
  Pipe pipe;
  LineReader reader(pipe.end());
  pipe.write("first\nsecond\r\n\nlast");
  pipe.finish();
  std::string line;
  for (const char* expected : {"first", "second", "", "last"}) {
    EXPECT_EQ(reader.read(line), LineReader::Got::line);
    EXPECT_EQ(line, expected);
  }
  EXPECT_EQ(reader.read(line), LineReader::Got::end);
  EXPECT_EQ(reader.read(line), LineReader::Got::end);
}

// Whichever thread the kernel gives it to, and whether that is before the wait or in it.
TEST(LineReader, ASignalEndsTheWait) {
  for (const bool to_the_reader : {true, false})
    for (const int after_milliseconds : {0, 150}) {
      Pipe pipe;
      LineReader reader(pipe.end());
      const InterruptWatch watch;
      const pthread_t me = pthread_self();
      std::thread other([=] {
        std::this_thread::sleep_for(std::chrono::milliseconds(after_milliseconds));
        pthread_kill(to_the_reader ? me : pthread_self(), SIGINT);
      });
      std::string line;
      const LineReader::Got got = reader.read(line);
      other.join();
      EXPECT_EQ(got, LineReader::Got::interrupted);
      EXPECT_TRUE(InterruptWatch::interrupted());
    }
}

} // namespace
} // namespace peakbench::suite
