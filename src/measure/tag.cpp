#include "measure/tag.h"

#include <memory>

namespace peakbench::measure {

namespace {

// The tag rides on c10's thread-local information, which LibTorch hands to the threads that run a
// backward pass on a GPU: gradients made there belong to the scope around backward(). The kinds of
// information are a fixed list; no operator uses this one.
constexpr auto kKind = c10::DebugInfoKind::TEST_INFO_2;

struct TagInfo final : c10::DebugInfoBase {
  explicit TagInfo(Tag value) : tag(value) {}
  Tag tag;
};

// Made once, so that a scope allocates little.
const std::shared_ptr<c10::DebugInfoBase>& info_of(Tag tag) {
  static const auto* const infos = [] {
    auto* const made = new std::array<std::shared_ptr<c10::DebugInfoBase>, kTagCount>;
    for (std::size_t index = 0; index < kTagCount; ++index)
      (*made)[index] = std::make_shared<TagInfo>(static_cast<Tag>(index));
    return made;
  }();
  return (*infos)[index_of(tag)];
}

} // namespace

TagScope::TagScope(Tag tag) : guard_(kKind, info_of(tag)) {}

Tag current_tag() {
  const auto* const info = static_cast<const TagInfo*>(c10::ThreadLocalDebugInfo::get(kKind));
  return info == nullptr ? Tag::workspace : info->tag;
}

} // namespace peakbench::measure
