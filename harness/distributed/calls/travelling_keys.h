#pragma once

#include <algorithm>
#include <memory>

#include "attention/tensor.h"
#include "harness/distributed/ranks/communicator.h"

namespace vidattn {

/// The block of keys and values that is attended to, and the next one on its way.
struct TravellingKeys {
  std::shared_ptr<const Tensor> k, v;
};

/// Receives a block of `rows` keys from the rank before while the current one goes to the next.
class NextKeys {
 public:
  NextKeys(Communicator& ring, const TravellingKeys& now, int64_t rows)
      : k_(std::make_shared<Tensor>(rows, now.k->heads(), now.k->dim(), now.k->dtype())),
        v_(std::make_shared<Tensor>(rows, now.v->heads(), now.v->dim(), now.v->dtype())) {
    const int next = (ring.rank() + 1) % ring.size();
    const int before = (ring.rank() + ring.size() - 1) % ring.size();
    const auto pass = [&](const Tensor& from, Tensor& to) {
      return ring.start(from.data<char>(), from.bytes(), next, to.data<char>(), to.bytes(), before);
    };
    of_k_ = pass(*now.k, *k_);
    of_v_ = pass(*now.v, *v_);
  }
  /// `hidden` is lowered to the share that was over already.
  TravellingKeys take(double& hidden) {
    hidden = std::min(hidden, of_k_.finish());
    hidden = std::min(hidden, of_v_.finish());
    return {k_, v_};
  }

 private:
  std::shared_ptr<Tensor> k_, v_;
  Communicator::Exchange of_k_, of_v_;
};

}  // namespace vidattn
