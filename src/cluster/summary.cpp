#include "cluster/summary.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <cstring>
#include <set>

#include "base/error.h"
#include "cluster/devices.h"
#include "cluster/nccl.h"

namespace peakbench::cluster {

namespace {

constexpr double kNcclLimitSeconds = 120; // to build a communicator over many nodes and use it once

// Why NCCL cannot be used; empty if it can. The same on every rank.
std::string obstacle(const Session& session, c10::Device device) {
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

std::vector<std::vector<double>> gather_with_mpi(const Session& session,
                                                 std::span<const double> mine) {
  const std::string bytes(reinterpret_cast<const char*>(mine.data()), mine.size_bytes());
  std::string joined;
  for (const std::string& one : session.gather(bytes))
    joined += one;
  joined = session.broadcast(joined);
  std::vector<std::vector<double>> rows(static_cast<std::size_t>(session.size()),
                                        std::vector<double>(mine.size()));
  for (std::size_t rank = 0; rank < rows.size(); ++rank)
    std::memcpy(rows[rank].data(), joined.data() + rank * mine.size_bytes(), mine.size_bytes());
  return rows;
}

std::vector<std::vector<double>> gather_with_nccl(const Session& session, c10::Device device,
                                                  std::span<const double> mine) {
  const at::Tensor host =
      at::tensor(at::ArrayRef<double>(mine.data(), mine.size()), at::kDouble); // [n]
  const at::Tensor all =
      nccl_all_gather(session, host.to(device), kNcclLimitSeconds).cpu(); // [ranks, n]
  std::vector<std::vector<double>> rows;
  for (int rank = 0; rank < session.size(); ++rank) {
    const double* row = all.const_data_ptr<double>() + rank * all.size(1);
    rows.emplace_back(row, row + all.size(1));
  }
  return rows;
}

} // namespace

GatherBy choose_gather(const Session& session, const std::string& wish, c10::Device device) {
  if (wish == "mpi" || (wish == "auto" && session.size() == 1))
    return GatherBy::mpi;
  const std::string why_not = obstacle(session, device);
  if (why_not.empty())
    return GatherBy::nccl;
  if (wish == "auto")
    return GatherBy::mpi;
  throw UserError("gather: nccl is not possible", why_not, "say gather: mpi or auto");
}

std::vector<std::vector<double>> gather_summary(const Session& session, GatherBy by,
                                                c10::Device device, std::span<const double> mine) {
  return by == GatherBy::nccl ? gather_with_nccl(session, device, mine)
                              : gather_with_mpi(session, mine);
}

} // namespace peakbench::cluster
