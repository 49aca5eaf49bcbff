#include "cluster/sharing.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <stdexcept>

namespace peakbench::cluster {

namespace {

struct Piece {
  double cost = 0;
  std::vector<std::size_t> items;
};

// Groups in order of first appearance, cut where a piece would cost more than `limit`.
std::vector<Piece> cut(std::span<const WorkItem> items, double limit) {
  std::vector<Piece> pieces;
  std::map<std::string, std::size_t> open; // group -> its unfinished piece
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto found = items[i].group.empty() ? open.end() : open.find(items[i].group);
    if (found != open.end() && pieces[found->second].cost + items[i].cost <= limit) {
      pieces[found->second].items.push_back(i);
      pieces[found->second].cost += items[i].cost;
      continue;
    }
    if (!items[i].group.empty())
      open[items[i].group] = pieces.size();
    pieces.push_back({items[i].cost, {i}});
  }
  return pieces;
}

struct Assignment {
  std::vector<int> rank_of;
  double longest = 0; // the load of the busiest rank
};

// Longest processing time first.
Assignment assign(std::vector<Piece> pieces, std::size_t count, int ranks) {
  std::stable_sort(pieces.begin(), pieces.end(),
                   [](const Piece& a, const Piece& b) { return a.cost > b.cost; });
  std::vector<double> load(static_cast<std::size_t>(ranks), 0.0);
  Assignment result{std::vector<int>(count, 0), 0};
  for (const Piece& piece : pieces) {
    const auto least = std::min_element(load.begin(), load.end());
    *least += piece.cost;
    for (const std::size_t item : piece.items)
      result.rank_of[item] = static_cast<int>(least - load.begin());
  }
  result.longest = *std::max_element(load.begin(), load.end());
  return result;
}

} // namespace

std::vector<int> share_statically(std::span<const WorkItem> items, int ranks) {
  if (ranks < 1)
    throw std::invalid_argument("share_statically: no ranks");
  double total = 0, largest = 0;
  for (const WorkItem& item : items) {
    total += item.cost;
    largest = std::max(largest, item.cost);
  }
  // No sharing can be better than `bound`. Groups are cut smaller until it is nearly reached.
  const double fair = total / ranks, bound = std::max(fair, largest);
  Assignment best = assign(cut(items, fair), items.size(), ranks);
  for (double limit = fair / 2; best.longest > 1.1 * bound && limit > largest / 4; limit /= 2) {
    Assignment finer = assign(cut(items, limit), items.size(), ranks);
    if (finer.longest < best.longest)
      best = std::move(finer);
  }
  return best.rank_of;
}

} // namespace peakbench::cluster
