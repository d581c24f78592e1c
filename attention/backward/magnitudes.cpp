#include "attention/backward/magnitudes.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

#include "attention/error.h"

namespace vidattn {
namespace {

template <class T>
void measure_rows(const Tensor& t, const T* values, Magnitudes& out) {
  const int64_t heads = t.heads(), dim = t.dim();
  double *norms = out.norm.data(), *elements = out.element.data();
#pragma omp parallel for reduction(max : norms[:heads], elements[:heads])
  for (int64_t token = 0; token < t.length(); ++token)
    for (int64_t h = 0; h < heads; ++h) {
      double squares = 0;
      for (int64_t c = 0; c < dim; ++c) {
        const double value = static_cast<float>(values[t.offset(token, h) + c]);
        squares += value * value;
        elements[h] = std::max(elements[h], std::abs(value));
      }
      norms[h] = std::max(norms[h], std::sqrt(squares));
    }
}

}  // namespace

Magnitudes::Magnitudes(const Tensor& t) : norm(t.heads()), element(t.heads()) {
  dispatch(t.dtype(), [&](auto kind) { measure_rows(t, t.data<decltype(kind)>(), *this); });
}

void require_float32(int64_t head, const char* what, double size) {
  constexpr double kLargest = 3e38;  // with room for rounding
  if (size <= kLargest) return;
  char number[32];
  std::snprintf(number, sizeof number, "%.2g", size);
  throw InputError("head " + std::to_string(head) + ": " + what + " can reach " + number +
                   ", beyond float32's 3.4e+38");
}

void require_representable_gradients(const Inputs& in, const Tensor& d_o) {
  const Magnitudes q(*in.q), k(*in.k), v(*in.v), o(d_o);
  const double factor = std::max(1.0, std::abs(in.softmax_scale()));
  const auto rows = static_cast<double>(in.length() * (in.heads() / in.kv_heads()));
  for (int64_t h = 0; h < in.heads(); ++h) {
    const int64_t kv = in.kv_head(h);
    const double product = o.norm[h] * v.norm[kv];
    const double score = 2 * product * factor;  // a weight's gradient minus their mean
    require_float32(h, "products of v and the output's gradient", product);
    require_float32(h, "gradients of q", score * k.element[kv]);
    require_float32(h, "gradients of k", score * q.element[h] * rows);
    require_float32(h, "gradients of v", o.element[h] * rows);
  }
}

}  // namespace vidattn
