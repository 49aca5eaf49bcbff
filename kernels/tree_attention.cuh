// The GPU's kernels of tree_attention, in CUDA C++ that tests run on the CPU, too.
//
// attend: blocks of four warps take items (attention_lists.h) in turn. An item's tokens are walked
// in tiles: the next tile's keys and values are on their way into shared memory, by asynchronous
// copies of 16 bytes through the list of runs, while this one is multiplied. A warp has 16 query
// rows. Of a wide item (many paths, or a large group) each warp takes rows of its own, so that a
// tile is read once for 64 rows; of a narrow one (one path's own tokens) all warps take the same
// rows and a quarter of each tile's tokens, and add up at the end. In 16 bits scores and sums are
// products of matrix fragments in the tensor cores with float32 sums; in float32 they are plain
// multiplications and additions, lanes holding the same elements as a fragment would.
#pragma once

#include "kernels/tree_attention_merge.cuh"
#include "kernels/tree_attention_shape.cuh"

namespace peakbench::kernels::device {

// A block's work on one item for one kv head.
template <typename T, typename S>
class Attend {
public:
  __device__ Attend(const AttendArguments& arguments, const AttentionItem& item, int kv_head)
      : a_(arguments), item_(item), kv_head_(kv_head) {
    unsigned char* memory = dynamic_shared();
    query_ = reinterpret_cast<T*>(memory);
    tiles_ = reinterpret_cast<T*>(memory + S::kQueryBytes);
    sources_ = reinterpret_cast<Source<T>*>(memory + S::kQueryBytes + 4 * S::kTileBytes);
  }

  __device__ void run() {
    const int tiles = (item_.tokens + S::kTokens - 1) / S::kTokens;
    copy_queries(); // arrive with the first tile
    find_sources(0);
    __syncthreads();
    copy_tile(0);
    if (tiles > 1)
      find_sources(1);
    clear();
    for (int tile = 0; tile < tiles; ++tile) {
      copy_async_wait<0>();
      __syncthreads(); // the tile is there, the one before it is read, the next sources are known
      if (tile + 1 < tiles)
        copy_tile(tile + 1);
      if (tile + 2 < tiles)
        find_sources(tile + 2);
      const int tokens = item_.tokens - tile * S::kTokens - token_warp() * S::kWarpTokens;
      if (tokens > 0 && row_warp() * 16 < item_.rows)
        attend(tile % 2, tokens);
    }
    PEAKBENCH_UNROLL
    for (int half = 0; half < 2; ++half) {
      total_[half] += __shfl_xor_sync(kAllLanes, total_[half], 1);
      total_[half] += __shfl_xor_sync(kAllLanes, total_[half], 2);
    }
    if constexpr (S::kTokenWarps == 1)
      write();
    else
      add_up_and_write();
  }

private:
  static __device__ int thread() { return static_cast<int>(threadIdx.x); }
  static __device__ int lane() { return thread() % 32; }
  static __device__ int row_warp() { return thread() / 32 % S::kRowWarps; }
  static __device__ int token_warp() { return thread() / 32 / S::kRowWarps; }
  // A lane's place in fragments: rows row() and row() + 8, columns column() and the next.
  static __device__ int row() { return lane() / 4; }
  static __device__ int column() { return lane() % 4 * 2; }
  __device__ T* keys(int buffer) const { return tiles_ + buffer * (S::kTokens * S::kPitch); }
  __device__ T* values(int buffer) const { return keys(2 + buffer); }

  __device__ void clear() {
    PEAKBENCH_UNROLL
    for (int i = 0; i < S::kWidth / 8; ++i)
      sum_[i][0] = sum_[i][1] = sum_[i][2] = sum_[i][3] = 0;
    highest_[0] = highest_[1] = kLowest;
    total_[0] = total_[1] = 0;
  }

  __device__ void copy_queries() {
    const int group = a_.heads / a_.kv_heads;
    for (int i = thread(); i < S::kRows * S::kVectors; i += kThreads) {
      const int row = i / S::kVectors, element = i % S::kVectors * S::kVector;
      const bool there = row < item_.rows && element < a_.head_width;
      const T* from = static_cast<const T*>(a_.query);
      if (there) {
        const int at = item_.first_row + row;
        from += at / group * a_.query_stride +
                static_cast<std::int64_t>(kv_head_ * group + at % group) * a_.head_width + element;
      }
      copy_async(query_ + row * S::kPitch + element, from, there);
    }
  }

  __device__ void find_sources(int tile) {
    for (int i = thread(); i < S::kTokens; i += kThreads) {
      const int token = tile * S::kTokens + i;
      Source<T> source{nullptr, 0};
      if (token < item_.tokens)
        source = locate<T>(a_, item_, item_.first_token + token, kv_head_);
      store_shared(&sources_[tile % 2 * S::kTokens + i], source);
    }
  }

  // Zeros where there is no token or the head has no such element.
  __device__ void copy_tile(int tile) {
    T* const key_tile = keys(tile % 2);
    T* const value_tile = values(tile % 2);
    PEAKBENCH_UNROLL_BY(4)
    for (int i = 0; i < S::kTokens * S::kVectors / kThreads; ++i) {
      const int vector = i * kThreads + thread();
      const int token = vector / S::kVectors, element = vector % S::kVectors * S::kVector;
      const Source<T> source = load_shared(&sources_[tile % 2 * S::kTokens + token]);
      const bool there = source.key != nullptr && element < a_.head_width;
      const T* const key = there ? source.key + element : static_cast<const T*>(a_.query);
      copy_async(key_tile + token * S::kPitch + element, key, there);
      copy_async(value_tile + token * S::kPitch + element, there ? key + source.to_value : key,
                 there);
    }
    copy_async_commit();
  }

  // The warp's part of a tile: scores, their exponentials, and the sum of values; `tokens` of it
  // are real.
  __device__ void attend(int buffer, int tokens) {
    float weight[S::kWarpTokens / 8][4];
    PEAKBENCH_UNROLL
    for (int i = 0; i < S::kWarpTokens / 8; ++i)
      weight[i][0] = weight[i][1] = weight[i][2] = weight[i][3] = 0;
    const int first = token_warp() * S::kWarpTokens;
    scores(keys(buffer) + first * S::kPitch, weight);
    float now[2] = {highest_[0], highest_[1]};
    PEAKBENCH_UNROLL
    for (int i = 0; i < S::kWarpTokens / 8; ++i)
      PEAKBENCH_UNROLL
    for (int j = 0; j < 4; ++j) {
      weight[i][j] = i * 8 + column() + j % 2 < tokens ? weight[i][j] * a_.scale : kLowest;
      now[j / 2] = fmaxf(now[j / 2], weight[i][j]);
    }
    float correction[2];
    PEAKBENCH_UNROLL
    for (int half = 0; half < 2; ++half) {
      now[half] = fmaxf(now[half], __shfl_xor_sync(kAllLanes, now[half], 1));
      now[half] = fmaxf(now[half], __shfl_xor_sync(kAllLanes, now[half], 2));
      correction[half] = exp2f(highest_[half] - now[half]);
      highest_[half] = now[half];
      total_[half] *= correction[half];
    }
    PEAKBENCH_UNROLL
    for (int i = 0; i < S::kWarpTokens / 8; ++i)
      PEAKBENCH_UNROLL
    for (int j = 0; j < 4; ++j) {
      weight[i][j] = exp2f(weight[i][j] - now[j / 2]);
      total_[j / 2] += weight[i][j];
    }
    PEAKBENCH_UNROLL
    for (int i = 0; i < S::kWidth / 8; ++i)
      PEAKBENCH_UNROLL
    for (int j = 0; j < 4; ++j)
      sum_[i][j] *= correction[j / 2];
    add_values(values(buffer) + first * S::kPitch, weight);
  }

  __device__ void scores(const T* key, float (&score)[S::kWarpTokens / 8][4]) const {
    const T* const query = query_ + row_warp() * 16 * S::kPitch;
    if constexpr (S::kTensorCores) {
      const int matrix = lane() / 8, line = lane() % 8;
      PEAKBENCH_UNROLL
      for (int k = 0; k < S::kWidth; k += 16) {
        unsigned q[4], keys[4];
        load_matrices(q, query + (matrix % 2 * 8 + line) * S::kPitch + k + matrix / 2 * 8);
        PEAKBENCH_UNROLL
        for (int i = 0; i < S::kWarpTokens / 16; ++i) {
          load_matrices(keys,
                        key + (i * 16 + matrix / 2 * 8 + line) * S::kPitch + k + matrix % 2 * 8);
          multiply_add<T>(score[2 * i], q, keys[0], keys[1]);
          multiply_add<T>(score[2 * i + 1], q, keys[2], keys[3]);
        }
      }
    } else {
      const T* const low = query + row() * S::kPitch;
      const T* const high = low + 8 * S::kPitch;
      PEAKBENCH_UNROLL_BY(4)
      for (int k = 0; k < S::kWidth; k += 4) {
        const float4 q[2] = {load_shared(reinterpret_cast<const float4*>(low + k)),
                             load_shared(reinterpret_cast<const float4*>(high + k))};
        PEAKBENCH_UNROLL
        for (int i = 0; i < S::kWarpTokens / 8; ++i)
          PEAKBENCH_UNROLL
        for (int j = 0; j < 2; ++j) {
          const float4 one = load_shared(
              reinterpret_cast<const float4*>(key + (i * 8 + column() + j) * S::kPitch + k));
          PEAKBENCH_UNROLL
          for (int half = 0; half < 2; ++half) {
            float& to = score[i][2 * half + j];
            to = fmaf(q[half].x, one.x, to);
            to = fmaf(q[half].y, one.y, to);
            to = fmaf(q[half].z, one.z, to);
            to = fmaf(q[half].w, one.w, to);
          }
        }
      }
    }
  }

  __device__ void add_values(const T* value, const float (&weight)[S::kWarpTokens / 8][4]) {
    if constexpr (S::kTensorCores) {
      const int matrix = lane() / 8, line = lane() % 8;
      PEAKBENCH_UNROLL
      for (int i = 0; i < S::kWarpTokens / 16; ++i) {
        // A fragment of sums is one of factors as it is.
        const unsigned w[4] = {pack<T>(weight[2 * i][0], weight[2 * i][1]),
                               pack<T>(weight[2 * i][2], weight[2 * i][3]),
                               pack<T>(weight[2 * i + 1][0], weight[2 * i + 1][1]),
                               pack<T>(weight[2 * i + 1][2], weight[2 * i + 1][3])};
        PEAKBENCH_UNROLL
        for (int k = 0; k < S::kWidth; k += 16) {
          unsigned values[4];
          load_matrices_transposed(values, value + (i * 16 + matrix % 2 * 8 + line) * S::kPitch +
                                               k + matrix / 2 * 8);
          multiply_add<T>(sum_[k / 8], w, values[0], values[1]);
          multiply_add<T>(sum_[k / 8 + 1], w, values[2], values[3]);
        }
      }
    } else {
      PEAKBENCH_UNROLL
      for (int i = 0; i < S::kWarpTokens / 8; ++i)
        for (int holder = 0; holder < 4; ++holder)
          PEAKBENCH_UNROLL
      for (int j = 0; j < 2; ++j) {
        const int from = lane() / 4 * 4 + holder;
        const float low = __shfl_sync(kAllLanes, weight[i][j], from);
        const float high = __shfl_sync(kAllLanes, weight[i][2 + j], from);
        const T* const token = value + (i * 8 + holder * 2 + j) * S::kPitch + column();
        PEAKBENCH_UNROLL
        for (int k = 0; k < S::kWidth / 8; ++k) {
          const float2 v = load_shared(reinterpret_cast<const float2*>(token + k * 8));
          sum_[k][0] = fmaf(low, v.x, sum_[k][0]);
          sum_[k][1] = fmaf(low, v.y, sum_[k][1]);
          sum_[k][2] = fmaf(high, v.x, sum_[k][2]);
          sum_[k][3] = fmaf(high, v.y, sum_[k][3]);
        }
      }
    }
  }

  __device__ std::int64_t partial(int row) const {
    return static_cast<std::int64_t>(item_.partial + row) * a_.kv_heads + kv_head_;
  }

  __device__ void write() const {
    PEAKBENCH_UNROLL
    for (int half = 0; half < 2; ++half) {
      const int at = row_warp() * 16 + row() + 8 * half;
      if (at >= item_.rows)
        continue;
      if (lane() % 4 == 0)
        reinterpret_cast<float2*>(a_.statistics)[partial(at)] =
            make_float2(highest_[half], total_[half]);
      float* const to = a_.sums + partial(at) * a_.head_width;
      PEAKBENCH_UNROLL
      for (int i = 0; i < S::kWidth / 8; ++i)
        if (i * 8 < a_.head_width)
          *reinterpret_cast<float2*>(to + i * 8 + column()) =
              make_float2(sum_[i][2 * half], sum_[i][2 * half + 1]);
    }
  }

  // The warps saw different tokens of the same rows.
  __device__ void add_up_and_write() {
    float2* const statistics = reinterpret_cast<float2*>(tiles_); // [warps, 16]
    float* const sums = reinterpret_cast<float*>(statistics + S::kTokenWarps * 16);
    const int warp = token_warp();
    __syncthreads(); // the last tile is read
    if (lane() % 4 == 0) {
      store_shared(&statistics[warp * 16 + row()], make_float2(highest_[0], total_[0]));
      store_shared(&statistics[warp * 16 + row() + 8], make_float2(highest_[1], total_[1]));
    }
    __syncthreads();
    PEAKBENCH_UNROLL
    for (int half = 0; half < 2; ++half) {
      const int at = row() + 8 * half;
      const float2 all = together(statistics, at);
      const float factor = exp2f(highest_[half] - all.x);
      PEAKBENCH_UNROLL
      for (int i = 0; i < S::kWidth / 8; ++i)
        store_shared(
            reinterpret_cast<float2*>(sums + (warp * 16 + at) * S::kSumPitch + i * 8 + column()),
            make_float2(sum_[i][2 * half] * factor, sum_[i][2 * half + 1] * factor));
      if (warp == 0 && lane() % 4 == 0 && at < item_.rows)
        reinterpret_cast<float2*>(a_.statistics)[partial(at)] = all;
    }
    __syncthreads();
    for (int i = thread(); i < 16 * S::kWidth / 4; i += kThreads) {
      const int at = i / (S::kWidth / 4), element = i % (S::kWidth / 4) * 4;
      if (at >= item_.rows || element >= a_.head_width)
        continue;
      float4 all = make_float4(0, 0, 0, 0);
      PEAKBENCH_UNROLL
      for (int w = 0; w < S::kTokenWarps; ++w) {
        const float4 one = load_shared(
            reinterpret_cast<const float4*>(sums + (w * 16 + at) * S::kSumPitch + element));
        all = make_float4(all.x + one.x, all.y + one.y, all.z + one.z, all.w + one.w);
      }
      *reinterpret_cast<float4*>(a_.sums + partial(at) * a_.head_width + element) = all;
    }
  }

  // Highest score and sum of exponentials of a row over all warps.
  __device__ float2 together(const float2* statistics, int at) const {
    float2 all = make_float2(kLowest, 0);
    float2 one[S::kTokenWarps];
    PEAKBENCH_UNROLL
    for (int w = 0; w < S::kTokenWarps; ++w) {
      one[w] = load_shared(&statistics[w * 16 + at]);
      all.x = fmaxf(all.x, one[w].x);
    }
    PEAKBENCH_UNROLL
    for (int w = 0; w < S::kTokenWarps; ++w)
      all.y += one[w].y * exp2f(one[w].x - all.x);
    return all;
  }

  const AttendArguments& a_;
  const AttentionItem item_;
  const int kv_head_;
  T* query_;           // [kRows, kPitch]
  T* tiles_;           // [keys 0, keys 1, values 0, values 1][kTokens, kPitch]
  Source<T>* sources_; // [2, kTokens]
  float sum_[S::kWidth / 8][4];
  float highest_[2], total_[2]; // scores in powers of two
};

// Dynamic shared memory of attend.
template <typename T, int kWidth>
constexpr int attend_bytes() {
  constexpr int wide = Shape<T, kWidth, kWideWarps<T, kWidth>>::kBytes;
  constexpr int narrow = Shape<T, kWidth, 1>::kBytes;
  return wide > narrow ? wide : narrow;
}

template <typename T, int kWidth>
__device__ inline void attend(const AttendArguments& a) {
  constexpr int warps = kWideWarps<T, kWidth>;
  const AttentionItem* items = behind<AttentionItem>(a.lists, a.lists->items_at);
  const int work = a.lists->items * a.kv_heads;
  for (int i = static_cast<int>(blockIdx.x); i < work; i += static_cast<int>(gridDim.x)) {
    const AttentionItem item = items[i / a.kv_heads];
    if (warps > 1 && item.rows > kNarrowRows)
      Attend<T, Shape<T, kWidth, warps>>(a, item, i % a.kv_heads).run();
    else
      Attend<T, Shape<T, kWidth, 1>>(a, item, i % a.kv_heads).run();
    __syncthreads(); // before the next item's queries
  }
}

} // namespace peakbench::kernels::device
