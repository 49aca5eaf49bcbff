// Collective operations over the ranks of a session, one interface for two ways: MPI on host
// memory, NCCL on device memory.
#pragma once

#include <ATen/core/TensorBody.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "cluster/gather.h"
#include "cluster/session.h"

namespace peakbench::cluster {

// Tensors are contiguous, float32 or float64, on device(), and the same on all ranks in type and
// size; inputs and outputs do not overlap. A call starts an operation; it is done, here, once
// wait() returns. Operations that were started one after the other are done in that order.
// std::runtime_error if the transport fails; with NCCL also if another rank failed or did not come
// within the time limit of wait(). After an error the object is of no more use.
class Collectives {
public:
  virtual ~Collectives() = default;
  virtual GatherBy transport() const = 0;
  virtual c10::Device device() const = 0;

  virtual void all_gather(const at::Tensor& mine, at::Tensor& all) = 0; // [n], [ranks n]
  virtual void all_reduce(const at::Tensor& mine, at::Tensor& sum) = 0; // [n], [n]
  virtual void broadcast(at::Tensor& values, int root) = 0;             // [n]
  // `sum` is written on the root only.
  virtual void reduce(const at::Tensor& mine, at::Tensor& sum, int root) = 0;
  virtual void wait() = 0;
};

// Collective; the session outlives it. `device`, `limit_seconds` (of every wait, and of the start):
// of NCCL. MPI has no time limit, it waits for all ranks as MPI does.
std::unique_ptr<Collectives> make_collectives(const Session& session, GatherBy by,
                                              c10::Device device, double limit_seconds);

// Keeps ranks that measure together in step. Unlike Session's waits, which leave the core to
// others, these are MPI's own: ranks leave them as close to each other as MPI can do it.
class LockStep {
public:
  explicit LockStep(const Session& session);
  ~LockStep();
  LockStep(const LockStep&) = delete;
  LockStep& operator=(const LockStep&) = delete;
  void barrier() const;
  // Element by element over ranks, on every rank.
  std::vector<double> greatest(std::vector<double> mine) const;

private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace peakbench::cluster
