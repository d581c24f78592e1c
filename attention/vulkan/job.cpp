#include "attention/vulkan/job.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "attention/error.h"
#include "attention/vulkan/index.h"
#include "attention/vulkan/operands.h"

namespace vidattn::vulkan {
namespace {

constexpr int64_t kSmallestBlock = 64;  // tokens of a job

class Cutter {
 public:
  Cutter(const Gpu& gpu, const Inputs& in, const std::vector<const Branch*>& branches)
      : gpu_(gpu), in_(in), branches_(branches) {}

  std::vector<Job> cut() const {
    const int64_t heads = in_.heads(), tokens = in_.length(), memory = gpu_.memory_left();
    std::vector<Job> jobs;
    for (int64_t n = 1; n <= heads; ++n) {
      const int64_t each = (heads + n - 1) / n;
      if (!fits({0, each, 0, tokens, true}, memory)) continue;
      for (int64_t h = 0; h < heads; h += each)
        jobs.push_back({h, std::min(heads, h + each), 0, tokens, true});
      return jobs;
    }
    int64_t block = tokens;
    while (block > kSmallestBlock && !fits({0, 1, 0, block, false}, memory))
      block = (block + 1) / 2;
    if (!fits({0, 1, 0, block, false}, memory)) refuse({0, 1, 0, block, false}, memory);
    for (int64_t h = 0; h < heads; ++h)
      for (int64_t t = 0; t < tokens; t += block)
        jobs.push_back({h, h + 1, t, std::min(tokens, t + block), false});
    return jobs;
  }

 private:
  /// Bytes of all buffers of a job at its largest branch, and the largest single buffer.
  std::pair<int64_t, int64_t> needs(const Job& job) const {
    const int64_t heads = in_.heads(), width = row_width(in_), tokens = job.tokens();
    int64_t largest_buffer = 0, largest_branch = 0, indices = 0;
    const auto count = [&](int64_t bytes) {
      largest_buffer = std::max(largest_buffer, bytes);
      return bytes;
    };
    std::set<std::pair<const Tensor*, DType>> kept;
    int64_t all = count(operand_bytes(job.heads(), tokens, width, DType::f32)) +
                  count(2 * std::ssize(branches_) * job.heads() * tokens * 4);
    if (in_.q->dtype() != DType::f32)
      all += count(operand_bytes(job.heads(), tokens, width, in_.q->dtype()));
    for (size_t b = 0; b < branches_.size(); ++b) {
      const BranchOperands o(*branches_[b], in_);
      // Wherever the job begins: its heads may straddle groups that share a key head.
      const int64_t ratio = heads / o.k.heads();
      const int64_t kv_heads = std::min(o.k.heads(), (job.heads() + ratio - 2) / ratio + 1);
      const int64_t rows = job.whole ? o.q.length() : std::min(tokens, o.q.length());
      int64_t bytes = count(operand_bytes(job.heads(), rows, width, DType::f32)) +
                      count(job.heads() * rows * 8);
      for (const Tensor* tensor : {&o.q, &o.k, &o.v}) {
        const int64_t operand =
            count(tensor == &o.q ? operand_bytes(job.heads(), rows, width, o.dtype)
                                 : operand_bytes(kv_heads, o.k.length(), width, o.dtype));
        if (!kept_on_device(in_, *tensor, tensor != &o.q || job.whole))
          bytes += operand;
        else if (kept.insert({tensor, o.dtype}).second)
          all += operand;
      }
      if (branches_[b]->channel_weight)
        bytes += count(operand_bytes(job.heads(), tokens, width, DType::f32));
      const int64_t index = count(index_bytes_at_most(*branches_[b]));
      indices += index;
      largest_branch = std::max(largest_branch, job.whole ? bytes : bytes + index);
    }
    return {all + largest_branch + (job.whole ? indices : 0), largest_buffer};
  }

  bool fits(const Job& job, int64_t memory) const {
    const auto [all, largest] = needs(job);
    return all <= memory && largest <= gpu_.facts().storage_range;
  }

  [[noreturn]] void refuse(const Job& job, int64_t memory) const {
    const auto [all, largest] = needs(job);
    throw InputError("vulkan: keys and values of one head and " + std::to_string(job.tokens()) +
                     " queries need " + mebibytes(all) + ", the largest buffer " +
                     mebibytes(largest) + "; " + gpu_.facts().name + " has " +
                     mebibytes(std::max<int64_t>(0, memory)) + " free and takes buffers up to " +
                     mebibytes(gpu_.facts().storage_range));
  }

  const Gpu& gpu_;
  const Inputs& in_;
  const std::vector<const Branch*>& branches_;
};

}  // namespace

bool kept_on_device(const Inputs& in, const Tensor& tensor, bool all_rows) {
  return all_rows && (&tensor == in.q.get() || &tensor == in.k.get() || &tensor == in.v.get());
}

std::vector<Job> cut_into_jobs(const Gpu& gpu, const Inputs& in,
                               const std::vector<const Branch*>& branches) {
  return Cutter(gpu, in, branches).cut();
}

}  // namespace vidattn::vulkan
