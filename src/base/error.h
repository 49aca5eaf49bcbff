// Errors that a user can cause, told in one sentence: problem (why) suggestion.
#pragma once

#include <stdexcept>
#include <string>

namespace peakbench {

// Bad input: config, model file, prompt file, results file, command line. Programs print what() and
// exit with status 2. Programming errors are assertions, not UserErrors.
class UserError : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
  // "problem (why) suggestion"; empty parts are left out.
  UserError(const std::string& problem, const std::string& why, const std::string& suggestion)
      : std::runtime_error(problem + (why.empty() ? "" : " (" + why + ")") +
                           (suggestion.empty() ? "" : " " + suggestion)) {}
};

// A case ran past its time limit: recorded as `timed_out`, the run goes on.
class TimedOut : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

// Numbers overflowed or became NaN: recorded as `diverged`, the run goes on.
class Diverged : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

// The user ended a case before its end: it leaves no record.
class Interrupted : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

enum ExitStatus : int {
  kExitOk = 0,
  kExitFailedCases = 1,
  kExitUserError = 2,
  kExitInterrupted = 3
};

} // namespace peakbench
