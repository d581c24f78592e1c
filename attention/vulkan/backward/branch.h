#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "attention/backward/gradients.h"
#include "attention/backward/operand_gradient.h"
#include "attention/backward/upstream.h"
#include "attention/vulkan/job.h"
#include "attention/vulkan/submissions.h"

namespace vidattn::vulkan {

/// The backward pass of one branch.
class BackwardBranch {
 public:
  /// Makes the index lists, and cuts the heads into jobs that fit the device. Throws InputError
  /// when one head does not.
  BackwardBranch(Gpu& gpu, Pace& pace, const Branch& branch, const Inputs& in);

  /// Adds the branch's gradients. `upstream` is that of its softmax.
  void run(const Upstream& upstream, Gradients& out, std::vector<float>& key_bias);

 private:
  struct Buffers;
  struct Sums {
    OperandGradient q, k, v;
    std::vector<float>& key_bias;
  };

  void choose_shapes();
  std::vector<Job> cut_heads() const;
  int64_t bytes_of(int64_t heads, int64_t& largest) const;
  int64_t kv_heads_of(int64_t heads) const;
  AttendShape shape_of(const Job& job, const BranchIndex& index) const;
  void run_job(const Job& job, const Upstream& upstream, const Buffer& query_words,
               const Buffer& key_words, Sums& sums);
  void load(const Job& job, const Upstream& upstream, Buffers& buffers) const;
  void start_gradients(const Job& job, Buffers& buffers) const;
  void walk_keys(const Job& job, const Buffer& words, const Buffers& buffers);
  void walk_queries(const Job& job, const Buffer& words, const Buffers& buffers);
  void add_rows(const Buffer& from, int64_t first_head, int64_t heads, int64_t rows, int64_t dim,
                OperandGradient& to) const;
  void add_bias(const Buffer& from, int64_t heads, std::vector<float>& to) const;

  Gpu& gpu_;
  const Branch& branch_;
  const Inputs& in_;
  BranchOperands operands_;
  int64_t width_, heads_, ratio_;  ///< of a row on the device; query heads; per key head
  std::optional<Branch> cut_;      ///< as the kernel that walks keys runs it
  AttendKernel of_queries_, of_keys_;
  BranchIndex query_index_, key_index_;
  std::vector<Job> jobs_;
  double seconds_ = 0;
  Submissions submissions_;
};

}  // namespace vidattn::vulkan
