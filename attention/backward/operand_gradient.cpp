#include "attention/backward/operand_gradient.h"

#include "attention/parallel.h"

namespace vidattn {

OperandGradient::OperandGradient(const Tensor& operand, int64_t width, const PoolingMaps& from,
                                 Tensor& own)
    : from_(from), own_(own), dim_(operand.dim()) {
  if (from_ || width != dim_) sums_ = Tensor(operand.length(), operand.heads(), width);
}

GradientRows OperandGradient::head(int64_t head) {
  Tensor& to = sums_.empty() ? own_ : sums_;
  return {to.row(0, head), to.heads() * to.dim()};
}

void OperandGradient::finish() {
  if (sums_.empty()) return;
  RegionErrors errors;
#pragma omp parallel for schedule(static)
  for (int64_t h = 0; h < own_.heads(); ++h) errors.catching([&] { finish_head(h); });
  errors.rethrow();
}

void OperandGradient::finish_head(int64_t h) {
  const int64_t stride = sums_.heads() * sums_.dim(), own_stride = own_.heads() * dim_;
  if (from_)
    return unpool((*from_)[h * from_->size() / own_.heads()], sums_.row(0, h), stride, dim_,
                  own_.row(0, h), own_stride);
  for (int64_t i = 0; i < own_.length(); ++i)
    for (int64_t c = 0; c < dim_; ++c) own_.row(i, h)[c] += sums_.row(i, h)[c];
}

}  // namespace vidattn
