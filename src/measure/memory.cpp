#include "measure/memory.h"

#include "base/error.h"
#include "measure/cpu_memory.h"
#include "measure/cuda_memory.h"

namespace peakbench::measure {

DeviceMemory& DeviceMemory::of(c10::Device device) {
  if (device.is_cpu())
    return cpu_memory();
  if (device.is_cuda())
    return cuda_memory(device.has_index() ? device.index() : c10::DeviceIndex{0});
  throw UserError("memory of device " + device.str() + " cannot be measured", "",
                  "Use cpu or cuda.");
}

MemoryScope::MemoryScope(DeviceMemory& memory) : memory_(memory), scope_(memory.open_scope()) {}
MemoryScope::~MemoryScope() { memory_.close_scope(scope_); }
MemoryReading MemoryScope::read() const { return memory_.read_scope(scope_); }

} // namespace peakbench::measure
