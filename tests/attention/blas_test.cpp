#include "attention/blas.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "attention/error.h"

namespace vidattn {
namespace {

std::vector<float> random_values(int64_t size, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> values(static_cast<size_t>(size));
  for (float& value : values) value = uniform(random);
  return values;
}

// Compares with a double loop; the rows of all matrices are padded, and C's padding must survive.
void check_gemm(int64_t m, int64_t n, int64_t k, float alpha, float beta) {
  SCOPED_TRACE(testing::Message() << "m " << m << " n " << n << " k " << k << " beta " << beta);
  const int64_t lda = k + 3, ldb = k + 1, ldc = n + 5;
  const auto a = random_values(m * lda, 1), b = random_values(n * ldb, 2);
  auto before = random_values(m * ldc, 3);
  if (beta == 0)
    for (float& value : before) value = std::numeric_limits<float>::quiet_NaN();
  auto c = before;
  gemm_nt(m, n, k, a.data(), lda, b.data(), ldb, c.data(), ldc, alpha, beta);
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < ldc; ++j) {
      const float old = before[i * ldc + j], found = c[i * ldc + j];
      if (j >= n) {
        ASSERT_TRUE(found == old || (std::isnan(found) && std::isnan(old)));
        continue;
      }
      double sum = 0;
      for (int64_t p = 0; p < k; ++p) sum += double{a[i * lda + p]} * b[j * ldb + p];
      const double expected = alpha * sum + (beta == 0 ? 0 : beta * double{old});
      ASSERT_NEAR(found, expected, 1e-6 * (static_cast<double>(k) + 2)) << i << "," << j;
    }
  }
}

TEST(Blas, GemmAgreesWithLoop) {
  for (const int64_t m : {1, 2, 7, 65, 513, 1030})
    for (const int64_t n : {1, 5, 33})
      for (const int64_t k : {1, 3, 64, 129}) check_gemm(m, n, k, 1, 0);
  check_gemm(37, 41, 43, 0.5F, 2);
  check_gemm(1025, 3, 17, -1, 1);
}

TEST(Blas, EmptyProductsScaleOrDoNothing) {
  check_gemm(4, 3, 0, 1, 0);
  check_gemm(4, 3, 0, 1, 2);
  check_gemm(0, 3, 2, 1, 0);
  check_gemm(4, 0, 2, 1, 1);
}

TEST(Blas, GemmInsideParallelRegion) {
#pragma omp parallel num_threads(2)
  check_gemm(70, 9, 20, 1, 0);
}

// Kernels of OpenBLAS for AVX2 sum in another order at the last rows of a block.
TEST(Blas, BitsDoNotDependOnTheNumberOfThreadsSlow) {
  const int before = omp_get_max_threads();
  for (const int64_t m : {32, 100, 515}) {
    const int64_t n = 32, k = 4096;
    const auto a = random_values(m * k, 1), b = random_values(n * k, 2);
    const auto product = [&](int threads) {
      omp_set_num_threads(threads);
      std::vector<float> c(m * n);
      gemm_nt(m, n, k, a.data(), k, b.data(), k, c.data(), n);
      return c;
    };
    const std::vector<float> expected = product(1);
    for (const int threads : {2, 3, 4}) EXPECT_EQ(product(threads), expected) << m << " rows";
  }
  omp_set_num_threads(before);
}

/// Nor on how many threads the region has that a product stands in, even where it has but one.
TEST(Blas, BitsDoNotDependOnTheTeamAroundAProduct) {
  const int64_t m = 515, n = 32, k = 4096;
  const auto a = random_values(m * k, 1), b = random_values(n * k, 2);
  std::vector<std::vector<float>> products;
  for (const int team : {1, 2, 3}) {
    std::vector<float> c(m * n);
#pragma omp parallel num_threads(team)
#pragma omp single
    gemm_nt(m, n, k, a.data(), k, b.data(), k, c.data(), n);
    products.push_back(std::move(c));
  }
  EXPECT_EQ(products[1], products[0]);
  EXPECT_EQ(products[2], products[0]);
}

TEST(Blas, SizesBeyondIntAreRefused) {
  float value = 0;
  const int64_t large = int64_t{1} << 31;
  EXPECT_THROW(gemm_nt(1, 1, large, &value, large, &value, large, &value, 1), InputError);
  EXPECT_THROW(gemm_nt(-1, 1, 1, &value, 1, &value, 1, &value, 1), InputError);
}

TEST(Blas, CoreTypeThatUsesTheCpuIsKept) {
  const std::string better = better_blas_core("Prescott");
  if (better.empty()) GTEST_SKIP() << "no AVX2: OpenBLAS's own choice is always kept";
  EXPECT_EQ(better_blas_core(better), "");
}

}  // namespace
}  // namespace vidattn
