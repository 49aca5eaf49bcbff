#include "cluster/gather.h"

#include <set>

#include "base/error.h"
#include "cluster/devices.h"
#include "cluster/nccl.h"

namespace peakbench::cluster {

std::string_view name_of(GatherBy by) { return by == GatherBy::nccl ? "nccl" : "mpi"; }

std::string nccl_obstacle(const Session& session, c10::Device device) {
  const std::string mine = device.is_cuda() ? facts_of(device).identity : "";
  std::string verdict;
  std::set<std::string> seen;
  for (const std::string& gpu : session.gather(mine)) {
    if (gpu.empty())
      verdict = "a rank has no GPU";
    else if (!seen.insert(gpu).second && verdict.empty())
      verdict = "two ranks are on one GPU";
  }
  verdict = session.broadcast(verdict);
  return nccl_available() ? verdict : "this program was built without NCCL";
}

GatherBy choose_gather(const Session& session, const std::string& wish, c10::Device device,
                       bool tensors_here) {
  const bool automatic = wish == "auto";
  if (wish == "mpi" || (automatic && (session.size() == 1 || !tensors_here)))
    return GatherBy::mpi;
  const std::string why_not = nccl_obstacle(session, device);
  if (why_not.empty())
    return GatherBy::nccl;
  if (automatic)
    return GatherBy::mpi;
  throw UserError("gather: nccl is not possible", why_not, "say gather: mpi or auto");
}

} // namespace peakbench::cluster
