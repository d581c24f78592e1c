#pragma once

#include <cstdint>
#include <string>

namespace vidattn {

/// The kernels that OpenBLAS uses, e.g. "SkylakeX", and its version and options.
std::string blas_core();
std::string blas_config();

/// The core type that OpenBLAS should use on this CPU instead of `core`; empty when `core` is fine.
std::string better_blas_core(const std::string& core);

/// To be called first in main(). Where OpenBLAS does not know the CPU and chose slower kernels than
/// it could run (Debian's 0.3.21 takes Zen 4 and later for a Haswell: half the speed), this starts
/// the program again with OPENBLAS_CORETYPE set, which is read only when the library is loaded.
/// Does nothing when that variable is set already, and returns when the program cannot be
/// restarted. argv is main()'s; `core` is what OpenBLAS chose.
void choose_blas_core(char** argv, const std::string& core = blas_core());

/// C = alpha * A * B^T + beta * C, row-major: A [m,k], B [n,k], C [m,n]; lda, ldb, ldc are the
/// distances between rows. With beta = 0, C need not be initialized. OpenMP threads share the rows
/// of A, each calling a single-threaded BLAS; inside a parallel region the calling thread does all.
/// From the first call on OpenBLAS has one thread, since its own would spin and disturb what runs
/// next. Throws InputError for a negative size, or one that BLAS's 32-bit integers cannot hold.
void gemm_nt(int64_t m, int64_t n, int64_t k, const float* a, int64_t lda, const float* b,
             int64_t ldb, float* c, int64_t ldc, float alpha = 1, float beta = 0);

}  // namespace vidattn
