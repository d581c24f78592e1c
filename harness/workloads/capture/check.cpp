#include "harness/workloads/capture/check.h"

#include "attention/device.h"
#include "metrics/plan/fidelity.h"

namespace vidattn {

double captured_output_error(const Inputs& in, const CapturedRows& captured) {
  constexpr int64_t kRows = 64;
  const std::vector<int64_t> tokens = sample_tokens(in.length(), kRows);
  const Tensor theirs = captured(tokens);
  std::vector<double> expected;
  for (int64_t row = 0; row < theirs.length(); ++row)
    for (int64_t head = 0; head < theirs.heads(); ++head)
      for (int64_t channel = 0; channel < theirs.dim(); ++channel)
        expected.push_back(theirs.at(row, head, channel));
  Output ours;
  find_device("cpu").run(full_attention_rows(tokens, in.keys()), in, ours);
  return relative_l2_error(ours.o, tokens, expected);
}

}  // namespace vidattn
