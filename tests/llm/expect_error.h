// Runs something that must end in a UserError, and gives its message.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "base/error.h"

namespace peakbench::llm::testing {

template <typename Function>
std::string user_error(Function&& function) {
  try {
    function();
  } catch (const UserError& error) {
    return error.what();
  }
  ADD_FAILURE() << "no UserError";
  return "";
}

} // namespace peakbench::llm::testing
