// The program of this folder's tests. ChildProcess runs the file that it is part of, so this one
// plays the child, too: as a worker, or as one of the children of child_process_test.cpp.
#include <gmock/gmock.h>

#include <string>

#include "measure/memory.h"
#include "played_child.h"
#include "suite/worker.h"

int main(int argc, char** argv) {
  using namespace peakbench;
  const std::string role = argc > 1 ? argv[1] : "";
  if (role == "worker") {
    measure::DeviceMemory::of(c10::kCPU); // as in src/main.cpp
    return suite::worker_command();
  }
  if (role == suite::testing::kPlayedChild)
    return suite::testing::play_child(argc > 2 ? argv[2] : "");
  ::testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
