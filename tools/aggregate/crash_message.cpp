#include "aggregate/crash_message.h"

#include <unistd.h>

#include <iterator>

#include "base/error.h"

namespace peakbench::aggregate {

namespace {

// Texts that end with a NUL, made before there is a crash; none while there is no CrashMessage.
std::string message_text;                // NOLINT: for the handler
std::vector<std::string> leftover_names; // NOLINT

// Calls nothing that is not safe in a handler: c_str() and size() only look.
void say_and_end(int) {
  if (write(STDERR_FILENO, message_text.c_str(), message_text.size()) < 0) {
    // There is nobody to tell.
  }
  for (const std::string& name : leftover_names)
    unlink(name.c_str());
  _exit(kExitUserError);
}

} // namespace

CrashMessage::CrashMessage(const std::string& message, const std::vector<std::string>& leftovers) {
  message_text = message + "\n";
  leftover_names = leftovers;
  struct sigaction action {};
  action.sa_handler = say_and_end;
  for (std::size_t index = 0; index < std::size(kSignals); ++index)
    sigaction(kSignals[index], &action, &former_[index]);
}

CrashMessage::~CrashMessage() {
  for (std::size_t index = 0; index < std::size(kSignals); ++index)
    sigaction(kSignals[index], &former_[index], nullptr);
}

} // namespace peakbench::aggregate
