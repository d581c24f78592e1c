#include "attention/blas.h"

#include <cblas.h>
#include <omp.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <initializer_list>
#include <limits>
#include <mutex>
#include <vector>

#include "attention/error.h"
#include "attention/parallel.h"

// OpenBLAS exports its allocator, but no header declares it.
extern "C" {
void* blas_memory_alloc(int position);
void blas_memory_free(void* buffer);
}
// And what chooses its kernels, where it has those of several processors.
extern "C" {
[[gnu::weak]] void gotoblas_dynamic_init();
[[gnu::weak]] void gotoblas_dynamic_quit();
}

namespace vidattn {
namespace {

int blas_int(int64_t size) {
  if (size < 0 || size > std::numeric_limits<int>::max())
    throw InputError("matrix product: size " + std::to_string(size) +
                     " is not between 0 and 2147483647");
  return static_cast<int>(size);
}

/// Throws OutOfMemory unless `bytes` can be mapped now.
void require_memory(size_t bytes) {
  void* probe = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (probe == MAP_FAILED)
    throw OutOfMemory("buffers of " + std::to_string(bytes >> 20) + " MiB for OpenBLAS");
  munmap(probe, bytes);
}

/// A call holds one of OpenBLAS's buffers, which are mapped when first needed and kept. Where that
/// fails, OpenBLAS tries again for ever, so as many as there are threads are mapped here.
void reserve_buffers(int count) {
  constexpr size_t kBufferBytes = size_t{128} << 20;  // BUFFER_SIZE on x86-64 and Arm
  require_memory(static_cast<size_t>(count) * kBufferBytes);
  std::vector<void*> buffers;
  for (int i = 0; i < count; ++i) buffers.push_back(blas_memory_alloc(0));
  for (void* buffer : buffers) blas_memory_free(buffer);
}

/// Rows of a block: multiples of what every kernel of OpenBLAS takes at once.
constexpr int64_t kMinRows = 64, kMaxRows = 512;

void prepare_blas() {
  static std::once_flag once;
  std::call_once(once, [] {
    openblas_set_num_threads(1);
    reserve_buffers(omp_get_max_threads());
  });
}

}  // namespace

std::string blas_core() { return openblas_get_corename(); }
std::string blas_config() { return openblas_get_config(); }

std::string better_blas_core(const std::string& core) {
#if defined(__x86_64__)
  const auto is_one_of = [&](std::initializer_list<const char*> names) {
    return std::find(names.begin(), names.end(), core) != names.end();
  };
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
    return is_one_of({"SkylakeX", "Cooperlake", "SapphireRapids"}) ? "" : "SkylakeX";
  // OpenBLAS's Zen is its Haswell with other block sizes.
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return is_one_of({"Haswell", "Zen"}) ? "" : "Haswell";
#endif
  return "";
}

void use_better_blas_core() {
  constexpr const char* kVariable = "OPENBLAS_CORETYPE";
  const std::string better = better_blas_core(blas_core());
  if (better.empty() || std::getenv(kVariable) != nullptr || gotoblas_dynamic_init == nullptr ||
      gotoblas_dynamic_quit == nullptr)
    return;
  setenv(kVariable, better.c_str(), 1);
  gotoblas_dynamic_quit();
  gotoblas_dynamic_init();
  unsetenv(kVariable);
}

void gemm_nt(int64_t m, int64_t n, int64_t k, const float* a, int64_t lda, const float* b,
             int64_t ldb, float* c, int64_t ldc, float alpha, float beta) {
  const int columns = blas_int(n), depth = blas_int(k);
  const int a_step = blas_int(lda), b_step = blas_int(ldb), c_step = blas_int(ldc);
  blas_int(m);
  if (m == 0 || n == 0) return;
  prepare_blas();
  // BLAS packs B once per block of rows, and its sums may depend on where a block ends: the blocks
  // follow from m alone, so that the bits do not depend on the number of threads.
  const bool nested = omp_get_level() > 0;  // in a region of one thread, too
  const int64_t rows = nested ? kMaxRows : std::clamp((m / 8 + 63) / 64 * 64, kMinRows, kMaxRows);
  // A thread multiplies and adds some 32 values a nanosecond.
  const double steps =
      static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k) / 32;
  const int sharing = nested ? 1 : threads_for(steps);
#pragma omp parallel for schedule(dynamic) num_threads(sharing)
  for (int64_t row = 0; row < m; row += rows)
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, static_cast<int>(std::min(rows, m - row)),
                columns, depth, alpha, a + row * lda, a_step, b, b_step, beta, c + row * ldc,
                c_step);
}

}  // namespace vidattn
