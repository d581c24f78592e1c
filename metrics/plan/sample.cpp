#include "metrics/plan/sample.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace vidattn {
namespace {

constexpr int32_t kBlock = 384;

int64_t pairs_of(const HeadTable& table, const Segment& s) {
  HeadTable one;
  one.add(s.query_begin, s.query_end,
          {table.ranges.begin() + s.range_begin, table.ranges.begin() + s.range_end});
  return one.pairs();
}

/// Systematic sampling of blocks sorted by their work: of every size, the short ones that segments
/// end with included, the same share. Short blocks are slow for their pairs.
std::vector<Segment> thin(const HeadTable& table, double share) {
  std::vector<std::pair<int64_t, Segment>> blocks;  // with their pairs
  for (const Segment& s : table.segments)
    for (int32_t begin = s.query_begin; begin < s.query_end; begin += kBlock) {
      const Segment block{begin, std::min(s.query_end, begin + kBlock), s.range_begin, s.range_end};
      blocks.emplace_back(pairs_of(table, block), block);
    }
  std::stable_sort(blocks.begin(), blocks.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<Segment> kept;
  const auto upto = [&](size_t i) { return std::floor(static_cast<double>(i) * share + 0.5); };
  for (size_t i = 0; i < blocks.size(); ++i)
    if (upto(i + 1) > upto(i)) kept.push_back(blocks[i].second);
  if (kept.empty() && !blocks.empty()) kept.push_back(blocks[blocks.size() / 2].second);
  std::sort(kept.begin(), kept.end(),
            [](const Segment& a, const Segment& b) { return a.query_begin < b.query_begin; });
  return kept;
}

double all_pairs(const Branch& branch) {
  double pairs = 0;
  for (const HeadTable& table : branch.tables) pairs += static_cast<double>(table.pairs());
  return pairs / static_cast<double>(branch.tables.size());
}

void collect_rows(const Branch& branch, std::vector<int64_t>& tokens) {
  if (branch.prepared.q) return;  // its rows are not tokens
  for (const HeadTable& table : branch.tables)
    for (const Segment& s : table.segments)
      for (int32_t p = s.query_begin; p < s.query_end; ++p) tokens.push_back(table.query_row(p));
}

}  // namespace

int64_t fewest_query_blocks(const Plan& plan, int64_t heads) {
  int64_t fewest = std::numeric_limits<int64_t>::max();
  for (const Branch& branch : plan.branches) {
    int64_t blocks = 0;
    for (int64_t h = 0; h < heads; ++h)
      for (const Segment& s : branch.table(h, heads).segments)
        blocks += (s.query_end - s.query_begin + kBlock - 1) / kBlock;
    fewest = std::min(fewest, blocks);
  }
  return fewest;
}

SampledPlan sample_plan(const Plan& plan, double share) {
  SampledPlan sample{plan, 1, {}};
  double whole = 0, kept = 0;
  for (Branch& branch : sample.plan.branches) {
    whole += all_pairs(branch);
    if (share < 1)
      for (HeadTable& table : branch.tables) table.segments = thin(table, share);
    kept += all_pairs(branch);
    collect_rows(branch, sample.tokens);
  }
  std::sort(sample.tokens.begin(), sample.tokens.end());
  sample.tokens.erase(std::unique(sample.tokens.begin(), sample.tokens.end()), sample.tokens.end());
  if (whole > 0) sample.scale = whole / kept;
  return sample;
}

}  // namespace vidattn
