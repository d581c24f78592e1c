#pragma once

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "harness/measure/record/measurement.h"

namespace vidattn {

/// The worst of a figure that heads have.
struct WorstHead {
  double value = NAN;
  CallFacts call;     ///< in which it is so
  int64_t head = -1;  ///< of the model; -1 = nobody has the figure
  std::string where;  ///< the call, as its case tells it from the others

  bool operator==(const WorstHead&) const = default;
  /// "layer 14, step 3, head 5", or "layer 1, a.safetensors#blocks.1.attn2., head 2"
  std::string place() const;
};

/// A head of a layer: means over the calls that it is in. Where layer, step and prompt are several
/// calls' (a layer has two attentions, or two files are of one call), each of those is its own.
struct HeadOverCalls {
  int64_t layer = -1;  ///< -1 = not known
  std::string part;    ///< prefix or file that tells the calls, "step*_attn2."; else empty
  int64_t head = 0;    ///< of the model
  int64_t calls = 0;
  double recall = NAN, relative_l2 = NAN, cosine = NAN;
};

/// A backend on a device, in a storage type and at a density asked for, over calls of a capture.
struct OverCalls {
  /// Its identity without workload and content. Its values are means over the calls that passed,
  /// but for ratio and speedup: see below.
  Measurement mean;
  std::vector<size_t> members;  ///< places of its cases
  int64_t calls = 0, passed = 0;
  int64_t missed = 0;  ///< calls that passed at another density than asked for
  /// speedup, ratio, ratio_low and ratio_high of `mean` are a geometric mean with Student's 95%
  /// interval over the means of clusters: of the calls of each prompt where there are several
  /// prompts, else of each call.
  int64_t clusters = 0;
  bool by_prompt = false;
  /// By figure: recall, relative_l2, cosine, density (the worst is the highest). The means are over
  /// heads and calls.
  std::map<std::string, WorstHead> worst;
  std::map<std::string, double> mean_over_heads;
  std::vector<HeadOverCalls>
      lowest;  ///< up to three heads of lowest recall; none of full attention
};

/// Whether cases are of more than one call of a capture.
bool of_several_calls(const std::vector<Measurement>& cases);

/// The cases of each backend together, in their order. Reads nothing but the cases, so that stored
/// ones will do.
std::vector<OverCalls> over_calls(const std::vector<Measurement>& cases);

}  // namespace vidattn
