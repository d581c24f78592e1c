#pragma once

#include <omp.h>

#include <cstdint>
#include <string>
#include <vector>

#include "attention/inputs.h"
#include "attention/plan.h"

namespace vidattn {

/// What `bench` measures: a plan's shape over random tensors [length,heads,dim].
struct BenchLine {
  /// full: one segment. groups: 20 unequal groups of scattered tokens. windows: 20 runs of tokens
  /// that also see their neighbours' ends. tokens: groups of 1 to 15 tokens, the worst case for
  /// tiles.
  std::string shape;
  int64_t length, heads, dim;
  DType dtype = DType::f32;
  int threads = omp_get_num_procs();
};

/// The lines of the table, or a short list.
std::vector<BenchLine> bench_lines(bool quick);

/// Normal numbers, the same in every run and type before they are rounded.
Inputs bench_inputs(const BenchLine& line);
Plan bench_plan(const BenchLine& line);

}  // namespace vidattn
