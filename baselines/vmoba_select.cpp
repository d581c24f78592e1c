#include "baselines/vmoba_select.h"

#include <algorithm>
#include <cmath>

#include "baselines/ranking.h"

namespace vidattn {
namespace {

constexpr double kEpsilon = 1e-6;  // of the public code

/// What a ranking is over: gates of one query, or of many. The own entries count in the totals but
/// are not ranked, because they are always selected.
struct Gates {
  double min = INFINITY, max = -INFINITY, sum = 0, own = 0;
  int64_t count = 0, own_count = 0;

  void add(float gate, bool is_own) {
    min = std::min(min, double{gate});
    max = std::max(max, double{gate});
    sum += gate;
    ++count;
    if (is_own) own += gate, ++own_count;
  }
  double span() const { return max - min <= kEpsilon ? 1 : max - min; }
  /// Sum of (g - min) / span over `n` gates that sum to `s`.
  double normalized(int64_t n, double s) const {
    return (s - static_cast<double>(n) * min) / span();
  }
  /// Whether the chosen others, with the own entries, reach the share `threshold` of the total.
  bool reach(double threshold, int64_t n, double s) const {
    const double total = normalized(count, sum) + kEpsilon;
    return normalized(n, s) / total >=
           std::max(0.0, threshold - normalized(own_count, own) / total);
  }
};

/// Scope query_head: one ranking per query and head over the chunks. The own chunk takes part with
/// the smallest gate, which only matters between two chunks.
void select_row(const float* gates, int32_t own, const ChunkRule& rule, Selection& chosen,
                int64_t query) {
  std::vector<float> others(gates, gates + chosen.blocks());
  std::vector<int32_t> heap(others.size());  // largest gate first; few of many are usually taken
  Gates all;
  for (size_t c = 0; c < others.size(); ++c) {
    heap[c] = static_cast<int32_t>(c);
    all.add(gates[c], heap[c] == own);
  }
  others[own] = static_cast<float>(all.min);
  const auto after = [&](int32_t a, int32_t b) {
    return others[a] < others[b] || (others[a] == others[b] && a > b);
  };
  std::make_heap(heap.begin(), heap.end(), after);
  int64_t taken = 0;
  double sum = 0;
  while (!heap.empty() && (rule.by_threshold || taken < rule.topk - 1)) {
    std::pop_heap(heap.begin(), heap.end(), after);
    const int32_t c = heap.back();
    heap.pop_back();
    if (c != own) chosen.set(query, c);
    if (c != own || rule.by_threshold) ++taken;
    sum += others[c];
    if (rule.by_threshold && all.reach(rule.threshold, taken, sum)) break;
  }
}

/// The scopes that rank the entries (chunk, head, query) of many queries together: head_global per
/// head, block per chunk (over all heads, as the public code does), overall all at once. Gates are
/// computed anew for every pass, since the tables of all of them would be larger than the tensors.
class WideSelection {
 public:
  static constexpr int kPasses = Ranking::kPasses + 3;

  WideSelection(const Inputs& in, const Tensor& means, const Blocks& blocks, const ChunkRule& rule)
      : in_(in),
        means_(means),
        blocks_(blocks),
        rule_(rule),
        rankings_(rule.scope == "block"         ? blocks.count()
                  : rule.scope == "head_global" ? in.heads()
                                                : 1),
        ties_(blocks.count() * in.heads()) {}

  std::vector<Selection> run() {
    std::vector<Gates> gates(rankings_.size());
    each_entry([&](int64_t c, int64_t h, int64_t i, float g) {
      gates[scope_of(c, h)].add(g, blocks_.label[i] == c);
    });
    for (int pass = 0; pass < Ranking::kPasses; ++pass) {
      each_other([&](int64_t c, int64_t h, int64_t, float g) { rankings_[scope_of(c, h)].add(g); });
      for (size_t s = 0; s < rankings_.size(); ++s)
        rankings_[s].narrow(
            [&](int64_t count, double sum) { return enough(gates[s], count, sum); });
    }
    share_ties();
    std::vector<Selection> chosen(in_.heads(), Selection(in_.length(), blocks_.count()));
    each_other([&](int64_t c, int64_t h, int64_t i, float g) {
      const Ranking& ranking = rankings_[scope_of(c, h)];
      if (ranking.above(g) || (ranking.equal(g) && ties_[c * in_.heads() + h]-- > 0))
        chosen[h].set(i, c);
    });
    return chosen;
  }

 private:
  size_t scope_of(int64_t chunk, int64_t head) const {
    return rule_.scope == "block" ? chunk : rule_.scope == "head_global" ? head : 0;
  }

  bool enough(const Gates& gates, int64_t count, double sum) const {
    return rule_.by_threshold ? gates.reach(rule_.threshold, count, sum)
                              : count >= (rule_.topk - 1) * gates.own_count;
  }

  template <class Visit>
  void each_entry(Visit&& visit) const {
    for (int64_t h = 0; h < in_.heads(); ++h)
      gate_rows(*in_.q, h, means_, in_.kv_head(h), false, [&](int64_t i, const float* gates) {
        for (int64_t c = 0; c < blocks_.count(); ++c) visit(c, h, i, gates[c]);
      });
  }

  template <class Visit>
  void each_other(Visit&& visit) const {
    each_entry([&](int64_t c, int64_t h, int64_t i, float g) {
      if (blocks_.label[i] != c) visit(c, h, i, g);
    });
  }

  /// Gives the ties at a ranking's cut to the lowest indices in the order chunk, head, query.
  void share_ties() {
    each_other([&](int64_t c, int64_t h, int64_t, float g) {
      if (rankings_[scope_of(c, h)].equal(g)) ++ties_[c * in_.heads() + h];
    });
    std::vector<int64_t> left;
    for (const Ranking& ranking : rankings_) left.push_back(ranking.ties());
    for (int64_t c = 0; c < blocks_.count(); ++c)
      for (int64_t h = 0; h < in_.heads(); ++h) {
        int64_t& ties = ties_[c * in_.heads() + h];
        ties = std::min(ties, left[scope_of(c, h)]);
        left[scope_of(c, h)] -= ties;
      }
  }

  const Inputs& in_;
  const Tensor& means_;
  const Blocks& blocks_;
  const ChunkRule& rule_;
  std::vector<Ranking> rankings_;
  std::vector<int64_t> ties_;  ///< [chunks, heads]
};

/// Own chunks alone (top-1) need no ranking.
bool is_wide(const ChunkRule& rule) {
  return rule.scope != "query_head" && (rule.by_threshold || rule.topk > 1);
}

}  // namespace

std::vector<Selection> select_chunks(const Inputs& in, const Tensor& means, const Blocks& blocks,
                                     const ChunkRule& rule) {
  if (is_wide(rule)) return WideSelection(in, means, blocks, rule).run();
  std::vector<Selection> chosen(in.heads(), Selection(in.length(), blocks.count()));
  for (int64_t h = 0; h < in.heads(); ++h)
    gate_rows(*in.q, h, means, in.kv_head(h), true, [&](int64_t i, const float* gates) {
      select_row(gates, blocks.label[i], rule, chosen[h], i);
    });
  return chosen;
}

int64_t selection_passes(const ChunkRule& rule) {
  return is_wide(rule) ? WideSelection::kPasses : 1;
}

}  // namespace vidattn
