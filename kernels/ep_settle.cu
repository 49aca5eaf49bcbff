// The launch of the kernel in ep_settle.cuh.
#include "kernels/ep_settle.cuh"

#include <initializer_list>

#include "kernels/cuda_check.h"

namespace peakbench::kernels {
namespace {

constexpr int kThreads = 256;

__global__ void __launch_bounds__(kThreads, 1) run_cone(const __grid_constant__ EpDeviceCall call) {
  device::ep_settle(call);
}

// A cooperative launch: all blocks are there at once, or it is refused.
struct Launch {
  cudaLaunchConfig_t config{};
  cudaLaunchAttribute attributes[2] = {};

  Launch(int blocks, int cluster, std::size_t shared_bytes, cudaStream_t stream) {
    config.gridDim = dim3(static_cast<unsigned>(blocks));
    config.blockDim = dim3(kThreads);
    config.dynamicSmemBytes = shared_bytes;
    config.stream = stream;
    attributes[0].id = cudaLaunchAttributeCooperative;
    attributes[0].val.cooperative = 1;
    attributes[1].id = cudaLaunchAttributeClusterDimension;
    attributes[1].val.clusterDim.x = static_cast<unsigned>(cluster);
    attributes[1].val.clusterDim.y = attributes[1].val.clusterDim.z = 1;
    config.attrs = attributes;
    config.numAttrs = cluster > 1 ? 2 : 1; // before compute capability 9.0 there are no clusters
  }
  Launch(const Launch&) = delete;
  Launch& operator=(const Launch&) = delete;
};

int attribute(cudaDeviceAttr which, int device) {
  int value = 0;
  check_cuda(cudaDeviceGetAttribute(&value, which, device), "cudaDeviceGetAttribute");
  return value;
}

} // namespace

EpDeviceLimits ep_device_limits() {
  int device = 0;
  check_cuda(cudaGetDevice(&device), "cudaGetDevice");
  const int multiprocessors = attribute(cudaDevAttrMultiProcessorCount, device);
  EpDeviceLimits limits;
  limits.threads = kThreads;
  limits.shared_bytes = attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
  check_cuda(cudaFuncSetAttribute(run_cone, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                  static_cast<int>(limits.shared_bytes)),
             "cudaFuncSetAttribute");
  limits.blocks = multiprocessors; // one with this much memory on each
  if (attribute(cudaDevAttrComputeCapabilityMajor, device) < 9)
    return limits;
  for (const int cluster : {8, 4, 2}) {
    const Launch launch(multiprocessors / cluster * cluster, cluster,
                        static_cast<std::size_t>(limits.shared_bytes), nullptr);
    int clusters = 0;
    check_cuda(cudaOccupancyMaxActiveClusters(&clusters, run_cone, &launch.config),
               "cudaOccupancyMaxActiveClusters");
    if (clusters > 0) {
      limits.cluster = cluster;
      limits.blocks = clusters * cluster;
      break;
    }
  }
  return limits;
}

void launch_ep_settle(const EpDeviceCall& call, const EpDevicePlan& plan, void* stream) {
  check_cuda(cudaFuncSetAttribute(run_cone, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                  static_cast<int>(plan.limits.shared_bytes)),
             "cudaFuncSetAttribute");
  const Launch launch(plan.limits.blocks, plan.shape.cluster,
                      static_cast<std::size_t>(plan.shared_bytes),
                      static_cast<cudaStream_t>(stream));
  check_cuda(cudaLaunchKernelEx(&launch.config, run_cone, call), "ep_settle");
}

} // namespace peakbench::kernels
