#include "measure/tag.h"

#include <ATen/ThreadLocalState.h>
#include <gtest/gtest.h>

#include <thread>

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

// How autograd's engine starts the threads of a backward pass on a GPU.
TEST(TagScope, FollowsTheWorkToAutogradsThreads) {
  const TagScope tag(Tag::gradients);
  const at::ThreadLocalState state;
  std::thread([&] {
    EXPECT_EQ(current_tag(), Tag::workspace) << "a plain thread has no tag";
    {
      const at::ThreadLocalStateGuard guard(state);
      EXPECT_EQ(current_tag(), Tag::gradients);
      const TagScope inner(Tag::activations);
      EXPECT_EQ(current_tag(), Tag::activations);
    }
    EXPECT_EQ(current_tag(), Tag::workspace);
  }).join();
}

TEST(Tag, HasANameForEachColumn) {
  EXPECT_EQ(kTagNames[index_of(Tag::weights)], "weights");
  EXPECT_EQ(kTagNames[index_of(Tag::kv_cache)], "kv_cache");
  EXPECT_EQ(kTagNames[index_of(Tag::workspace)], "workspace");
}

} // namespace peakbench::measure
