#include "measure/tag.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "measure/memory.h"

namespace peakbench::measure {

TEST(TagScope, NestsAndRestores) {
  EXPECT_EQ(current_tag(), Tag::workspace);
  {
    TagScope outer(Tag::weights);
    {
      TagScope inner(Tag::logits);
      EXPECT_EQ(current_tag(), Tag::logits);
    }
    EXPECT_EQ(current_tag(), Tag::weights);
  }
  EXPECT_EQ(current_tag(), Tag::workspace);
}

} // namespace peakbench::measure
