#include "cluster/summary.h"

#include <ATen/ATen.h>

#include "cluster/collectives.h"

namespace peakbench::cluster {

namespace {
constexpr double kLimitSeconds = 120; // to build a communicator over many nodes and use it once
} // namespace

std::vector<std::vector<double>> gather_summary(const Session& session, GatherBy by,
                                                c10::Device device, std::span<const double> mine) {
  const auto collectives = make_collectives(session, by, device, kLimitSeconds);
  const auto count = static_cast<std::int64_t>(mine.size());
  const at::Tensor sent = at::tensor(at::ArrayRef<double>(mine.data(), mine.size()), at::kDouble)
                              .to(collectives->device()); // [n]
  at::Tensor all = at::empty({session.size(), count}, sent.options());
  collectives->all_gather(sent, all);
  collectives->wait();
  const at::Tensor host = all.cpu();
  std::vector<std::vector<double>> rows;
  for (int rank = 0; rank < session.size(); ++rank) {
    const double* row = host.const_data_ptr<double>() + rank * count;
    rows.emplace_back(row, row + count);
  }
  return rows;
}

} // namespace peakbench::cluster
