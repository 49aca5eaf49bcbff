#include "llm/kv_store.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "measure/memory.h"

namespace peakbench::llm {
namespace {

constexpr std::int64_t kHeads = 4;

ModelConfig small_config(std::int64_t layers = 1) {
  ModelConfig config;
  config.layers = layers;
  config.heads = kHeads;
  config.kv_heads = 2;
  config.head_width = 8;
  return config;
}

// What a store must do, told token by token: a path is a list of (id, key, value), fork copies it.
class PlainModel {
public:
  struct Token {
    std::int64_t id;
    at::Tensor key, value; // [kv_heads, head_width]
  };
  void create(PathId path) { paths_[path]; }
  void fork(PathId parent, PathId child) { paths_[child] = paths_.at(parent); }
  void release(PathId path) { paths_.erase(path); }
  void append(PathId path, at::Tensor key, at::Tensor value) {
    paths_.at(path).push_back({next_++, std::move(key), std::move(value)});
  }
  std::int64_t length(PathId path) const {
    return static_cast<std::int64_t>(paths_.at(path).size());
  }
  std::int64_t logical_tokens() const {
    std::int64_t sum = 0;
    for (const auto& [path, tokens] : paths_)
      sum += static_cast<std::int64_t>(tokens.size());
    return sum;
  }
  std::int64_t unique_tokens() const {
    std::vector<bool> live(static_cast<std::size_t>(next_), false);
    for (const auto& [path, tokens] : paths_)
      for (const Token& token : tokens)
        live[static_cast<std::size_t>(token.id)] = true;
    return std::count(live.begin(), live.end(), true);
  }
  // query [heads, head_width]
  at::Tensor attention(PathId path, const at::Tensor& query) const {
    std::vector<at::Tensor> keys, values;
    for (const Token& token : paths_.at(path)) {
      keys.push_back(token.key);
      values.push_back(token.value);
    }
    const std::int64_t group = query.size(0) / keys.front().size(0);
    const at::Tensor key = at::stack(keys).repeat_interleave(group, 1);
    const at::Tensor value = at::stack(values).repeat_interleave(group, 1);
    const at::Tensor weights = at::einsum("hd,thd->ht", {query, key})
                                   .div(std::sqrt(static_cast<double>(query.size(1))))
                                   .softmax(-1);
    return at::einsum("ht,thd->hd", {weights, value});
  }
  std::vector<PathId> paths() const {
    std::vector<PathId> ids;
    for (const auto& [path, tokens] : paths_)
      ids.push_back(path);
    return ids;
  }

private:
  std::map<PathId, std::vector<Token>> paths_;
  std::int64_t next_ = 0;
};

// A store and what it should be, driven together.
struct Pair {
  explicit Pair(KvKind kind)
      : store(make_kv_store(kind, small_config(), at::kFloat, at::kCPU)),
        generator(at::make_generator<at::CPUGeneratorImpl>(1)) {}

  PathId create() {
    const PathId path = store->create();
    plain.create(path);
    return path;
  }
  PathId fork(PathId parent) {
    const PathId child = store->fork(parent);
    plain.fork(parent, child);
    return child;
  }
  void release(PathId path) {
    store->release(path);
    plain.release(path);
  }
  // Distance of the store's attention from the plain one's, at the last position of every path; 0
  // without the check, which is slow.
  double append(const std::vector<PathId>& paths, std::int64_t tokens = 1, bool check = true) {
    const auto rows = static_cast<std::int64_t>(paths.size()) * tokens;
    const auto normal = [&](std::int64_t heads) {
      return at::randn({rows, heads, 8}, generator, at::kFloat);
    };
    const at::Tensor key = normal(2), value = normal(2), query = normal(kHeads);
    store->reserve(paths, tokens);
    store->append(0, key, value);
    for (std::int64_t row = 0; row < rows; ++row)
      plain.append(paths[static_cast<std::size_t>(row / tokens)], key[row], value[row]);
    const at::Tensor out = store->attention(0, query);
    if (!check)
      return 0;
    double worst = 0;
    for (std::size_t i = 0; i < paths.size(); ++i) {
      const std::int64_t last = static_cast<std::int64_t>(i + 1) * tokens - 1;
      worst = std::max(
          worst, (out[last] - plain.attention(paths[i], query[last])).abs().max().item<double>());
    }
    return worst;
  }

  std::unique_ptr<KvStore> store;
  PlainModel plain;
  at::Generator generator;
};

// These tests are many small calls, which more threads only slow down.
class Threads {
public:
  explicit Threads(int count) : before_(at::get_num_threads()) { at::set_num_threads(count); }
  ~Threads() { at::set_num_threads(before_); }

private:
  int before_;
};

constexpr std::int64_t kBytesPerToken = 2 * 2 * 8 * 4;

class KvStoreOfKind : public ::testing::TestWithParam<KvKind> {};
INSTANTIATE_TEST_SUITE_P(Kinds, KvStoreOfKind, ::testing::Values(KvKind::dense, KvKind::shared),
                         [](const auto& kind) {
                           return kind.param == KvKind::dense ? "dense" : "shared";
                         });

TEST_P(KvStoreOfKind, TenThousandRandomOperationsKeepCountsAndContents) {
  Pair pair(GetParam());
  const Threads one_thread(1);
  std::mt19937 random(17);
  const auto below = [&](std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
  };
  double worst = 0;
  for (int operation = 0; operation < 10000; ++operation) {
    std::vector<PathId> live = pair.plain.paths();
    const std::size_t choice = below(20);
    const bool check = operation % 10 == 0;
    if (live.empty() || (choice == 0 && live.size() < 24)) {
      worst = std::max(
          worst, pair.append({pair.create()}, static_cast<std::int64_t>(1 + below(12)), check));
    } else if (choice < 8 && live.size() < 24) {
      pair.fork(live[below(live.size())]);
    } else if (choice < 13 || live.size() >= 24) {
      pair.release(live[below(live.size())]);
    } else if (operation % 8 != 0) {
      const PathId path = live[below(live.size())];
      worst = std::max(worst, pair.append({path}, 1, check));
    } else {
      worst = std::max(worst, pair.append(live, 1, check));
    }
    const KvUsage now = pair.store->statistics().now;
    ASSERT_EQ(now.logical_bytes, pair.plain.logical_tokens() * kBytesPerToken)
        << "operation " << operation;
    ASSERT_EQ(now.bound_bytes, pair.plain.unique_tokens() * kBytesPerToken)
        << "operation " << operation;
    ASSERT_GE(now.physical_bytes,
              GetParam() == KvKind::dense ? now.logical_bytes : now.bound_bytes);
  }
  EXPECT_LT(worst, 1e-5);
  for (const PathId path : pair.plain.paths()) {
    EXPECT_EQ(pair.store->length(path), pair.plain.length(path));
    pair.release(path);
  }
  const KvUsage end = pair.store->statistics().now;
  EXPECT_EQ(end.logical_bytes, 0);
  EXPECT_EQ(end.bound_bytes, 0);
  EXPECT_EQ(end.physical_bytes, 0);
}

TEST_P(KvStoreOfKind, ForksGoTheirOwnWay) {
  Pair pair(GetParam());
  const PathId parent = pair.create();
  EXPECT_LT(pair.append({parent}, 37), 1e-5);
  const PathId child = pair.fork(parent), grandchild = pair.fork(child);
  for (int step = 0; step < 40; ++step)
    EXPECT_LT(pair.append({parent, child, grandchild}), 1e-5);
  pair.release(child);
  EXPECT_LT(pair.append({grandchild, parent}), 1e-5);
}

TEST_P(KvStoreOfKind, PromptsOfSeveralPathsDoNotSeeEachOther) {
  Pair pair(GetParam());
  EXPECT_LT(pair.append({pair.create(), pair.create(), pair.create()}, 21), 1e-5);
  Pair one_token(GetParam());
  EXPECT_LT(one_token.append({one_token.create(), one_token.create()}, 1), 1e-5);
}

TEST_P(KvStoreOfKind, MisuseIsCaught) {
  Pair pair(GetParam());
  const PathId path = pair.create();
  pair.append({path}, 5);
  EXPECT_THROW(pair.store->reserve(std::vector<PathId>{path}, 2), c10::Error) << "not empty";
  pair.release(path);
  EXPECT_THROW(pair.store->release(path), c10::Error);
  EXPECT_THROW(pair.store->fork(path), c10::Error);
  const PathId other = pair.create();
  pair.store->reserve(std::vector<PathId>{other}, 3);
  const at::Tensor two_rows = at::zeros({2, 2, 8});
  EXPECT_THROW(pair.store->append(0, two_rows, two_rows), c10::Error) << "three slots reserved";
}

TEST(KvStore, ASharedForkCopiesNothingAndADenseOneEverything) {
  Pair dense(KvKind::dense), shared(KvKind::shared);
  for (Pair* pair : {&dense, &shared}) {
    const PathId parent = pair->create();
    pair->append({parent}, 100);
    pair->fork(parent);
    pair->fork(parent);
    EXPECT_EQ(pair->store->statistics().forks, 2);
    EXPECT_EQ(pair->store->statistics().now.logical_bytes, 300 * kBytesPerToken);
    EXPECT_EQ(pair->store->statistics().now.bound_bytes, 100 * kBytesPerToken);
  }
  EXPECT_EQ(dense.store->statistics().copied_bytes, 200 * kBytesPerToken);
  EXPECT_EQ(dense.store->statistics().now.physical_bytes, 300 * kBytesPerToken);
  EXPECT_EQ(shared.store->statistics().copied_bytes, 0);
  EXPECT_EQ(shared.store->statistics().now.physical_bytes, 100 * kBytesPerToken);
}

// A tree as a generation makes it: 200 tokens, 20 paths, 50 steps, some of them pruned on the way.
TEST(KvStore, StaysWithinFivePercentOfTheBoundAtThePeak) {
  const Threads one_thread(1);
  Pair pair(KvKind::shared);
  std::vector<PathId> paths{pair.create()};
  pair.append(paths, 200);
  for (int step = 0; step < 50; ++step) {
    while (paths.size() < 20 && step % 3 == 0)
      paths.push_back(pair.fork(paths.front()));
    pair.append(paths, 1, step % 10 == 0);
    if (step % 7 == 0) {
      pair.release(paths.back());
      paths.pop_back();
    }
  }
  const KvUsage peak = pair.store->statistics().peak;
  EXPECT_LE(static_cast<double>(peak.physical_bytes), 1.05 * static_cast<double>(peak.bound_bytes));
  EXPECT_LT(peak.bound_bytes, peak.logical_bytes / 4) << "or nothing was shared";
}

TEST(KvStore, AllItsBytesAreTaggedAndFreedWithIt) {
  measure::DeviceMemory& memory = measure::DeviceMemory::of(at::kCPU);
  const measure::MemoryScope scope(memory);
  const auto index = measure::index_of(measure::Tag::kv_cache);
  {
    auto store = make_kv_store(KvKind::shared, small_config(3), at::kFloat, at::kCPU);
    store->reserve(std::vector<PathId>{store->create()}, 50);
    EXPECT_EQ(scope.read().live_bytes, 50 * 3 * kBytesPerToken);
    EXPECT_EQ(store->statistics().now.physical_bytes, 50 * 3 * kBytesPerToken);
  }
  EXPECT_EQ(scope.read().live_bytes, 0);
  EXPECT_EQ(scope.read().peak_by_tag[index], 50 * 3 * kBytesPerToken);
}

} // namespace
} // namespace peakbench::llm
