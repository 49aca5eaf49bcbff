#include "measure/tag.h"

namespace peakbench::measure {

namespace {
thread_local Tag current = Tag::workspace;
}

TagScope::TagScope(Tag tag) : previous_(current) { current = tag; }
TagScope::~TagScope() { current = previous_; }
Tag current_tag() { return current; }

} // namespace peakbench::measure
