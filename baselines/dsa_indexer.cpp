#include "baselines/dsa_indexer.h"

#include <omp.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "attention/backend.h"
#include "attention/blas.h"
#include "attention/cancel.h"
#include "attention/parallel.h"
#include "baselines/largest.h"
#include "baselines/running_largest.h"

namespace vidattn {
namespace {

/// Queries whose keys one thread selects at a time: as many as pay for packing the keys of every
/// product anew. Depends on the length alone, because BLAS may round differently for other shapes.
int64_t block_queries(int64_t length) {
  constexpr int64_t kScores = 1 << 23, kLeast = 64, kMost = 256;
  return std::min(length, std::clamp(kScores / length, kLeast, kMost));
}

constexpr int64_t kKeys = RunningLargest::kPiece;  // of one matrix product

float relu(float x) { return x > 0 ? x : 0; }

/// Scores of the queries [begin, end) for `count` index keys: [queries, count] row-major. Further
/// index heads need `product`, of the same size.
void index_scores(const DsaIndex& index, int64_t begin, int64_t end, const float* keys,
                  int64_t count, float* scores, float* product) {
  const int64_t queries = end - begin, stride = index.heads * index.dim;
  for (int64_t j = 0; j < index.heads; ++j) {
    float* const to = j == 0 ? scores : product;
    gemm_nt(queries, count, index.dim, index.q + begin * stride + j * index.dim, stride, keys,
            index.dim, to, count);
    for (int64_t i = 0; i < queries; ++i) {
      const float weight = index.weight ? index.weight[(begin + i) * index.heads + j] : 1.0F;
      float *const from = &to[i * count], *const sum = &scores[i * count];
      if (j == 0)
        for (int64_t key = 0; key < count; ++key) sum[key] = weight * relu(from[key]);
      else
        for (int64_t key = 0; key < count; ++key) sum[key] += weight * relu(from[key]);
    }
  }
}

/// Every step-th index key, whose scores say where a query's topk begin.
struct KeySample {
  int64_t step;             ///< 0 = none
  std::vector<float> keys;  ///< [count, Di]

  KeySample(const DsaIndex& index, int64_t topk) : step(sample_step(index.length, topk)) {
    for (int64_t s = 0; step > 0 && s < index.length; s += step)
      keys.insert(keys.end(), index.k + s * index.dim, index.k + (s + 1) * index.dim);
  }
  /// Of the keys [0, seen).
  int64_t count(int64_t seen) const { return step > 0 ? (seen + step - 1) / step : 0; }
};

/// A set of keys in the smaller of two forms, run by run: a range over the tokens in their own
/// order, or listed tokens.
struct KeptKeys {
  std::vector<int32_t> tokens, listed;  ///< all, ascending, and those in no range
  std::vector<KeyRange> ranges;

  void take(std::vector<int32_t> all) {
    tokens = std::move(all);
    listed.clear();
    ranges.clear();
    for (size_t listed_from = 0; listed_from < tokens.size();) {
      const size_t run = next_run(listed_from);
      listed.insert(listed.end(), tokens.begin() + listed_from, tokens.begin() + run);
      listed_from = run;
      while (listed_from < tokens.size() && follows(run, listed_from)) ++listed_from;
      if (listed_from > run) ranges.push_back({tokens[run], tokens[listed_from - 1] + 1});
    }
  }

 private:
  // A range takes as much memory as four listed tokens.
  static constexpr size_t kShort = sizeof(KeyRange) / sizeof(int32_t);

  bool follows(size_t a, size_t b) const {
    return tokens[b] - tokens[a] == static_cast<int32_t>(b - a);
  }
  /// Where the next run of more than kShort tokens begins, or all end.
  size_t next_run(size_t a) const {
    while (a + kShort < tokens.size() && !follows(a, a + kShort)) ++a;
    return a + kShort < tokens.size() ? a : tokens.size();
  }
};

/// One set of keys per query. The key order is the tokens, then all lists.
class KeptTable {
 public:
  /// Asks for room at once: growing step by step copies, and what is not used is never touched.
  KeptTable(int64_t length, int64_t topk) {
    keys_.reserve(length + std::min(length * topk, kRoom));
    keys_.resize(length);
    std::iota(keys_.begin(), keys_.end(), 0);
  }

  /// Queries come in ascending order.
  void add(int32_t query, KeptKeys& kept) {
    if (query > 0 && kept.tokens == last_) {
      ++table_.segments.back().query_end;
      return;
    }
    const int32_t list = position_after(keys_.size());
    keys_.insert(keys_.end(), kept.listed.begin(), kept.listed.end());
    const int32_t end = position_after(keys_.size());
    if (end > list) kept.ranges.push_back({list, end});
    table_.add(query, query + 1, kept.ranges);
    last_.swap(kept.tokens);
  }

  HeadTable finish() {
    table_.key_order = make_order(std::move(keys_));
    return std::move(table_);
  }

 private:
  static constexpr int64_t kRoom = 1 << 27;

  HeadTable table_;
  std::vector<int32_t> keys_, last_;
};

/// Selects the keys of a block of queries. Scores exist for a tile of keys at a time.
class BlockSelector {
 public:
  BlockSelector(const DsaIndex& index, const KeySample& sample, int64_t topk, bool causal)
      : index_(index), sample_(sample), topk_(topk), causal_(causal) {}

  /// The keys of the queries [begin, end), until the next call.
  std::vector<KeptKeys>& run(int64_t begin, int64_t end) {
    const int64_t queries = end - begin;
    scores_.resize(queries * std::max(kKeys, sample_.count(index_.length)));
    product_.resize(index_.heads > 1 ? scores_.size() : 0);
    rows_.resize(queries);
    kept_.resize(queries);
    guess_floors(begin, end);
    if (!select(begin, end)) {
      for (RunningLargest& row : rows_) row.begin(topk_);
      select(begin, end);
    }
    return kept_;
  }

  /// Scratch memory of a thread.
  static int64_t bytes(const DsaIndex& index, const KeySample& sample, int64_t topk) {
    const int64_t scores = std::max(kKeys, sample.count(index.length)) * 4;
    return block_queries(index.length) *
           (scores * (index.heads > 1 ? 2 : 1) + RunningLargest::bytes(topk));
  }

 private:
  int64_t seen(int64_t query) const { return causal_ ? query + 1 : index_.length; }

  void guess_floors(int64_t begin, int64_t end) {
    const int64_t sampled = sample_.count(seen(end - 1));
    if (sampled > 0)
      index_scores(index_, begin, end, sample_.keys.data(), sampled, scores_.data(),
                   product_.data());
    for (int64_t i = begin; i < end; ++i) {
      RunningLargest& row = rows_[i - begin];
      if (sample_step(seen(i), topk_) == 0)
        row.begin(topk_);
      else
        row.begin(topk_, sampled_floor({&scores_[(i - begin) * sampled],
                                        static_cast<size_t>(sample_.count(seen(i)))},
                                       seen(i), topk_));
    }
  }

  /// False where a floor was too high.
  bool select(int64_t begin, int64_t end) {
    const int64_t keys = seen(end - 1);
    for (int64_t s = 0; s < keys; s += kKeys) {
      const int64_t count = std::min(kKeys, keys - s);
      index_scores(index_, begin, end, index_.k + s * index_.dim, count, scores_.data(),
                   product_.data());
      for (int64_t i = begin; i < end; ++i)
        if (const int64_t some = std::min(count, seen(i) - s); some > 0)
          rows_[i - begin].add({&scores_[(i - begin) * count], static_cast<size_t>(some)}, s);
    }
    for (int64_t i = begin; i < end; ++i) {
      kept_[i - begin].take(rows_[i - begin].finish());
      if (kept_[i - begin].tokens.empty()) return false;
    }
    return true;
  }

  const DsaIndex& index_;
  const KeySample& sample_;
  int64_t topk_;
  bool causal_;
  std::vector<float> scores_, product_;
  std::vector<RunningLargest> rows_;
  std::vector<KeptKeys> kept_;
};

}  // namespace

HeadTable select_keys(const DsaIndex& index, int64_t topk, bool causal, bool explain, Plan& plan) {
  const int64_t length = index.length, block = block_queries(length);
  const KeySample sample(index, topk);
  const auto rows = static_cast<double>(length);
  const double keys = causal ? (rows + 1) / 2 : rows;
  const double sampled = static_cast<double>(sample.count(length)) * keys / rows;
  const StageTimer timer(
      plan, "indexer",
      rows * (keys + sampled) * static_cast<double>(index.heads * (2 * index.dim + 2)),
      omp_get_max_threads() * BlockSelector::bytes(index, sample, topk));
  std::vector<int32_t> listed(explain ? length * topk : 0, -1);
  KeptTable table(length, topk);
  RegionErrors errors;
#pragma omp parallel
  {
    BlockSelector selector(index, sample, topk, causal);
#pragma omp for ordered schedule(dynamic)
    for (int64_t begin = 0; begin < length; begin += block) {
      const int64_t end = std::min(begin + block, length);
      std::vector<KeptKeys>* kept = nullptr;
      errors.catching([&] {
        throw_if_cancelled();
        kept = &selector.run(begin, end);
      });
#pragma omp ordered
      errors.catching([&] {
        for (int64_t i = begin; i < end; ++i) {
          if (explain) std::ranges::copy((*kept)[i - begin].tokens, &listed[i * topk]);
          table.add(static_cast<int32_t>(i), (*kept)[i - begin]);
        }
      });
    }
  }
  errors.rethrow();
  if (explain) plan.explained["kept"] = {{length, topk}, std::move(listed)};
  return table.finish();
}

}  // namespace vidattn
