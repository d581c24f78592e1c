#include "harness/distributed/calls/ring_check.h"

#include <memory>

#include "harness/distributed/parts/exchange.h"
#include "harness/distributed/parts/plan_parts.h"
#include "harness/distributed/parts/shared_inputs.h"
#include "metrics/plan/fidelity.h"

namespace vidattn {
namespace {

std::shared_ptr<const Tensor> borrowed(const Tensor& tensor) {
  return {std::shared_ptr<const Tensor>(), &tensor};
}

}  // namespace

EqualityCheck check_ring_equality(Communicator& ring, const Plan& plan, const Inputs& own,
                                  const Output& out) {
  const int64_t kv_heads = own.kv_heads(), shared_by = own.heads() / kv_heads;
  CallShape shape = shape_of(own);
  shape.keys = 0;
  for (const int64_t keys : ring.all_gather(own.keys())) shape.keys += keys;
  // All heads together cost what one check of a whole call does.
  const std::vector<int64_t> among =
      sample_tokens(shape.length, rows_to_check(without_values(shape, own)));
  EqualityCheck worst;
  for (int64_t kv = 0; kv < kv_heads; ++kv) {
    const Share heads{kv * shared_by, (kv + 1) * shared_by}, key_head{kv, kv + 1};
    Inputs in = own;
    in.q = heads_of_tensor(own.q, heads);
    in.k = gather_tokens(ring, *heads_of_tensor(own.k, key_head));
    in.v = gather_tokens(ring, *heads_of_tensor(own.v, key_head));
    const auto o = heads_of_tensor(borrowed(out.o), heads);
    Output of_heads;
    of_heads.o = Tensor::view(o->data<char>(), o->length(), o->heads(), o->dim(), o->dtype());
    add_check(worst, check_equality(heads_of(plan, heads, shape), in, of_heads, among));
  }
  return worst;
}

}  // namespace vidattn
