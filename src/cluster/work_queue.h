// What to hand out next, to whom: the policy of dynamic sharing, without any transport.
//
// A rank goes on with the group it has opened (its first items are what later ones reuse). Then it
// opens groups of the model that it has loaded, then of other models, those that few ranks have
// loaded first; then it takes items from the group of the rank that would finish last. Long ones
// first, always.
//
// How fast ranks are is learnt from how long their items took. A rank gets no item that it would
// finish after all the others could have done everything that is left; one that nobody knows yet
// may be as slow as kUnknownSpeed, so that a slow rank does not begin with the longest item. Only
// where nothing else is short enough does a rank begin with an item from within a group.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cluster/sharing.h"

namespace peakbench::cluster {

class WorkQueue {
public:
  // Against the typical rank's speed. Without a finished item:
  static constexpr double kUnknownSpeed = 0.1;
  // Estimates are not good enough to tell ranks apart whose speeds differ by less than this; and a
  // slower one has little to give and much to delay.
  static constexpr double kSlowSpeed = 0.5;

  enum class Verdict {
    item,
    later, // the others will do what is left, as far as one can tell: ask again when they did more
    none   // nothing is left
  };
  struct Answer {
    Verdict verdict = Verdict::none;
    std::size_t item = 0;
  };

  WorkQueue(std::span<const WorkItem> items, int ranks);

  // The rank has done whatever it had and asks for more. `now`: seconds, never less than before.
  // Later is never said to the only rank that could do what is left.
  Answer next(int rank, double now);
  // The rank is lost, and with it the item that it had.
  void forget(int rank);
  // From now on every answer is `none`.
  void close() { left_ = 0; }
  std::size_t left() const { return left_; }

private:
  struct Group {
    std::vector<std::size_t> items; // not handed out yet, in their order
    std::string model;
    double cost = 0; // of what is left
    int owner = -1;  // who opened it; nobody yet, or somebody who is lost
  };
  struct Rank {
    std::string model; // loaded last
    std::optional<std::size_t> running;
    double since = 0; // when it was handed out
    double speed = 1; // estimated cost per second, of work whose estimates are right on average
    bool known = false, gone = false;
  };
  // What came of estimates, by rank and model: the first is cost, the second seconds.
  using Experience = std::map<std::pair<std::size_t, std::string>, std::pair<double, double>>;

  void learn(std::size_t rank, double now);
  double typical_speed() const;
  double speed(std::size_t rank) const;
  double seconds_for(std::size_t item, double speed) const;
  double seconds_left(std::size_t rank, double now) const; // of what it runs
  double others_seconds(std::size_t rank, double now) const;
  double others_seconds_at_least(std::size_t rank, double now) const;
  bool others_run(std::size_t rank) const;
  std::vector<std::size_t> by_preference(std::size_t rank, double now) const;
  double cautious_speed(std::size_t rank) const;
  struct Place {
    std::size_t group = 0, at = 0;
  };
  std::optional<Place> choose(std::size_t rank, double now) const;
  Answer take(const Place& place, std::size_t rank, double now);
  double bias(const std::string& model) const;

  std::vector<WorkItem> items_;
  std::vector<Group> groups_;
  std::vector<Rank> ranks_;
  std::size_t left_;
  std::map<std::string, double> cost_left_; // by model
  Experience experience_;
  std::map<std::string, double> bias_; // of the estimates, by model
  double common_bias_ = 1;             // of models that nobody has tried
};

} // namespace peakbench::cluster
