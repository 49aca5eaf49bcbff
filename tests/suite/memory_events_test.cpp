#include "suite/memory_events.h"

#include <gmock/gmock.h>

namespace peakbench::suite {
namespace {

TEST(MemoryEvents, CountsTheKillersKills) {
  EXPECT_EQ(out_of_memory_kills_in("low 0\nhigh 12\nmax 31\noom 4\noom_kill 3\noom_group_kill 1\n"),
            3);
  // Version 1's file has the same line.
  EXPECT_EQ(out_of_memory_kills_in("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"), 2);
}

TEST(MemoryEvents, WhatIsNotSaidIsNone) {
  EXPECT_EQ(out_of_memory_kills_in(""), 0);
  EXPECT_EQ(out_of_memory_kills_in("oom_kill_disable 1\nunder_oom 0\n"), 0) << "before Linux 4.13";
  EXPECT_EQ(out_of_memory_kills_in("oom_kill"), 0);
  EXPECT_EQ(out_of_memory_kills_in("no such file"), 0);
}

TEST(MemoryEvents, TheGroupIsTheOneThatLimitsMemory) {
  EXPECT_EQ(memory_events_file("0::/system.slice/slurmstepd.scope/job_7/step_0\n"),
            "/sys/fs/cgroup/system.slice/slurmstepd.scope/job_7/step_0/memory.events");
  EXPECT_EQ(memory_events_file("9:name=systemd:/\n4:cpu,memory:/slurm/uid_0/job_7\n0::/\n"),
            "/sys/fs/cgroup/memory/slurm/uid_0/job_7/memory.oom_control")
      << "version 1, with an empty version 2 beside it";
  EXPECT_EQ(memory_events_file("3:cpuset:/a:memory:/b\n0::/c\n"), "/sys/fs/cgroup/c/memory.events")
      << "a name is not a controller";
  EXPECT_EQ(memory_events_file(""), "");
}

} // namespace
} // namespace peakbench::suite
