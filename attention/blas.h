#pragma once

#include <cstdint>
#include <string>

namespace vidattn {

/// The kernels that OpenBLAS uses, e.g. "SkylakeX", and its version and options.
std::string blas_core();
std::string blas_config();

/// The core type that OpenBLAS should use on this CPU instead of `core`; empty when `core` is fine.
std::string better_blas_core(const std::string& core);

/// Makes OpenBLAS use better_blas_core() where it chose another one and OPENBLAS_CORETYPE names
/// none. To be called before any product, by a program that cannot set that variable before
/// OpenBLAS is loaded.
void use_better_blas_core();

/// C = alpha * A * B^T + beta * C, row-major: A [m,k], B [n,k], C [m,n]; lda, ldb, ldc are the
/// distances between rows. With beta = 0, C need not be initialized. OpenMP threads share the rows
/// of A, each calling a single-threaded BLAS; inside a parallel region, and where the product is
/// small, the calling thread does all.
/// From the first call on OpenBLAS has one thread, since its own would spin and disturb what runs
/// next. Throws InputError for a negative size, or one that BLAS's 32-bit integers cannot hold, and
/// OutOfMemory unless OpenBLAS can have 128 MiB of address space for each OpenMP thread.
void gemm_nt(int64_t m, int64_t n, int64_t k, const float* a, int64_t lda, const float* b,
             int64_t ldb, float* c, int64_t ldc, float alpha = 1, float beta = 0);

}  // namespace vidattn
