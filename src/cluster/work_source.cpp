#include "cluster/work_source.h"

#include <deque>

#include "cluster/dispatcher.h"

namespace peakbench::cluster {

namespace {

// A rank's first item shows how fast it is; after a few more the estimates are even.
constexpr std::size_t kSeveral = 8;

class Dealt final : public WorkSource {
public:
  Dealt(std::span<const WorkItem> items, int ranks, int rank) {
    const std::vector<int> rank_of = share_statically(items, ranks);
    for (std::size_t i = 0; i < rank_of.size(); ++i)
      if (rank_of[i] == rank)
        mine_.push_back(i);
  }
  std::optional<std::size_t> next(const std::function<bool()>&) override {
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
  return std::make_unique<Dispatcher>(session, items);
}

std::string choose_share(const std::string& wish, std::size_t items, int ranks) {
  if (wish != "auto")
    return wish;
  const bool several = items >= kSeveral * static_cast<std::size_t>(ranks);
  return ranks > 1 && several ? "dynamic" : "static";
}

std::unique_ptr<WorkSource> make_work_source(const Session& session,
                                             std::span<const WorkItem> items,
                                             const std::string& share) {
  return share == "dynamic" ? hand_out(session, items) : deal_out(session, items);
}

} // namespace peakbench::cluster
