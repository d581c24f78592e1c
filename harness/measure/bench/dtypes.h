#pragma once

#include <vector>

#include "attention/device.h"
#include "attention/inputs.h"
#include "harness/measure/bench/bench.h"

namespace vidattn {

/// Relative L2 error of a sample of the largest score of each query [L,H], as cpu::ScoreRun has
/// them, against plain loops in float64 over the inputs as their type rounds them. Of a plan that
/// lets every query see every key.
double largest_scores_error(const Inputs& in, const std::vector<float>& largest);

/// `bench --dtype`: the same random work in every type of options.dtypes, one beside the other in
/// shuffled blocks, each checked against the reference first; prints by how much the others are
/// faster than the first, with an interval over the blocks. On the CPU also of the products of
/// queries and keys alone, whose operands are rounded before the clock runs; that of attention
/// includes rounding. Throws InputError for fewer than two types, or the same one twice. Returns 1
/// when a check failed.
ExitCode bench_dtypes(const BenchOptions& options, const Device& device);

}  // namespace vidattn
