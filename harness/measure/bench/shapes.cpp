#include "harness/measure/bench/shapes.h"

#include <algorithm>
#include <random>

#include "harness/workloads/in_dtype.h"

namespace vidattn {
namespace {

std::shared_ptr<const Tensor> random_tensor(const BenchLine& line, std::mt19937_64& random) {
  std::normal_distribution<float> normal;
  Tensor tensor(line.length, line.heads, line.dim);
  for (int64_t i = 0; i < tensor.size(); ++i) tensor.data<float>()[i] = normal(random);
  return std::make_shared<const Tensor>(std::move(tensor));
}

std::vector<BenchLine> quick_lines() {
  return {{"full", 4096, 1, 128}, {"full", 4096, 1, 128, DType::bf16}, {"groups", 8192, 1, 128}};
}

std::vector<BenchLine> all_lines() {
  const int threads = omp_get_num_procs();
  std::vector<BenchLine> lines;
  for (int64_t dim : {64, 80, 96, 128, 256})
    for (DType dtype : {DType::f32, DType::bf16, DType::f16})
      lines.push_back({"full", 8192, 1, dim, dtype});
  for (int64_t length : {1024, 2048, 4096, 16384, 31200, 62400})
    lines.push_back({"full", length, 1, 128});
  for (DType dtype : {DType::f32, DType::bf16}) lines.push_back({"full", 31200, 4, 128, dtype});
  lines.push_back({"full", 8192, 4, 128});
  for (int t = 1; t < threads; t *= 2) lines.push_back({"full", 8192, 1, 128, DType::f32, t});
  for (const char* shape : {"groups", "windows", "tokens"})
    for (DType dtype : {DType::f32, DType::bf16}) lines.push_back({shape, 31200, 1, 128, dtype});
  return lines;
}

}  // namespace

std::vector<BenchLine> bench_lines(bool quick) { return quick ? quick_lines() : all_lines(); }

Inputs bench_inputs(const BenchLine& line) {
  std::mt19937_64 random(1);
  Inputs in;
  in.q = random_tensor(line, random);
  in.k = random_tensor(line, random);
  in.v = random_tensor(line, random);
  set_dtype(in, line.dtype, "the random tensor");
  return in;
}

Plan bench_plan(const BenchLine& line) {
  const auto length = static_cast<int32_t>(line.length);
  HeadTable table;
  if (line.shape == "full") {
    table.add(0, length, {{0, length}});
  } else if (line.shape == "windows") {
    constexpr int32_t kWindows = 20;
    const int32_t margin = length / kWindows / 8;
    for (int32_t w = 0; w < kWindows; ++w) {
      const int32_t begin = w * (length / kWindows);
      const int32_t end = w + 1 < kWindows ? begin + length / kWindows : length;
      table.add(begin, end, {{std::max(0, begin - margin), std::min(length, end + margin)}});
    }
  } else {
    std::mt19937_64 random(7);
    std::vector<int32_t> order(length);
    for (int32_t i = 0; i < length; ++i) order[i] = i;
    std::shuffle(order.begin(), order.end(), random);
    table.query_order = table.key_order = make_order(std::move(order));
    const int32_t mean = line.shape == "groups" ? length / 20 : 8;
    for (int32_t begin = 0; begin < length;) {
      const auto size = static_cast<int32_t>(1 + random() % (2 * mean - 1));
      const int32_t end = std::min(length, begin + size);
      table.add(begin, end, {{begin, end}});
      begin = end;
    }
  }
  Plan plan;
  plan.branches.push_back({.name = line.shape, .tables = {std::move(table)}});
  return plan;
}

}  // namespace vidattn
