#include "cluster/work_queue.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <set>
#include <stdexcept>
#include <tuple>

namespace peakbench::cluster {

namespace {
constexpr int kFitRounds = 12;
}

WorkQueue::WorkQueue(std::span<const WorkItem> items, int ranks)
    : items_(items.begin(), items.end()), left_(items.size()) {
  if (ranks < 1)
    throw std::invalid_argument("WorkQueue: no ranks");
  ranks_.resize(static_cast<std::size_t>(ranks));
  std::map<std::string, std::size_t> group_of;
  for (std::size_t i = 0; i < items_.size(); ++i) {
    const std::string& name = items_[i].group;
    const auto found = name.empty() ? group_of.end() : group_of.find(name);
    const std::size_t group = found == group_of.end() ? groups_.size() : found->second;
    if (group == groups_.size()) {
      groups_.emplace_back().model = items_[i].model;
      if (!name.empty())
        group_of[name] = group;
    }
    groups_[group].items.push_back(i);
    groups_[group].cost += items_[i].cost;
    cost_left_[items_[i].model] += items_[i].cost;
  }
}

// Estimates may be wrong in the same way for all items of a model, and ranks differ in speed:
// seconds = cost x bias(model) / speed(rank). Both are fitted to the sums, in turn. Ranks that have
// no model in common cannot be compared, and are left alike.
void WorkQueue::learn(std::size_t rank, double now) {
  Rank& one = ranks_[rank];
  const WorkItem& done = items_[*one.running];
  auto& [cost, seconds] = experience_[{rank, done.model}];
  cost += done.cost;
  seconds += now - one.since;
  one.known = true;
  one.running.reset();
  for (Rank& other : ranks_)
    other.speed = 1;
  for (int round = 0; round < kFitRounds; ++round) {
    std::map<std::string, std::pair<double, double>> models;
    std::vector<std::pair<double, double>> ranks(ranks_.size());
    std::pair<double, double> all;
    const auto add = [](std::pair<double, double>& sum, double estimated, double took) {
      sum.first += estimated;
      sum.second += took;
    };
    for (const auto& [key, sums] : experience_) {
      const double took = sums.second * ranks_[key.first].speed;
      add(models[key.second], sums.first, took);
      add(all, sums.first, took);
    }
    for (const auto& [model, sums] : models)
      bias_[model] = sums.first > 0 ? sums.second / sums.first : 1;
    common_bias_ = all.first > 0 ? all.second / all.first : 1;
    for (const auto& [key, sums] : experience_)
      add(ranks[key.first], sums.first * bias_[key.second], sums.second);
    for (std::size_t i = 0; i < ranks.size(); ++i)
      if (ranks[i].first > 0 && ranks[i].second > 0)
        ranks_[i].speed = ranks[i].first / ranks[i].second;
  }
}

double WorkQueue::typical_speed() const {
  std::vector<double> speeds;
  for (const Rank& one : ranks_)
    if (one.known && !one.gone)
      speeds.push_back(one.speed);
  if (speeds.empty())
    return 1;
  const auto middle = speeds.begin() + static_cast<std::ptrdiff_t>(speeds.size() / 2);
  std::nth_element(speeds.begin(), middle, speeds.end());
  return *middle;
}

double WorkQueue::speed(std::size_t rank) const {
  return ranks_[rank].known ? ranks_[rank].speed : typical_speed();
}

double WorkQueue::bias(const std::string& model) const {
  const auto known = bias_.find(model);
  return known == bias_.end() ? common_bias_ : known->second;
}

double WorkQueue::seconds_for(std::size_t item, double speed) const {
  return items_[item].cost * bias(items_[item].model) / speed;
}

double WorkQueue::seconds_left(std::size_t rank, double now) const {
  const Rank& one = ranks_[rank];
  if (!one.running)
    return 0;
  const double expected = seconds_for(*one.running, speed(rank)), elapsed = now - one.since;
  // What takes longer than expected may take longer still: as long as it is late already.
  return elapsed < expected ? expected - elapsed : elapsed - expected;
}

bool WorkQueue::others_run(std::size_t rank) const {
  for (std::size_t other = 0; other < ranks_.size(); ++other)
    if (other != rank && !ranks_[other].gone && ranks_[other].running)
      return true;
  return false;
}

// How long the others would take for everything that is left, the longest item first to the rank
// that would finish it first.
double WorkQueue::others_seconds(std::size_t rank, double now) const {
  std::vector<std::pair<double, double>> others; // free in so many seconds, speed
  for (std::size_t other = 0; other < ranks_.size(); ++other)
    if (other != rank && !ranks_[other].gone)
      others.emplace_back(seconds_left(other, now), speed(other));
  if (others.empty())
    return std::numeric_limits<double>::infinity();
  std::vector<double> work;
  for (const Group& group : groups_)
    for (const std::size_t item : group.items)
      work.push_back(seconds_for(item, 1));
  std::sort(work.begin(), work.end(), std::greater<>());
  double longest = std::ranges::max_element(others)->first;
  for (const double seconds : work) {
    const auto first =
        std::min_element(others.begin(), others.end(), [&](const auto& one, const auto& other) {
          return one.first + seconds / one.second < other.first + seconds / other.second;
        });
    first->first += seconds / first->second;
    longest = std::max(longest, first->first);
  }
  return longest;
}

// A bound of that from below which costs nothing to find: as if work could be cut at will.
double WorkQueue::others_seconds_at_least(std::size_t rank, double now) const {
  double work = 0, speeds = 0;
  for (const auto& [model, cost] : cost_left_)
    work += cost * bias(model);
  for (std::size_t other = 0; other < ranks_.size(); ++other)
    if (other != rank && !ranks_[other].gone) {
      work += seconds_left(other, now) * speed(other);
      speeds += speed(other);
    }
  return speeds > 0 ? work / speeds : std::numeric_limits<double>::infinity();
}

// Groups with something left, the ones to be preferred first.
std::vector<std::size_t> WorkQueue::by_preference(std::size_t rank, double now) const {
  const std::string& loaded = ranks_[rank].model;
  std::map<std::string, std::set<std::size_t>> loaders;
  for (std::size_t other = 0; other < ranks_.size(); ++other)
    if (!ranks_[other].gone && !ranks_[other].model.empty())
      loaders[ranks_[other].model].insert(other);
  const bool models_wait = std::ranges::any_of(groups_, [](const Group& group) {
    return group.owner < 0 && !group.items.empty() && !group.model.empty();
  });
  // When the owners would be through with their groups.
  const auto finish = [&](const Group& group) {
    const auto owner = static_cast<std::size_t>(group.owner);
    double seconds = seconds_left(owner, now);
    for (const std::size_t item : group.items)
      seconds += seconds_for(item, speed(owner));
    return seconds;
  };
  // What needs no model never loses one; but a rank without a model had better load one soon.
  const auto at_hand = [&](const std::string& model) {
    return model.empty() ? !loaded.empty() || !models_wait : model == loaded;
  };
  std::vector<std::tuple<int, double, double, std::size_t>> keys;
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    const Group& group = groups_[g];
    if (group.items.empty())
      continue;
    if (group.owner == static_cast<int>(rank))
      keys.emplace_back(0, 0, -group.cost, g);
    else if (group.owner >= 0)
      keys.emplace_back(3, -finish(group), 0, g);
    else if (at_hand(group.model))
      keys.emplace_back(1, 0, -group.cost, g);
    else
      keys.emplace_back(
          2, loaders.contains(group.model) ? static_cast<double>(loaders[group.model].size()) : 0,
          -group.cost, g);
  }
  std::sort(keys.begin(), keys.end());
  std::vector<std::size_t> order;
  for (const auto& key : keys)
    order.push_back(std::get<3>(key));
  return order;
}

// For deciding what the rank may be given.
double WorkQueue::cautious_speed(std::size_t rank) const {
  const double typical = typical_speed(), own = ranks_[rank].speed;
  if (!ranks_[rank].known)
    return typical * kUnknownSpeed;
  return own < typical * kSlowSpeed ? own * kSlowSpeed : std::max(own, typical);
}

// Nothing: it had better wait.
std::optional<WorkQueue::Place> WorkQueue::choose(std::size_t rank, double now) const {
  const std::vector<std::size_t> order = by_preference(rank, now);
  const double own = cautious_speed(rank);
  const auto seconds = [&](const Place& place) {
    return seconds_for(groups_[place.group].items[place.at], own);
  };
  if (const Place best{order.front(), 0}; seconds(best) <= others_seconds_at_least(rank, now))
    return best;
  const double limit = others_seconds(rank, now);
  for (const std::size_t group : order)
    if (seconds({group, 0}) <= limit)
      return Place{group, 0};
  std::optional<Place> longest, shortest;
  for (const std::size_t group : order)
    for (Place place{group, 0}; place.at < groups_[group].items.size(); ++place.at) {
      if (!shortest || seconds(place) < seconds(*shortest))
        shortest = place;
      if (seconds(place) <= limit && (!longest || seconds(place) > seconds(*longest)))
        longest = place;
    }
  if (longest)
    return longest;
  // Nobody is kept from working on mere suspicion, and somebody has to do what is left.
  if (!ranks_[rank].known)
    return shortest;
  return others_run(rank) ? std::nullopt : std::optional(Place{order.front(), 0});
}

WorkQueue::Answer WorkQueue::take(const Place& place, std::size_t rank, double now) {
  Group& group = groups_[place.group];
  const std::size_t item = group.items[place.at];
  group.items.erase(group.items.begin() + static_cast<std::ptrdiff_t>(place.at));
  group.cost -= items_[item].cost;
  cost_left_[group.model] -= items_[item].cost;
  if (group.owner < 0 && place.at == 0)
    group.owner = static_cast<int>(rank);
  if (!group.model.empty())
    ranks_[rank].model = group.model;
  ranks_[rank].running = item;
  ranks_[rank].since = now;
  --left_;
  return {Verdict::item, item};
}

WorkQueue::Answer WorkQueue::next(int asking, double now) {
  const auto rank = static_cast<std::size_t>(asking);
  if (ranks_.at(rank).running)
    learn(rank, now);
  if (left_ == 0 || ranks_[rank].gone)
    return {};
  const std::optional<Place> place = choose(rank, now);
  return place ? take(*place, rank, now) : Answer{Verdict::later};
}

void WorkQueue::forget(int rank) {
  Rank& lost = ranks_.at(static_cast<std::size_t>(rank));
  lost.gone = true;
  lost.running.reset();
  for (Group& group : groups_)
    if (group.owner == rank)
      group.owner = -1;
}

} // namespace peakbench::cluster
