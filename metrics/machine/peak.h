#pragma once

#include <functional>

#include "attention/dtype.h"

namespace vidattn {

/// Multiply-adds of float32 that this machine reaches now, in GFLOP/s (2 operations each), with the
/// widest SIMD that Highway dispatches to. What kernels are measured against: the clock floats, so
/// only a ratio to a peak measured next to the run means anything. Takes about 50 ms.
double fma_peak_gflops(int threads);

/// The same multiply-adds when their operands come from the nearest cache, as in every matrix
/// product: the CPU device's own score tile on one tile of keys. Processors that lower their clock
/// for wide vectors lower it further here, so that no kernel comes nearer to fma_peak_gflops() than
/// this.
double fed_fma_peak_gflops(int threads);

/// Rate, in GFLOP/s, of about `gflop` multiply-adds whose operands come from the nearest cache,
/// which the threads take in pieces of some 50 µs as they get to them, like the CPU device's tiles.
/// Other programs and a moving clock disturb this as they disturb a kernel that runs next to it, so
/// it is what times of different runs can be held against. A loop of its own: changes of the
/// kernel do not change it.
double fed_fma_gflops(int threads, double gflop);

/// Clock of this thread's core right now, in GHz, from a chain of dependent multiplications of 1
/// µs. Called at once after other work it still shows the clock that the work ran at.
double core_clock_ghz();

/// fma_peak_gflops() for the bfloat16 dot product (vdpbf16ps, 4 operations per 32-bit lane); 0 when
/// the CPU has none.
double bf16_peak_gflops(int threads);

/// The same for the unit that multiplies int8, 2 operations per multiply-add; 0 when the CPU device
/// uses none.
double int8_peak_gflops(int threads);

/// The limit of the unit that the CPU device multiplies this storage type with: for bfloat16 AMX
/// tiles or the dot product where it uses these, else the float32 multiply-adds. For int8, where it
/// has a unit, half the work at int8_peak_gflops() and half, the values, at bfloat16's limit or
/// float32's: 2 / (1/a + 1/b), which is exact where values are as wide as keys. Emulated low bits
/// have float32's.
double peak_gflops(DType dtype, int threads);

/// A rate above the peak says that the rate or the peak was disturbed. The peak is the best of
/// short bursts, so that more of them only make it truer: it is measured again, at most ten times,
/// until no rate lies above it. Returns the highest.
double settled_peak(double peak, double highest_rate, const std::function<double()>& measure);

/// Memory bandwidth in GB/s (1e9) by STREAM's triad, a[i] = b[i] + s·c[i] in float32, best of 5.
/// The three arrays together are 4 times the largest cache, at least 192 MiB. 12 bytes are counted
/// for each i, as STREAM does: not what a processor reads of `a` before writing it. NaN where there
/// is no memory for them. Takes about 0.3 s.
double triad_bandwidth_gbs(int threads);

}  // namespace vidattn
