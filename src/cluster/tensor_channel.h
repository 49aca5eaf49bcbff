// The way of tensors that lie in the memory of a rank's device to rank 0, beside the collector's
// messages.
#pragma once

#include <ATen/core/TensorBody.h>

#include <functional>
#include <memory>
#include <vector>

#include "cluster/gather.h"
#include "cluster/session.h"

namespace peakbench::cluster {

// Tensors are float64, contiguous, [n]. Of each rank they arrive in the order of sending.
class TensorChannel {
public:
  virtual ~TensorChannel() = default;
  // Any rank but 0. Returns once the tensor has been sent, so that nothing of it needs to live in
  // the next case's memory. std::runtime_error if rank 0 has not taken it within the time limit.
  virtual void send(const at::Tensor& tensor) = 0;
  // Rank 0: the next tensor of rank `from`, of as many values as `values` holds. May be another
  // thread than the one that made the channel, but always the same. `given_up` is asked while it
  // waits; false once that says so. `values` must then live on: the transport may still write
  // there.
  virtual bool receive(
      int from, std::vector<double>& values,
      const std::function<bool()>& given_up = [] { return false; }) = 0;
};

// Collective. NCCL: from GPU to GPU, then to the host on rank 0, whose buffer is outside of the
// caching allocator and of what is counted there. MPI: to the host first. `limit_seconds`: of every
// wait with NCCL; MPI waits quietly, until it is given up.
std::unique_ptr<TensorChannel> make_tensor_channel(const Session& session, GatherBy by,
                                                   c10::Device device, double limit_seconds);

// On the host, wherever the tensor is.
std::vector<double> values_of(const at::Tensor& tensor);

} // namespace peakbench::cluster
