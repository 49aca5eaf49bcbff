#include "ep/cone.h"
#include <ATen/ATen.h>
namespace peakbench::ep {
bool kernel_cone_runs(const Settings&, at::Device) { return false; }
std::unique_ptr<Cone> make_kernel_cone(const Problem& problem) { return make_aten_cone(problem); }
} // namespace peakbench::ep
