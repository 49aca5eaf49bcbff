// The few CUDA calls of this folder; without CUDA there is simply no GPU.
#pragma once

#include <string>
#include <vector>

#include "cluster/devices.h"

namespace peakbench::cluster {

std::vector<std::string> visible_gpu_identities();
void use_gpu(int index);
DeviceFacts gpu_facts(int index);
void release_cached_gpu_memory();

} // namespace peakbench::cluster
