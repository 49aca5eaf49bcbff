// Which device a rank uses, and how many host threads.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cluster/session.h"

namespace peakbench::cluster {

// "auto": the GPU of the local rank where there are GPUs, else the CPU; "cpu"; "cuda". Collective.
// UserError if there are more local ranks than GPUs (each rank's memory must be its own), or no GPU
// for "cuda". What CUDA_VISIBLE_DEVICES hides does not count.
// Only looks: a process that is to compute there calls use_device().
c10::Device choose_device(const Session& session, const std::string& wish);
// Makes a GPU the current one of this process.
void use_device(c10::Device device);
// The same wishes without a session, for commands of one process.
c10::Device single_device(const std::string& wish);
// Collective. The cores this process may use (affinity, and the container's quota), those that
// other local ranks may use too divided among them; at least 1.
int threads_per_rank(const Session& session);
// The same for a process that shares with nobody.
int single_threads();

// The rules behind the two, as functions of what every rank of the host sees.
struct RankGpus {
  std::string host;
  std::vector<std::string> identities; // of the visible GPUs, in CUDA's order
};
// The CUDA index that rank `me` uses. Ranks that see the same GPUs take them in turn; ranks that
// were given different ones each (by a batch system) take their first.
int pick_gpu(std::span<const RankGpus> ranks, std::size_t me);
// `cores[i]`: the cores that local rank i may run on. `quota`: cores' worth of time of the host's
// container, 0 for no limit.
int share_of_cores(std::span<const std::vector<int>> cores, std::size_t me, double quota);

struct DeviceFacts {
  std::string name, driver, cuda, nccl; // empty where they do not apply
  std::int64_t memory_bytes = -1;
  std::string identity; // of a GPU, unique among hosts
};
DeviceFacts facts_of(c10::Device device);
// Gives what the allocator keeps for later back to the device, so that one case cannot starve the
// next.
void release_cached_memory(c10::Device device);

} // namespace peakbench::cluster
