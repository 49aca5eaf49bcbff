#include <ATen/Parallel.h>

#include <exception>

#include "base/error.h"
#include "cluster/devices.h"
#include "suite/child_process.h"
#include "suite/worker.h"

namespace peakbench::suite {

namespace {

constexpr int kFrom = 3, kTo = 4; // see ChildProcess
constexpr int kForever = -1;

// Serves the cases of one plan until the rank has no more.
int serve(FramePipe& pipe, const WorkerJob& job) {
  Config config = parse_config(job.yaml, job.path, job.overrides);
  if (job.copies > 0)
    config = workload_of(config, job.copies);
  const Plan plan = make_plan(config);
  at::set_num_threads(job.placement.threads);
  cluster::use_device(job.placement.device);
  const auto runner = runner_here(plan, config, job.placement);
  pipe.send(to_frame(WorkerReady{plan.hash, ""}));
  for (std::string frame; pipe.receive(frame, kForever) != FramePipe::Got::end;) {
    if (frame.empty())
      continue;
    WorkerAnswer answer;
    try {
      const auto finished = runner->run(std::stoul(frame), [] { return false; });
      answer.message = finished->message;
    } catch (const std::exception& broken) {
      answer.error = broken.what();
    }
    answer.load_seconds = runner->load_seconds();
    if (!pipe.send(to_frame(answer)))
      break;
    frame.clear();
  }
  return kExitOk;
}

} // namespace

int worker_command() {
  FramePipe pipe(kFrom, kTo);
  std::string frame;
  FramePipe::Got got = FramePipe::Got::nothing_yet;
  while (got == FramePipe::Got::nothing_yet)
    got = pipe.receive(frame, kForever);
  if (got != FramePipe::Got::frame)
    throw UserError("`peakbench worker` is started by `peakbench run`", "", "use that");
  try {
    return serve(pipe, job_of(frame));
  } catch (const std::exception& broken) {
    pipe.send(to_frame(WorkerReady{"", broken.what()}));
    return kExitUserError;
  }
}

} // namespace peakbench::suite
