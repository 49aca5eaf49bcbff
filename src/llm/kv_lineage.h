// How many different tokens a set of forked paths holds, however they are stored: the bound that no
// store can go below. Tokens of paths that were created apart count apart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace peakbench::llm {

class KvLineage {
public:
  using Leaf = std::int32_t;

  Leaf create();
  // Ends the leaf's segment, which both have in common from now on: `leaf` becomes one
  // continuation, the other is returned.
  Leaf fork(Leaf& leaf);
  void extend(Leaf leaf, std::int64_t tokens);
  void release(Leaf leaf);
  std::int64_t unique_tokens() const { return unique_tokens_; }

private:
  struct Segment {
    Leaf parent = -1;
    std::int32_t holders = 0; // the path that ends here, or the segments that continue it
    std::int64_t tokens = 0;
  };
  Leaf add(Leaf parent);
  Segment& at(Leaf leaf) { return segments_.at(static_cast<std::size_t>(leaf)); }

  std::vector<Segment> segments_;
  std::vector<Leaf> unused_;
  std::int64_t unique_tokens_ = 0;
};

} // namespace peakbench::llm
