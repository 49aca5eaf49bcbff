#include "llm/kv_lineage.h"

namespace peakbench::llm {

KvLineage::Leaf KvLineage::add(Leaf parent) {
  Leaf leaf = static_cast<Leaf>(segments_.size());
  if (unused_.empty()) {
    segments_.emplace_back();
  } else {
    leaf = unused_.back();
    unused_.pop_back();
  }
  at(leaf) = {parent, 1, 0};
  return leaf;
}

KvLineage::Leaf KvLineage::create() { return add(-1); }

KvLineage::Leaf KvLineage::fork(Leaf& leaf) {
  const Leaf common = leaf;
  leaf = add(common);
  const Leaf other = add(common);
  at(common).holders = 2;
  return other;
}

void KvLineage::extend(Leaf leaf, std::int64_t tokens) {
  at(leaf).tokens += tokens;
  unique_tokens_ += tokens;
}

void KvLineage::release(Leaf leaf) {
  while (leaf >= 0 && --at(leaf).holders == 0) {
    unique_tokens_ -= at(leaf).tokens;
    unused_.push_back(leaf);
    leaf = at(leaf).parent;
  }
}

} // namespace peakbench::llm
