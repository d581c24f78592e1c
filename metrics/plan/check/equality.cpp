#include "metrics/plan/check/equality.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <numbers>

#include "attention/reference.h"
#include "metrics/plan/fidelity.h"

namespace vidattn {
namespace {

// Query-key products that one equality check may cost on the reference device, about a second.
constexpr double kCheckProducts = 4e8;

/// Largest |score| of the tokens' queries over all keys, as powers of two: devices exponentiate
/// those.
double largest_score(const Inputs& in, const std::vector<int64_t>& tokens) {
  const int64_t dim = in.dim(), count = std::ssize(tokens);
  float largest = 0;
#pragma omp parallel reduction(max : largest)
  {
    std::vector<float> queries(count * dim), key(dim);
    for (int64_t h = 0; h < in.heads(); ++h) {
      for (int64_t i = 0; i < count; ++i) in.q->read_row(tokens[i], h, &queries[i * dim]);
#pragma omp for schedule(static)
      for (int64_t j = 0; j < in.k->length(); ++j) {
        in.k->read_row(j, in.kv_head(h), key.data());
        for (int64_t i = 0; i < count; ++i) {
          float dot = 0;
#pragma omp simd reduction(+ : dot)
          for (int64_t c = 0; c < dim; ++c) dot += queries[i * dim + c] * key[c];
          largest = std::max(largest, std::abs(dot));
        }
      }
    }
  }
  return largest * std::abs(in.softmax_scale()) * std::numbers::log2e;
}

}  // namespace

double allowed_error(const Inputs& in, const std::vector<int64_t>& tokens) {
  constexpr double kSteps = 3;
  return std::max(equality_limit(in.low_bits.value_or(in.q->dtype())),
                  kSteps * std::numeric_limits<float>::epsilon() * largest_score(in, tokens));
}

EqualityCheck judged(int64_t rows, double error, double limit, const std::string& whose) {
  EqualityCheck check{rows, error, limit};
  if (error <= limit) return check;
  char text[160];
  std::snprintf(text, sizeof text,
                "%s%srelative L2 error %.2e against the reference on %lld tokens exceeds %.2g",
                whose.c_str(), whose.empty() ? "" : " ", error, static_cast<long long>(rows),
                limit);
  check.reason = text;
  return check;
}

void add_check(EqualityCheck& all, const EqualityCheck& part) {
  const int64_t rows = all.rows + part.rows;
  if (all.rows == 0 || (all.passed() && !(part.error / part.limit <= all.error / all.limit)))
    all = part;
  all.rows = rows;
}

int64_t rows_to_check(const Inputs& in) {
  const double per_row =
      static_cast<double>(in.keys() * in.heads() * (in.dim() + in.value_dim())) / 2;
  return static_cast<int64_t>(std::max(8.0, kCheckProducts / per_row));
}

EqualityCheck check_equality(const Plan& plan, const Inputs& in, const Output& out,
                             const std::vector<int64_t>& among) {
  const auto available = among.empty() ? in.length() : static_cast<int64_t>(among.size());
  auto tokens = sample_tokens(available, rows_to_check(in));
  if (!among.empty())
    for (int64_t& token : tokens) token = among[token];
  return judged(std::ssize(tokens),
                relative_l2_error(out.o, tokens, reference_rows(plan, in, tokens).o),
                allowed_error(in, tokens));
}

}  // namespace vidattn
