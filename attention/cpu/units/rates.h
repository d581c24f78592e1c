#pragma once

#include <cstdint>

namespace vidattn::cpu {

// What the CPU device needs beside multiply-adds (bursts.h), one thread and nothing else: to
// measure how fast this machine does it. Each leaves a result in *sink, which the caller must use.

/// Exponentials 2^x as softmax takes them, with the subtraction before and the sum after, operands
/// in registers. Returns how many it took.
double exponentials(int64_t rounds, float* sink);

/// Reads an array once, in vectors. Returns its bytes.
double reads(const float* from, int64_t count, float* sink);

/// Queries that the device's kernels take at once, for which they read each block of keys and
/// values anew.
int64_t query_tile();

}  // namespace vidattn::cpu
