#include <stdexcept>

#include "cluster/collectives.h"
#include "cluster/nccl.h"
#if PEAKBENCH_USE_NCCL
#include <ATen/ATen.h>
#include <c10/cuda/CUDAStream.h>

#include "cluster/nccl_communicator.h"
#endif

namespace peakbench::cluster {

bool nccl_available() { return PEAKBENCH_USE_NCCL != 0; }

#if PEAKBENCH_USE_NCCL

namespace {

ncclDataType_t type_of(const at::Tensor& tensor) {
  return tensor.scalar_type() == at::kDouble ? ncclDouble : ncclFloat;
}

std::size_t count_of(const at::Tensor& tensor) { return static_cast<std::size_t>(tensor.numel()); }

// On the stream that fills the tensors, so that operations come after what made their inputs.
class NcclCollectives final : public Collectives {
public:
  NcclCollectives(const Session& session, c10::Device device, double limit_seconds)
      : device_(device), comm_(session, device, limit_seconds),
        stream_(c10::cuda::getCurrentCUDAStream(device.index()).stream()) {}

  GatherBy transport() const override { return GatherBy::nccl; }
  c10::Device device() const override { return device_; }

  void all_gather(const at::Tensor& mine, at::Tensor& all) override {
    comm_.start("ncclAllGather", [&](ncclComm_t comm) {
      return ncclAllGather(mine.const_data_ptr(), all.mutable_data_ptr(), count_of(mine),
                           type_of(mine), comm, stream_);
    });
  }
  void all_reduce(const at::Tensor& mine, at::Tensor& sum) override {
    comm_.start("ncclAllReduce", [&](ncclComm_t comm) {
      return ncclAllReduce(mine.const_data_ptr(), sum.mutable_data_ptr(), count_of(mine),
                           type_of(mine), ncclSum, comm, stream_);
    });
  }
  void broadcast(at::Tensor& values, int root) override {
    comm_.start("ncclBroadcast", [&](ncclComm_t comm) {
      return ncclBroadcast(values.const_data_ptr(), values.mutable_data_ptr(), count_of(values),
                           type_of(values), root, comm, stream_);
    });
  }
  void reduce(const at::Tensor& mine, at::Tensor& sum, int root) override {
    comm_.start("ncclReduce", [&](ncclComm_t comm) {
      return ncclReduce(mine.const_data_ptr(), sum.mutable_data_ptr(), count_of(mine),
                        type_of(mine), ncclSum, root, comm, stream_);
    });
  }
  void wait() override { comm_.wait(stream_, NcclCommunicator::Patience::spin); }

private:
  c10::Device device_;
  NcclCommunicator comm_;
  cudaStream_t stream_;
};

} // namespace

std::unique_ptr<Collectives> nccl_collectives(const Session& session, c10::Device device,
                                              double limit_seconds) {
  return std::make_unique<NcclCollectives>(session, device, limit_seconds);
}

#else

std::unique_ptr<Collectives> nccl_collectives(const Session&, c10::Device, double) {
  throw std::logic_error("built without NCCL");
}

#endif

} // namespace peakbench::cluster
