// Tests of small numbers on one thread each: ctest runs several programs side by side, and threads
// that wait for each other on a full machine take a hundred times longer.
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

namespace {

class OneThread : public ::testing::Environment {
public:
  void SetUp() override { at::set_num_threads(1); }
};

const auto* const kOneThread = ::testing::AddGlobalTestEnvironment(new OneThread);

} // namespace
