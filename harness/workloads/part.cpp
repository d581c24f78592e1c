#include "harness/workloads/part.h"

#include <algorithm>

#include "attention/error.h"
#include "harness/workloads/kind.h"

namespace vidattn {
namespace {

std::shared_ptr<const Tensor> token_rows(const Tensor& of, std::pair<int64_t, int64_t> rows) {
  return std::make_shared<const Tensor>(of.tokens(rows.first, rows.second).clone());
}

/// Of an array whose first axis may be tokens.
std::shared_ptr<const Array> token_rows(const std::shared_ptr<const Array>& of, int64_t tokens,
                                        std::pair<int64_t, int64_t> rows) {
  if (!of || of->shape.empty() || of->shape[0] != tokens) return of;
  auto part = std::make_shared<Array>(*of);
  const int64_t row = of->size() / tokens;
  part->shape[0] = rows.second - rows.first;
  std::visit(
      [&](auto& values) {
        values = {values.begin() + rows.first * row, values.begin() + rows.second * row};
      },
      part->values);
  return part;
}

}  // namespace

WorkloadPart rows_of_workload(Workload whole, const RowsOf& rows) {
  WorkloadPart part{std::move(whole)};
  Inputs& in = part.workload.inputs;
  part.length = in.length();
  part.keys = in.keys();
  const auto own = rows(part.length), own_keys = rows(part.keys);
  in.q = token_rows(*in.q, own);
  in.k = token_rows(*in.k, own_keys);
  in.v = token_rows(*in.v, own_keys);
  for (auto& [name, array] : in.extra) array = token_rows(array, part.length, own);
  return part;
}

WorkloadPart make_workload_part(const WorkloadRequest& request, const RowsOf& rows) {
  if (!request.masks.empty())
    throw InputError("--masks is not for ranks, which see parts of the groups");
  const WorkloadKind& kind = find_workload_kind(request.spec);
  if (kind.make_part == nullptr) return rows_of_workload(make_workload(request), rows);
  WorkloadPart part = kind.make_part(request, rows);
  if (request.scale != 0) part.workload.inputs.scale = request.scale;
  if (part.workload.inputs.scale != 0)
    part.workload.provenance["softmax_scale"] = part.workload.inputs.scale;
  return part;
}

}  // namespace vidattn
