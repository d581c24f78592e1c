#include "metrics/plan/equality.h"

#include <algorithm>
#include <cstdio>

#include "attention/reference.h"
#include "metrics/plan/fidelity.h"

namespace vidattn {
namespace {

// Query-key products that one equality check may cost on the reference device, about a second.
constexpr double kCheckProducts = 4e8;

}  // namespace

EqualityCheck check_equality(const Plan& plan, const Inputs& in, const Output& out,
                             const std::vector<int64_t>& among) {
  const double per_row = static_cast<double>(in.length() * in.heads() * in.dim());
  const auto rows = static_cast<int64_t>(std::max(8.0, kCheckProducts / per_row));
  const auto available = among.empty() ? in.length() : static_cast<int64_t>(among.size());
  auto tokens = sample_tokens(available, rows);
  if (!among.empty())
    for (int64_t& token : tokens) token = among[token];
  const double limit = equality_limit(in.q->dtype());
  EqualityCheck check{static_cast<int64_t>(tokens.size()),
                      relative_l2_error(out.o, tokens, reference_rows(plan, in, tokens).o)};
  if (!(check.error <= limit)) {
    char text[160];
    std::snprintf(text, sizeof text,
                  "relative L2 error %.2e against the reference on %lld tokens exceeds %.0e",
                  check.error, static_cast<long long>(check.rows), limit);
    check.reason = text;
  }
  return check;
}

}  // namespace vidattn
