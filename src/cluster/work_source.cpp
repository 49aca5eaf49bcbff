#include "cluster/work_source.h"

#include <deque>

namespace peakbench::cluster {

namespace {

class Dealt final : public WorkSource {
public:
  Dealt(std::span<const WorkItem> items, int ranks, int rank) {
    const std::vector<int> rank_of = share_statically(items, ranks);
    for (std::size_t i = 0; i < rank_of.size(); ++i)
      if (rank_of[i] == rank)
        mine_.push_back(i);
  }
  std::optional<std::size_t> next() override {
    if (mine_.empty())
      return std::nullopt;
    const std::size_t item = mine_.front();
    mine_.pop_front();
    return item;
  }

private:
  std::deque<std::size_t> mine_;
};

} // namespace

std::unique_ptr<WorkSource> deal_out(const Session& session, std::span<const WorkItem> items) {
  return std::make_unique<Dealt>(items, session.size(), session.rank());
}

std::unique_ptr<WorkSource> hand_out(const Session& session, std::span<const WorkItem> items) {
  return deal_out(session, items);
}

std::string choose_share(const std::string& wish, std::size_t, int) {
  return wish == "auto" ? "static" : wish;
}

std::unique_ptr<WorkSource> make_work_source(const Session& session,
                                             std::span<const WorkItem> items,
                                             const std::string& share) {
  return share == "dynamic" ? hand_out(session, items) : deal_out(session, items);
}

} // namespace peakbench::cluster
