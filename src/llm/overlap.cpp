#include "llm/overlap.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/error.h"

namespace peakbench::llm {

void refuse_overlaps(const std::map<std::string, StoredTensor>& tensors, const std::string& file) {
  using Named = std::map<std::string, StoredTensor>::value_type;
  std::vector<const Named*> by_place;
  for (const Named& named : tensors)
    by_place.push_back(&named);
  const auto begin = [](const Named* named) { return named->second.data.data(); };
  std::stable_sort(by_place.begin(), by_place.end(),
                   [&](const Named* a, const Named* b) { return begin(a) < begin(b); });
  for (std::size_t i = 1; i < by_place.size(); ++i)
    if (begin(by_place[i]) < begin(by_place[i - 1]) + by_place[i - 1]->second.data.size())
      throw UserError(fmt::format("'{}': the data of tensors '{}' and '{}' overlap", file,
                                  by_place[i - 1]->first, by_place[i]->first),
                      "every tensor has its own; is the file damaged?", "");
}

} // namespace peakbench::llm
