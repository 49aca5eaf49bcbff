#include <gmock/gmock.h>

#include "suite/worker.h"

namespace peakbench::suite {
namespace {

TEST(WorkerFrames, AJobComesAsItWent) {
  WorkerJob job;
  job.yaml = "name: \"Grüße\"\n";
  job.path = "a folder/c.yaml";
  job.overrides = {"ep.depths=[2, 3]", ""};
  job.copies = 3;
  job.placement = {5, "node7", c10::Device(c10::kCUDA, 2), 12, 8};
  const WorkerJob same = job_of(to_frame(job));
  EXPECT_EQ(same.yaml, job.yaml);
  EXPECT_EQ(same.path, job.path);
  EXPECT_EQ(same.overrides, job.overrides);
  EXPECT_EQ(same.copies, 3);
  EXPECT_EQ(same.placement.rank, 5);
  EXPECT_EQ(same.placement.host, "node7");
  EXPECT_EQ(same.placement.device, c10::Device(c10::kCUDA, 2));
  EXPECT_EQ(same.placement.threads, 12);
  EXPECT_EQ(same.placement.environment, 8);
}

TEST(WorkerFrames, ReadyAndAnswerComeAsTheyWent) {
  const WorkerReady ready = ready_of(to_frame(WorkerReady{"0123", "why"}));
  EXPECT_EQ(ready.plan_hash, "0123");
  EXPECT_EQ(ready.error, "why");
  std::string message; // no text: every byte may be in it
  for (int byte = 0; byte < 256; ++byte)
    message += static_cast<char>(byte);
  const WorkerAnswer answer = answer_of(to_frame(WorkerAnswer{message, 1.25, "é"}));
  EXPECT_EQ(answer.message, message);
  EXPECT_EQ(answer.load_seconds, 1.25);
  EXPECT_EQ(answer.error, "é");
}

TEST(WorkerFrames, WhatIsNoFrameIsNoJob) {
  EXPECT_ANY_THROW(job_of("no frame at all"));
  EXPECT_ANY_THROW(answer_of(""));
  EXPECT_ANY_THROW(ready_of(to_frame(WorkerAnswer{})));
}

} // namespace
} // namespace peakbench::suite
