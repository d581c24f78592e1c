#include "harness/distributed/calls/ring_gradient_check.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "attention/backward/reference.h"
#include "harness/distributed/parts/exchange.h"
#include "harness/distributed/parts/plan_parts.h"
#include "harness/distributed/parts/shared_inputs.h"
#include "metrics/plan/check/gradients.h"

namespace vidattn {
namespace {

/// All rows of the query heads that share a key head.
struct KeyHead {
  Inputs in;
  Tensor d_o;
  Gradients got;
};

/// Brings a key head's rows together on `rank`; the other ranks' result is empty.
KeyHead gather_key_head(int rank, Communicator& ring, int64_t kv, const Inputs& own,
                        const Tensor& d_o, const Gradients& got) {
  const int64_t shared_by = own.heads() / own.kv_heads();
  const Share heads{kv * shared_by, (kv + 1) * shared_by}, key_head{kv, kv + 1};
  const auto gathered = [&](const Tensor& of, Share span) {
    const std::shared_ptr<const Tensor> borrowed(std::shared_ptr<const Tensor>(), &of);
    return gather_tokens_at(rank, ring, *heads_of_tensor(borrowed, span));
  };
  const auto shared = [&](const Tensor& of, Share span) {
    return std::make_shared<const Tensor>(gathered(of, span));
  };
  KeyHead head{own, gathered(d_o, heads), {}};
  head.in.q = shared(*own.q, heads);
  head.in.k = shared(*own.k, key_head);
  head.in.v = shared(*own.v, key_head);
  head.got.q = gathered(got.q, heads);
  head.got.k = gathered(got.k, key_head);
  head.got.v = gathered(got.v, key_head);
  return head;
}

/// What the gradients of the key heads that this rank checked differ by.
class Differences {
 public:
  Differences(const Plan& whole, const CallShape& shape, const std::vector<int64_t>& tokens)
      : whole_(whole), shape_(shape), tokens_(tokens) {}

  void add(const KeyHead& head, int64_t kv) {
    const int64_t shared_by = shape_.heads / shape_.kv_heads;
    Gradients expected;
    reference_backward(heads_of(whole_, {kv * shared_by, (kv + 1) * shared_by}, shape_), head.in,
                       head.d_o, expected);
    errors_[0].add(head.got.q, expected.q);
    errors_[1].add(head.got.k, expected.k);
    errors_[2].add(head.got.v, expected.v);
    allowed_ = std::max(allowed_, allowed_error(head.in, tokens_));
  }

  /// Of all ranks together.
  EqualityCheck verdict(Communicator& ring) const {
    std::array<SquaredError, 3> all;
    for (size_t i = 0; i < all.size(); ++i) {
      for (const double error : ring.all_gather(errors_[i].error)) all[i].error += error;
      for (const double norm : ring.all_gather(errors_[i].norm)) all[i].norm += norm;
    }
    const std::vector<double> allowed = ring.all_gather(allowed_);
    return judged_gradients(all, std::ssize(tokens_),
                            *std::max_element(allowed.begin(), allowed.end()));
  }

 private:
  const Plan& whole_;
  CallShape shape_;
  const std::vector<int64_t>& tokens_;
  std::array<SquaredError, 3> errors_;
  double allowed_ = 0;
};

/// Those of the tokens that are in the block, counted from its first.
std::vector<int64_t> within(const std::vector<int64_t>& tokens, Share block) {
  std::vector<int64_t> inside;
  for (const int64_t token : tokens)
    if (token >= block.begin && token < block.end) inside.push_back(token - block.begin);
  return inside;
}

}  // namespace

EqualityCheck check_ring_gradients(Communicator& ring, const Plan& whole, const Plan& part,
                                   const Inputs& own, const RingBlocks& blocks,
                                   const Device& device, const Output& kept, const Tensor& d_o) {
  CallShape shape = shape_of(own);
  shape.length = blocks.queries.back().end;
  shape.keys = blocks.keys.back().end;
  const std::vector<int64_t> tokens = gradient_sample(without_values(shape, own));
  const Tensor chosen = only_rows(d_o, within(tokens, blocks.queries[ring.rank()]));
  Gradients got;
  ring_backward(ring, part, own, blocks, device, kept, chosen, got);
  Differences found(whole, shape, tokens);
  for (int64_t first = 0; first < shape.kv_heads; first += ring.size()) {
    std::optional<KeyHead> mine;  // computed when all ranks have theirs, side by side
    for (int r = 0; r < ring.size() && first + r < shape.kv_heads; ++r) {
      KeyHead head = gather_key_head(r, ring, first + r, own, chosen, got);
      if (r == ring.rank()) mine = std::move(head);
    }
    if (mine) found.add(*mine, first + ring.rank());
  }
  return found.verdict(ring);
}

}  // namespace vidattn
