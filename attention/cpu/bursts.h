#pragma once

#include <cstdint>

namespace vidattn::cpu {

/// Multiply-adds of one thread and nothing else, to measure what the units that the CPU device
/// computes with can do. Each burst runs some `rounds`, leaves a result in *sink, which the caller
/// must use or the work is optimized away, and returns the floating-point operations that it did, 2
/// per multiply-add. float32 bursts use the instruction set of cpu_simd_target().

/// Operands in registers: 12 independent vectors a round.
double multiply_adds(int64_t rounds, float* sink);

/// The CPU device's own score tile on one tile of keys, all operands in the nearest cache. About as
/// much work as multiply_adds() of as many rounds.
double fed_multiply_adds(int64_t rounds, float* sink);

/// Scores of three vectors of queries against four keys of 128 channels a round, operands in the
/// nearest cache. A loop of its own: changes of the device's kernel do not change it.
double fed_products(int64_t rounds, float* sink);

/// bfloat16 by Bf16Unit::dot and Bf16Unit::matrix, operands in registers. Only for a machine whose
/// cpu_bf16_units() has the unit.
double bf16_dot_products(int64_t rounds, float* sink);
double bf16_tile_products(int64_t rounds, float* sink);

/// int8 by Int8Unit::dot and Int8Unit::matrix, likewise.
double int8_dot_products(int64_t rounds, float* sink);
double int8_tile_products(int64_t rounds, float* sink);

/// What attention needs beside products. Exponentials 2^x as softmax takes them, with the
/// subtraction before and the sum after, operands in registers; returns how many it took.
double exponentials(int64_t rounds, float* sink);

/// Reads an array once, in vectors; returns its bytes.
double reads(const float* from, int64_t count, float* sink);

/// Queries that the device's kernels take at once, for which they read each block of keys and
/// values anew.
int64_t query_tile();

}  // namespace vidattn::cpu
