#include "metrics/plan/groups/token_segments.h"

namespace vidattn {

std::vector<int32_t> segment_of_tokens(const Plan& plan, const Inputs& in, int64_t head) {
  const Branch& branch = plan.branches.front();
  const HeadTable& table = branch.table(head, in.heads());
  constexpr size_t kFewestTokens = 4;  // of a segment on average; less is a speckle, no group
  const bool speckle = table.segments.size() * kFewestTokens > static_cast<size_t>(in.length());
  if (branch.repeats_queries || branch.prepared.q || table.segments.size() < 2 || speckle)
    return {};
  std::vector<int32_t> of(in.length(), -1);
  for (size_t s = 0; s < table.segments.size(); ++s)
    for (int64_t p = table.segments[s].query_begin; p < table.segments[s].query_end; ++p)
      of[table.query_row(p)] = static_cast<int32_t>(s);
  return of;
}

}  // namespace vidattn
