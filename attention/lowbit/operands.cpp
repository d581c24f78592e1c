#include "attention/lowbit/operands.h"

#include "attention/lowbit/thread_rows.h"

namespace vidattn {

LowBitBranch LowBitOperands::of(const Branch& branch) {
  const Attended given = branch.operands(in_);
  const int64_t heads = in_.heads(), dim = given.q.dim();
  const SeenKeys seen(branch, heads, given.k.heads(), given.k.length());
  const Queries& q = queries(given.q);
  const Keys& k = keys(given.k, seen);
  LowBitBranch made{q.rounded, k.rounded, values(given.v, seen).rounded, q.codes, k.codes, {}};
  made.lse_offset.resize(given.q.length() * heads);
  const ThreadRows scratch(dim);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < given.q.length(); ++i)
    for (int64_t h = 0; h < heads; ++h) {
      float* row = scratch.own();
      given.q.read_row(i, h, row);
      const float* mean = k.mean.data() + h / (heads / given.k.heads()) * dim;
      double dot = 0;
#pragma omp simd reduction(+ : dot)
      for (int64_t c = 0; c < dim; ++c) dot += double{row[c]} * mean[c];
      made.lse_offset[i * heads + h] = static_cast<float>(in_.softmax_scale() * dot);
    }
  return made;
}

const LowBitOperands::Queries& LowBitOperands::queries(const Tensor& q) {
  for (const Queries& known : queries_)
    if (known.of == &q) return known;
  Queries made{&q, nullptr, nullptr};
  if (packed_)
    made.codes = std::make_shared<const Int8Rows>(pack_int8(q, nullptr));
  else
    made.rounded = std::make_shared<const Tensor>(round_rows(q, nullptr, *in_.low_bits));
  return queries_.emplace_back(std::move(made));
}

const LowBitOperands::Keys& LowBitOperands::keys(const Tensor& k, const SeenKeys& seen) {
  for (const Keys& known : keys_)
    if (known.of == &k && known.seen == seen) return known;
  Keys made{&k, seen, seen_means(k, seen), nullptr, nullptr};
  if (packed_)
    made.codes = std::make_shared<const Int8Rows>(pack_int8(k, made.mean.data()));
  else
    made.rounded = std::make_shared<const Tensor>(round_rows(k, made.mean.data(), *in_.low_bits));
  return keys_.emplace_back(std::move(made));
}

const LowBitOperands::Values& LowBitOperands::values(const Tensor& v, const SeenKeys& seen) {
  for (const Values& known : values_)
    if (known.of == &v && (*in_.low_bits == DType::int8 || known.seen == seen)) return known;
  return values_.emplace_back(
      Values{&v, seen, std::make_shared<const Tensor>(round_values(v, seen, *in_.low_bits))});
}

}  // namespace vidattn
