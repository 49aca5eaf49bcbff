#include "suite/interrupt.h"

#include <array>
#include <csignal>

namespace peakbench::suite {

namespace {
// A signal handler can reach nothing but a variable of static life.
volatile std::sig_atomic_t seen = 0;
constexpr std::array kSignals{SIGINT, SIGTERM, SIGUSR1};

void note(int signal) {
  seen = 1;
  std::signal(signal, SIG_DFL);
}
} // namespace

InterruptWatch::InterruptWatch() {
  seen = 0;
  for (const int signal : kSignals)
    std::signal(signal, note);
}

InterruptWatch::~InterruptWatch() {
  for (const int signal : kSignals)
    std::signal(signal, SIG_DFL);
}

bool InterruptWatch::interrupted() { return seen != 0; }

} // namespace peakbench::suite
