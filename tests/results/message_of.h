// What a user would read of an action that goes wrong.
#pragma once

#include <string>

#include "base/error.h"

namespace peakbench::results::testing {

// "no error" if it does not.
template <class Action>
std::string message_of(Action action) {
  try {
    action();
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

} // namespace peakbench::results::testing
