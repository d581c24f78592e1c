#include "attention/vulkan/executor.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <numbers>
#include <optional>

#include "attention/backward/kept.h"
#include "attention/cancel.h"
#include "attention/error.h"
#include "attention/terms/joined.h"
#include "attention/terms/linear.h"
#include "attention/vulkan/attend_shape.h"
#include "attention/vulkan/index.h"
#include "attention/vulkan/job.h"
#include "attention/vulkan/operands.h"
#include "attention/vulkan/submissions.h"
#include "attention/vulkan/tuning/loop_limit.h"
#include "attention/vulkan/tuning/tile_cost.h"

namespace vidattn::vulkan {
namespace {

constexpr int64_t kCombineThreads = 128, kCombineGroups = 4096;

/// Push constants of combine.comp.
struct CombineShape {
  uint32_t tokens, first_token, heads, first_head, heads_per_table, first_table, query_rows, quads,
      map, weight, weight_per_head, channel_weight, lse, joined, before;
  float branch_weight;
};

class Stopwatch {
 public:
  explicit Stopwatch(double& total) : total_(total), start_(std::chrono::steady_clock::now()) {}
  ~Stopwatch() {
    total_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  double& total_;
  std::chrono::steady_clock::time_point start_;
};

/// Query heads [first, last) as heads of a tensor with `kv_heads` of `heads`.
std::pair<int64_t, int64_t> kv_range(const Job& job, int64_t heads, int64_t kv_heads) {
  const int64_t ratio = heads / kv_heads;
  return {job.first_head / ratio, (job.last_head - 1) / ratio + 1};
}

class Run {
 public:
  Run(Gpu& gpu, Tuning& tuning, const Plan& plan, const Inputs& in, Output& out)
      : gpu_(gpu),
        tuning_(tuning),
        plan_(plan),
        in_(in),
        out_(out),
        width_(row_width(in)),
        submissions_(gpu, tuning.pace(), out.times.device) {
    for (const Branch& branch : plan.branches) {
      operands_.emplace_back(branch, in);
      cut_.push_back(cut_long_segments(gpu.facts(), branch, attend_iterations(width_)));
    }
    std::vector<const Branch*> branches;
    for (size_t b = 0; b < plan_.branches.size(); ++b) branches.push_back(&branch(b));
    jobs_ = cut_into_jobs(gpu_, in_, branches);
  }

  void run() {
    if (jobs_.front().whole) index_whole_plan();
    for (const Job& job : jobs_) run_job(job);
  }

 private:
  /// As the kernels run it.
  const Branch& branch(size_t b) const { return cut_[b] ? *cut_[b] : plan_.branches[b]; }

  // ---- index lists ----

  struct DeviceIndex {
    BranchIndex index;
    AttendKernel kernel;
    Buffer words;
  };

  DeviceIndex make_index(size_t b, const IndexPart& part) {
    const Stopwatch watch(out_.times.upload);
    DeviceIndex made = choose(b, part);
    made.words = upload(gpu_, made.index, "the index lists of " + branch(b).name);
    return made;
  }

  /// The kernel that is quickest for the branch's segments, and its index.
  DeviceIndex choose(size_t b, const IndexPart& part) {
    const std::vector<TunedKernel>& tuned = tuning_.kernels(gpu_, operands_[b].dtype, width_);
    std::vector<double> seconds;
    for (const TunedKernel& t : tuned)
      seconds.push_back(t.seconds_per_product *
                        static_cast<double>(tile_cost(branch(b), part, t.kernel.shape)));
    const auto best = std::min_element(seconds.begin(), seconds.end()) - seconds.begin();
    const AttendKernel& kernel = tuned[best].kernel;
    return {build_index(gpu_, branch(b), part, kernel.shape), kernel, {}};
  }

  void index_whole_plan() {
    for (size_t b = 0; b < plan_.branches.size(); ++b)
      whole_.push_back(make_index(b, {0, plan_.branches[b].tables.size(), 0, in_.length(), {}}));
  }

  // ---- one job ----

  void run_job(const Job& job) {
    if (job.first_head != loaded_head_) own_ = {};
    loaded_head_ = job.first_head;
    outputs_ = {};  // freed before the next ones are made
    lse_ = {};
    outputs_ = start_outputs(job);
    lse_ = gpu_.allocate(
        2 * static_cast<int64_t>(plan_.branches.size()) * job.heads() * job.tokens() * 4,
        "the LSE");
    for (size_t b = 0; b < plan_.branches.size(); ++b) run_branch(b, job);
    take_outputs(job);
  }

  Buffer start_outputs(const Job& job) {
    const Stopwatch watch(out_.times.upload);
    const RowSet set{job.first_head, job.last_head, job.first_token, job.tokens()};
    if (plan_.constant)
      return upload(gpu_, *plan_.constant, set, width_, DType::f32, "the constant");
    Buffer zeros =
        gpu_.allocate(operand_bytes(job.heads(), job.tokens(), width_, DType::f32), "the output");
    gpu_.clear(zeros);
    gpu_.submit();
    return zeros;
  }

  /// Operands on the device; the call's own serve all branches that want them in the same type.
  struct Loaded {
    const Tensor* tensor = nullptr;
    DType dtype = DType::f32;
    std::shared_ptr<Buffer> buffer;
  };

  std::shared_ptr<Buffer> load(const Tensor& tensor, const RowSet& set, DType dtype,
                               const char* what) {
    const Stopwatch watch(out_.times.upload);
    const bool keep = kept_on_device(in_, tensor, !set.rows);
    for (const Loaded& loaded : own_)
      if (keep && loaded.tensor == &tensor && loaded.dtype == dtype) return loaded.buffer;
    auto buffer = std::make_shared<Buffer>(upload(gpu_, tensor, set, width_, dtype, what));
    if (keep) own_.push_back({&tensor, dtype, buffer});
    return buffer;
  }

  void run_branch(size_t b, const Job& job) {
    const Branch& branch = plan_.branches[b];
    const BranchOperands& operands = operands_[b];
    const size_t table = branch.table_index(job.first_head, in_.heads());
    IndexPart part{0, branch.tables.size(), 0, in_.length(), {}};
    std::optional<DeviceIndex> own_index;
    if (!job.whole) {
      part = {table, table + 1, job.first_token, job.last_token,
              rows_of_tokens(branch, table, job.first_token, job.last_token)};
      if (part.query_rows.empty()) part.query_rows = {0};  // no token takes a result
      own_index = make_index(b, part);
    }
    const DeviceIndex& index = job.whole ? whole_[b] : *own_index;
    const RowSet query_set{job.first_head, job.last_head, 0, operands.q.length(),
                           job.whole ? nullptr : &part.query_rows};
    const auto [kv_first, kv_last] = kv_range(job, in_.heads(), operands.k.heads());
    const RowSet key_set{kv_first, kv_last, 0, operands.k.length()};
    const auto q = load(operands.q, query_set, operands.dtype, "queries");
    const auto k = load(operands.k, key_set, operands.dtype, "keys");
    const auto v = load(operands.v, key_set, operands.dtype, "values");
    const int64_t rows = query_set.count();
    const Buffer acc =
        gpu_.allocate(operand_bytes(job.heads(), rows, width_, DType::f32), "unnormalized outputs");
    Buffer state = gpu_.allocate(job.heads() * rows * 8, "softmax states");
    gpu_.clear(state);
    AttendShape shape{};
    shape.rows = index.index.rows;
    shape.positions = index.index.positions;
    shape.ranges = index.index.ranges;
    shape.heads_per_table = static_cast<uint32_t>(in_.heads() / branch.tables.size());
    shape.first_head = static_cast<uint32_t>(job.first_head);
    shape.first_kv_head = static_cast<uint32_t>(kv_first);
    shape.head_ratio = static_cast<uint32_t>(in_.heads() / operands.k.heads());
    shape.query_rows = static_cast<uint32_t>(rows);
    shape.key_rows = static_cast<uint32_t>(operands.k.length());
    shape.bias = index.index.bias;
    shape.scale = static_cast<float>(in_.softmax_scale() * std::numbers::log2e);
    const std::vector<const Buffer*> buffers{&index.words, q.get(), k.get(), v.get(), &acc, &state};
    for (const auto& round : index.index.rounds) {
      for (const BranchIndex::Group& group : round) attend(group, index, job, buffers, shape);
      shape.resume = 1;
    }
    combine(b, job, index, part.first_table, acc, state, rows);
  }

  /// Dispatches a table's items for the job's heads.
  void attend(const BranchIndex::Group& group, const DeviceIndex& index, const Job& job,
              const std::vector<const Buffer*>& buffers, const AttendShape& shape) {
    const int64_t ratio = shape.heads_per_table, table_head = group.table * ratio;
    const int64_t first = std::max(job.first_head, table_head);
    const int64_t last = std::min(job.last_head, table_head + ratio);
    submissions_.add(group, index.kernel, buffers, shape, {first - table_head, last - first});
  }

  void combine(size_t b, const Job& job, const DeviceIndex& index, size_t first_table,
               const Buffer& acc, const Buffer& state, int64_t rows) {
    const Branch& branch = plan_.branches[b];
    const int64_t quads = width_ / 4;
    Buffer gate;
    if (branch.channel_weight) {
      const Stopwatch watch(out_.times.upload);
      gate = upload(gpu_, branch.channel_weight->as<float>("channel weight").data(), in_.heads(),
                    in_.value_dim(), {job.first_head, job.last_head, job.first_token, job.tokens()},
                    width_, "channel weights");
    }
    const auto per_branch = job.heads() * job.tokens();
    // Behind the branches' own LSE are those of each with all that it is joined to before it.
    const auto lse_of = [&](size_t i) {
      return static_cast<uint32_t>(static_cast<int64_t>(i) * per_branch);
    };
    const uint32_t joined = lse_of(plan_.branches.size() + b);
    const CombineShape shape{
        static_cast<uint32_t>(job.tokens()),
        static_cast<uint32_t>(job.first_token),
        static_cast<uint32_t>(in_.heads()),
        static_cast<uint32_t>(job.first_head),
        static_cast<uint32_t>(in_.heads() / branch.tables.size()),
        static_cast<uint32_t>(first_table),
        static_cast<uint32_t>(rows),
        static_cast<uint32_t>(quads),
        index.index.map,
        index.index.weight,
        branch.token_weight && std::ssize(*branch.token_weight) != in_.length() ? 1U : 0U,
        branch.channel_weight ? 1U : 0U,
        lse_of(b),
        joined,
        branch.joined ? joined - static_cast<uint32_t>(per_branch) : BranchIndex::kNone,
        branch.weight};
    const int64_t groups = (job.tokens() * quads + kCombineThreads - 1) / kCombineThreads;
    gpu_.dispatch(
        {"combine", {}},
        {&index.words, &acc, &state, branch.channel_weight ? &gate : &acc, &outputs_, &lse_}, shape,
        std::min(groups, kCombineGroups), job.heads());
    submissions_.send();
  }

  /// The output in its storage type.
  Buffer round_outputs(const Job& job, DType dtype) {
    const int64_t quads = job.heads() * job.tokens() * width_ / 4;
    Buffer rounded = gpu_.allocate(operand_bytes(job.heads(), job.tokens(), width_, dtype),
                                   "the rounded output");
    const int64_t groups = (quads + kCombineThreads - 1) / kCombineThreads;
    gpu_.dispatch({"round_" + to_string(dtype), {}}, {&outputs_, &rounded},
                  static_cast<uint32_t>(quads), std::min(groups, kCombineGroups));
    gpu_.submit();
    return rounded;
  }

  void take_outputs(const Job& job) {
    const Stopwatch watch(out_.times.download);
    const DType dtype = out_.o.dtype();
    const int64_t tokens = job.tokens(), element = size_of(dtype), row = out_.o.dim() * element;
    const int64_t unit = width_ * element;
    if (dtype != DType::f32) outputs_ = round_outputs(job, dtype);
    gpu_.read(outputs_, job.heads() * tokens * unit, unit,
              [&](const std::byte* from, int64_t first, int64_t size) {
                const int64_t begin = first / unit, end = (first + size) / unit;
#pragma omp parallel for schedule(static)
                for (int64_t i = begin; i < end; ++i) {
                  const int64_t token = job.first_token + i % tokens;
                  const int64_t head = job.first_head + i / tokens;
                  std::memcpy(out_.o.data<std::byte>() + out_.o.offset(token, head) * element,
                              from + (i - begin) * unit, row);
                }
              });
    const int64_t per_branch = job.heads() * tokens;
    gpu_.read(lse_, static_cast<int64_t>(plan_.branches.size()) * per_branch * 4, 4,
              [&](const std::byte* from, int64_t first, int64_t size) {
                const auto* values = reinterpret_cast<const float*>(from);
#pragma omp parallel for schedule(static)
                for (int64_t i = first / 4; i < (first + size) / 4; ++i) {
                  const int64_t head = job.first_head + i % per_branch / tokens;
                  const int64_t token = job.first_token + i % tokens;
                  out_.lse[i / per_branch][token * in_.heads() + head] = values[i - first / 4];
                }
              });
  }

  Gpu& gpu_;
  Tuning& tuning_;
  const Plan& plan_;
  const Inputs& in_;
  Output& out_;
  const int64_t width_;  ///< channels of a row on the device
  Submissions submissions_;
  std::vector<BranchOperands> operands_;
  std::vector<std::optional<Branch>> cut_;
  std::vector<Job> jobs_;
  std::vector<DeviceIndex> whole_;
  std::vector<Loaded> own_;
  int64_t loaded_head_ = -1;  ///< first head of what own_ holds
  Buffer outputs_, lse_;
};

/// The branches that share a softmax, without their weights.
struct SoftmaxRun {
  size_t first;
  Plan plan;
  Output out;
  std::optional<Run> run;

  SoftmaxRun(Gpu& gpu, Tuning& tuning, const Plan& whole, const JoinedBranches& joined,
             const Inputs& in)
      : first(joined.first) {
    for (size_t b = first; b < joined.last; ++b)
      plan.branches.push_back(without_weights(whole.branches[b]));
    shape_output(plan, in, out);
    out.o = Tensor(in.length(), in.heads(), in.value_dim());
    run.emplace(gpu, tuning, plan, in, out);
  }
};

void add_times(const DeviceTimes& times, DeviceTimes& sum) {
  sum.upload += times.upload;
  sum.device += times.device;
  sum.download += times.download;
}

/// Keeps each softmax's result, which the host weighs and adds up.
void execute_apart(Gpu& gpu, Tuning& tuning, const Plan& plan, const Inputs& in, Output& out) {
  std::vector<std::unique_ptr<SoftmaxRun>> parts;  // all are cut to fit before any is run
  for (size_t b = 0; b < plan.branches.size(); b = joined_with(plan, b).last)
    parts.push_back(std::make_unique<SoftmaxRun>(gpu, tuning, plan, joined_with(plan, b), in));
  Tensor sum =
      plan.constant ? plan.constant->clone() : Tensor(in.length(), in.heads(), in.value_dim());
  out.softmax.resize(plan.branches.size());
  for (const auto& part : parts) {
    part->run->run();
    part->run.reset();  // with what it has on the device
    add_slopes_to_softmax(part->plan, joined_with(part->plan, 0), in, part->out, part->out.o);
    add_weighted(plan.branches[part->first], in, part->out.o, sum);
    for (size_t i = 0; i < part->out.lse.size(); ++i)
      out.lse[part->first + i] = std::move(part->out.lse[i]);
    out.softmax[part->first] = std::move(part->out.o);
    add_times(part->out.times, out.times);
  }
  out.o = out.o.dtype() == DType::f32 ? std::move(sum) : sum.to(out.o.dtype());
}

}  // namespace

void execute(Gpu& gpu, Tuning& tuning, const Plan& plan, const Inputs& in, Output& out) {
  throw_if_cancelled();
  shape_output(plan, in, out);
  if (out.keep && !is_softmax_alone(plan, in))
    execute_apart(gpu, tuning, plan, in, out);
  else
    Run(gpu, tuning, plan, in, out).run();
  add_linear_terms(plan, in, out);
}

}  // namespace vidattn::vulkan
