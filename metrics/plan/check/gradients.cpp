#include "metrics/plan/check/gradients.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "attention/backward/reference.h"
#include "metrics/plan/fidelity.h"

namespace vidattn {
namespace {

// Query-key products that one check may cost on the reference device, about two seconds.
constexpr double kGradientProducts = 2e8;
constexpr int64_t kFewestGradientRows = 8;
constexpr double kLimitOverOutputs = 2.5;

/// NaN, the error of gradients that are not finite, is the worst.
double worse(double a, double b) { return std::isnan(a) || a > b ? a : b; }

}  // namespace

std::vector<int64_t> gradient_sample(const Inputs& in, const std::vector<int64_t>& among) {
  const double per_row = static_cast<double>(in.keys() * in.heads() * (in.dim() + in.value_dim()));
  const auto rows =
      std::max(kFewestGradientRows, static_cast<int64_t>(kGradientProducts / per_row));
  auto tokens = sample_tokens(among.empty() ? in.length() : std::ssize(among), rows);
  if (!among.empty())
    for (int64_t& token : tokens) token = among[token];
  return tokens;
}

Tensor only_rows(const Tensor& all, const std::vector<int64_t>& tokens) {
  Tensor chosen(all.length(), all.heads(), all.dim());
  const int64_t row = all.heads() * all.dim();
  for (const int64_t token : tokens)
    std::copy_n(all.data<float>() + token * row, row, chosen.data<float>() + token * row);
  return chosen;
}

void SquaredError::add(const Tensor& got, const Tensor& expected) {
  const float *a = got.data<float>(), *b = expected.data<float>();
  for (int64_t i = 0; i < expected.size(); ++i) {
    error += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
    norm += double{b[i]} * b[i];
  }
}

double SquaredError::relative() const { return std::sqrt(norm > 0 ? error / norm : error); }

EqualityCheck judged_gradients(const std::array<SquaredError, 3>& errors, int64_t rows,
                               double allowed) {
  double worst = 0;
  for (const SquaredError& gradient : errors) worst = worse(worst, gradient.relative());
  return judged(rows, worst, kLimitOverOutputs * allowed, "gradients'");
}

Tensor sample_output_gradient(const Inputs& in) {
  return sample_output_gradient(in.heads(), in.value_dim(), 0, in.length());
}

Tensor sample_output_gradient(int64_t heads, int64_t dim, int64_t begin, int64_t end) {
  Tensor d_o(end - begin, heads, dim);
  std::mt19937_64 bits(1);
  bits.discard(begin * heads * dim);
  std::generate_n(d_o.data<float>(), d_o.size(), [&] {
    return static_cast<float>(static_cast<double>(bits() >> 11) * 0x1p-52 - 1);
  });
  return d_o;
}

EqualityCheck check_gradients(const Device& device, const Plan& plan, const Inputs& in,
                              const Output& kept, const Tensor& d_o,
                              const std::vector<int64_t>& among) {
  const std::vector<int64_t> tokens = gradient_sample(in, among);
  const Tensor chosen = only_rows(d_o, tokens);
  Gradients got, expected;
  device.backward(plan, in, kept, chosen, got);
  reference_backward(plan, in, chosen, expected);
  std::array<SquaredError, 3> errors;
  errors[0].add(got.q, expected.q);
  errors[1].add(got.k, expected.k);
  errors[2].add(got.v, expected.v);
  return judged_gradients(errors, std::ssize(tokens), allowed_error(in, tokens));
}

}  // namespace vidattn
