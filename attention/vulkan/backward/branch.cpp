#include "attention/vulkan/backward/branch.h"

#include <algorithm>
#include <cstring>
#include <numbers>

#include "attention/error.h"
#include "attention/vulkan/backward/key_index.h"
#include "attention/vulkan/operands.h"
#include "attention/vulkan/tuning/loop_limit.h"
#include "attention/vulkan/tuning/tile_cost.h"
#include "attention/vulkan/tuning/tuning.h"

namespace vidattn::vulkan {
namespace {

/// What attend_backward.comp keeps in shared memory: two matrices of a tile, one without OF_KEYS,
/// and what it knows of each row.
int64_t backward_shared(const TileShape& s) {
  return 2 * 4 * s.queries() * s.keys() + 8 * s.queries() + 16 * s.keys();
}

bool backward_fits(const TileShape& s, const GpuFacts& facts) {
  return backward_shared(s) <= facts.shared_bytes && s.threads() <= facts.max_threads;
}

}  // namespace

/// On the device; one job's.
struct BackwardBranch::Buffers {
  int64_t kv_first, kv_last;  ///< key heads
  Buffer q, k, v, upstream, state, d_q, d_k, d_v, d_bias;
};

BackwardBranch::BackwardBranch(Gpu& gpu, Pace& pace, const Branch& branch, const Inputs& in)
    : gpu_(gpu),
      branch_(branch),
      in_(in),
      operands_(branch, in),
      width_(row_width(in)),
      heads_(in.heads()),
      ratio_(in.heads() / operands_.k.heads()),
      submissions_(gpu, pace, seconds_) {
  const int64_t iterations = backward_iterations(width_);
  cut_ = cut_long_segments(gpu.facts(), branch, iterations);
  choose_shapes();
  query_index_ = build_index(gpu, cut_ ? *cut_ : branch,
                             {0, branch.tables.size(), 0, in.length(), {}}, of_queries_.shape);
  cut_heads();  // what does not fit even without it is refused before a long list is turned round
  key_index_ = build_key_index(branch, operands_.k.length(), of_keys_.shape,
                               LoopBudget(gpu.facts().loop_limit, iterations));
  jobs_ = cut_heads();
}

/// By the plan alone, so that the same plan always has the same sums. Short segments would waste
/// most of a long tile.
void BackwardBranch::choose_shapes() {
  constexpr double kWorthLongTiles = 1.5;  // they reuse what they load more often
  const IndexPart part{0, branch_.tables.size(), 0, in_.length(), {}};
  const auto quads = static_cast<uint32_t>(width_ / 4);
  const auto shape = [&](uint32_t rows, uint32_t sums) {
    TileShape tile = tile_shape(rows, gpu_.facts().subgroup, quads, sums);
    tile.tile_keys4 = 1;
    return tile;
  };
  const auto cost = [&](const TileShape& tile) {
    return static_cast<double>(tile_cost(branch_, part, tile));
  };
  const std::string storage = to_string(operands_.dtype);
  const double least = cost(shape(16, 1));
  for (uint32_t rows : {64, 32, 16}) {
    of_queries_ = {"backward_queries_" + storage, shape(rows, 1), quads};
    of_keys_ = {"backward_keys_" + storage, shape(rows, 2), quads};
    if (backward_fits(of_queries_.shape, gpu_.facts()) &&
        backward_fits(of_keys_.shape, gpu_.facts()) &&
        cost(of_queries_.shape) <= kWorthLongTiles * least)
      break;
  }
}

int64_t BackwardBranch::kv_heads_of(int64_t heads) const {
  // Wherever they begin: they may straddle groups that share a key head.
  return std::min(operands_.k.heads(), (heads + ratio_ - 2) / ratio_ + 1);
}

/// Bytes of all buffers of a job of that many heads, and of the largest.
int64_t BackwardBranch::bytes_of(int64_t heads, int64_t& largest) const {
  const int64_t rows = operands_.q.length(), keys = operands_.k.length();
  const int64_t kv_heads = kv_heads_of(heads);
  int64_t all = 0;
  const auto count = [&](int64_t bytes, int64_t times) {
    largest = std::max(largest, bytes);
    all += bytes * times;
  };
  count(operand_bytes(heads, rows, width_, operands_.dtype), 1);     // q
  count(operand_bytes(heads, rows, width_, DType::f32), 2);          // dO, dQ
  count(heads * rows * 8, 1);                                        // LSE and delta
  count(operand_bytes(kv_heads, keys, width_, operands_.dtype), 2);  // k, v
  count(operand_bytes(kv_heads, keys, width_, DType::f32), 2);       // dK, dV
  if (branch_.key_bias) count(kv_heads * keys * 4, 1);
  count(query_index_.size() * 4, 1);
  count(key_index_.size() * 4, 1);
  return all;
}

/// The fewest equal jobs that fit.
std::vector<Job> BackwardBranch::cut_heads() const {
  const int64_t memory = gpu_.memory_left(), range = gpu_.facts().storage_range;
  std::vector<Job> jobs;
  int64_t all = 0, largest = 0;
  for (int64_t n = 1; n <= heads_; ++n) {
    const int64_t each = (heads_ + n - 1) / n;
    largest = 0;
    all = bytes_of(each, largest);
    if (all > memory || largest > range) continue;
    for (int64_t h = 0; h < heads_; h += each)
      jobs.push_back({h, std::min(heads_, h + each), 0, in_.length(), true});
    return jobs;
  }
  throw InputError("vulkan: the backward pass of one head of branch '" + branch_.name + "' needs " +
                   mebibytes(all) + ", the largest buffer " + mebibytes(largest) + "; " +
                   gpu_.facts().name + " has " + mebibytes(std::max<int64_t>(0, memory)) +
                   " free and takes buffers up to " + mebibytes(range));
}

void BackwardBranch::run(const Upstream& upstream, Gradients& out, std::vector<float>& key_bias) {
  const Buffer query_words = upload(gpu_, query_index_, "the index lists of " + branch_.name);
  const Buffer key_words = upload(gpu_, key_index_, "the key index of " + branch_.name);
  const Operands& from = branch_.prepared;
  Sums sums{{operands_.q, operands_.q.dim(), from.q_from, out.q},
            {operands_.k, operands_.k.dim(), from.k_from, out.k},
            {operands_.v, operands_.v.dim(), from.v_from, out.v},
            key_bias};
  for (const Job& job : jobs_) run_job(job, upstream, query_words, key_words, sums);
  for (OperandGradient* gradient : {&sums.q, &sums.k, &sums.v}) gradient->finish();
}

void BackwardBranch::run_job(const Job& job, const Upstream& upstream, const Buffer& query_words,
                             const Buffer& key_words, Sums& sums) {
  Buffers buffers{};
  buffers.kv_first = job.first_head / ratio_;
  buffers.kv_last = (job.last_head - 1) / ratio_ + 1;
  load(job, upstream, buffers);
  start_gradients(job, buffers);
  walk_keys(job, query_words, buffers);
  walk_queries(job, key_words, buffers);
  const int64_t kv_heads = buffers.kv_last - buffers.kv_first;
  add_rows(buffers.d_q, job.first_head, job.heads(), operands_.q.length(), in_.dim(), sums.q);
  add_rows(buffers.d_k, buffers.kv_first, kv_heads, operands_.k.length(), in_.dim(), sums.k);
  add_rows(buffers.d_v, buffers.kv_first, kv_heads, operands_.k.length(), in_.value_dim(), sums.v);
  if (branch_.key_bias) add_bias(buffers.d_bias, kv_heads, sums.key_bias);
}

void BackwardBranch::load(const Job& job, const Upstream& upstream, Buffers& buffers) const {
  const int64_t rows = operands_.q.length();
  const RowSet queries{job.first_head, job.last_head, 0, rows};
  const RowSet keys{buffers.kv_first, buffers.kv_last, 0, operands_.k.length()};
  buffers.q = upload(gpu_, operands_.q, queries, width_, operands_.dtype, "queries");
  buffers.k = upload(gpu_, operands_.k, keys, width_, operands_.dtype, "keys");
  buffers.v = upload(gpu_, operands_.v, keys, width_, operands_.dtype, "values");
  buffers.upstream = upload(gpu_, upstream.values, heads_, in_.value_dim(), queries, width_,
                            "the gradient of the output");
  const int64_t bytes = job.heads() * rows * 8;
  buffers.state = gpu_.allocate(bytes, "LSE and delta");
  gpu_.write(buffers.state, bytes, 8, [&](std::byte* to, int64_t first, int64_t size) {
    auto* states = reinterpret_cast<float*>(to);
    for (int64_t i = first / 8; i < (first + size) / 8; ++i, states += 2) {
      const int64_t at = i % rows * heads_ + job.first_head + i / rows;
      states[0] = upstream.lse[at];
      states[1] = upstream.delta[at];
    }
  });
}

void BackwardBranch::start_gradients(const Job& job, Buffers& buffers) const {
  const int64_t rows = operands_.q.length(), keys = operands_.k.length();
  const int64_t kv_heads = buffers.kv_last - buffers.kv_first;
  const auto zeros = [&](int64_t bytes, const char* what) {
    Buffer buffer = gpu_.allocate(bytes, what);
    gpu_.clear(buffer);
    return buffer;
  };
  buffers.d_q = zeros(operand_bytes(job.heads(), rows, width_, DType::f32), "dQ");
  buffers.d_k = zeros(operand_bytes(kv_heads, keys, width_, DType::f32), "dK");
  buffers.d_v = zeros(operand_bytes(kv_heads, keys, width_, DType::f32), "dV");
  if (branch_.key_bias) buffers.d_bias = zeros(kv_heads * keys * 4, "the key bias's gradient");
}

AttendShape BackwardBranch::shape_of(const Job& job, const BranchIndex& index) const {
  AttendShape shape{};
  shape.rows = index.rows;
  shape.positions = index.positions;
  shape.ranges = index.ranges;
  shape.heads_per_table = static_cast<uint32_t>(heads_ / std::ssize(branch_.tables));
  shape.first_head = static_cast<uint32_t>(job.first_head);
  shape.first_kv_head = static_cast<uint32_t>(job.first_head / ratio_);
  shape.head_ratio = static_cast<uint32_t>(ratio_);
  shape.query_rows = static_cast<uint32_t>(operands_.q.length());
  shape.key_rows = static_cast<uint32_t>(operands_.k.length());
  shape.bias = index.bias;
  shape.scale = static_cast<float>(in_.softmax_scale() * std::numbers::log2e);
  return shape;
}

void BackwardBranch::walk_keys(const Job& job, const Buffer& words, const Buffers& buffers) {
  const AttendShape shape = shape_of(job, query_index_);
  const int64_t per_table = shape.heads_per_table;
  const std::vector<const Buffer*> bound{&words,       &buffers.q,     &buffers.k,       &buffers.v,
                                         &buffers.d_q, &buffers.state, &buffers.upstream};
  for (const auto& round : query_index_.rounds)
    for (const BranchIndex::Group& group : round) {
      const int64_t table_head = group.table * per_table;
      const int64_t first = std::max(job.first_head, table_head);
      const int64_t last = std::min(job.last_head, table_head + per_table);
      submissions_.add(group, of_queries_, bound, shape, {first - table_head, last - first});
    }
  submissions_.send();
}

/// Query heads that share a key head come one after the other.
void BackwardBranch::walk_queries(const Job& job, const Buffer& words, const Buffers& buffers) {
  const AttendShape shape = shape_of(job, key_index_);
  const int64_t per_table = shape.heads_per_table;
  const std::vector<const Buffer*> bound{&words,
                                         &buffers.q,
                                         &buffers.k,
                                         &buffers.v,
                                         &buffers.d_k,
                                         &buffers.state,
                                         &buffers.upstream,
                                         &buffers.d_v,
                                         branch_.key_bias ? &buffers.d_bias : &buffers.d_v};
  for (const auto& round : key_index_.rounds)
    for (const BranchIndex::Group& group : round) {
      const int64_t table_head = group.table * per_table;
      const int64_t begin = std::max(job.first_head, table_head);
      const int64_t end = std::min(job.last_head, table_head + per_table);
      for (int64_t first = begin; first < std::min(end, begin + ratio_); ++first)
        submissions_.add(group, of_keys_, bound, shape,
                         {first - table_head, (end - first + ratio_ - 1) / ratio_, ratio_});
    }
  submissions_.send();
}

void BackwardBranch::add_rows(const Buffer& from, int64_t first_head, int64_t heads, int64_t rows,
                              int64_t dim, OperandGradient& to) const {
  std::vector<GradientRows> of_head;
  for (int64_t h = 0; h < heads; ++h) of_head.push_back(to.head(first_head + h));
  const int64_t unit = width_ * 4;
  gpu_.read(from, heads * rows * unit, unit,
            [&](const std::byte* bytes, int64_t first, int64_t size) {
              const auto* values = reinterpret_cast<const float*>(bytes);
              const int64_t begin = first / unit, end = (first + size) / unit;
#pragma omp parallel for schedule(static)
              for (int64_t i = begin; i < end; ++i) {
                float* row = of_head[i / rows].row(i % rows);
                for (int64_t c = 0; c < dim; ++c) row[c] += values[(i - begin) * width_ + c];
              }
            });
}

void BackwardBranch::add_bias(const Buffer& from, int64_t heads, std::vector<float>& to) const {
  const int64_t keys = operands_.k.length();
  gpu_.read(from, heads * keys * 4, 4, [&](const std::byte* bytes, int64_t first, int64_t size) {
    const auto* values = reinterpret_cast<const float*>(bytes);
    for (int64_t i = first / 4; i < (first + size) / 4; ++i) to[i % keys] += values[i - first / 4];
  });
}

}  // namespace vidattn::vulkan
