#include "attention/cpu/backward/branch.h"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "attention/backward/operand_gradient.h"
#include "attention/backward/slope.h"
#include "attention/backward/upstream.h"
#include "attention/cancel.h"
#include "attention/cpu/backward/kernel.h"
#include "attention/cpu/backward/units.h"
#include "attention/parallel.h"
#include "attention/terms/joined.h"
#include "attention/terms/linear.h"

namespace vidattn::cpu {
namespace {

/// A tensor as it is, or a copy of it in float32.
class Operand {
 public:
  Operand(const Tensor& tensor, bool as_it_is) : of_(&tensor) {
    if (as_it_is || tensor.dtype() == DType::f32) return;
    copy_ = tensor.to(DType::f32);
    of_ = &copy_;
  }
  Operand(const Operand&) = delete;
  Operand& operator=(const Operand&) = delete;
  const Tensor& operator*() const { return *of_; }

 private:
  Tensor copy_;
  const Tensor* of_;
};

/// Rows that a thread adds to in place of those that another thread may be adding to.
class CopiedGradient {
 public:
  CopiedGradient() = default;
  CopiedGradient(int64_t rows, int64_t width)
      : width_(width), values_(new float[rows * width]), begun_(rows) {}
  GradientRows rows() { return {values_.get(), width_, begun_.data()}; }
  void add_to(const GradientRows& to) const {
    for (int64_t i = 0; i < std::ssize(begun_); ++i)
      for (int64_t c = 0; c < width_ && begun_[i] != 0; ++c)
        to.row(i)[c] += values_[i * width_ + c];
  }

 private:
  int64_t width_ = 0;
  std::unique_ptr<float[]> values_;
  std::vector<uint8_t> begun_;
};

/// What a strand adds to; the first of a key head has nothing but the bias's.
struct StrandGradients {
  bool copied = false;  ///< k and v
  int64_t head = -1;    ///< of the copied q; -1 = none
  CopiedGradient q, k, v;
  std::vector<float> bias;
};

/// Takes what the strands of a key head have summed up in the order of strands, whichever is done
/// first.
class InOrder {
 public:
  template <class Take>
  void done(int32_t place, StrandGradients strand, const Take& take) {
    const std::lock_guard lock(mutex_);
    waiting_.emplace(place, std::move(strand));
    for (auto next = waiting_.find(taken_); next != waiting_.end();
         next = waiting_.find(++taken_)) {
      take(next->second);
      waiting_.erase(next);
    }
  }

 private:
  std::mutex mutex_;
  std::map<int32_t, StrandGradients> waiting_;
  int32_t taken_ = 0;
};

/// There is no backward pass by AMX: its operands are converted.
Bf16Unit backward_unit(const Branch& branch, const Inputs& in) {
  const auto [q, k, v] = branch.operands(in);
  const auto scale = static_cast<float>(in.softmax_scale());
  const Bf16Unit unit = bf16_unit_for(q, k, v, branch.key_bias != nullptr, scale);
  return unit == Bf16Unit::dot ? unit : Bf16Unit::none;
}

class BackwardBranch {
 public:
  BackwardBranch(const Branch& branch, const Inputs& in, const Upstream& upstream, Gradients& out,
                 std::vector<float>& key_bias)
      : branch_(branch),
        upstream_(upstream),
        heads_(in.heads()),
        scale_(static_cast<float>(in.softmax_scale())),
        bias_(branch.key_bias_in_log2()),
        unit_(backward_unit(branch, in)),
        q_(branch.operands(in).q, unit_ != Bf16Unit::none),
        k_(branch.operands(in).k, unit_ != Bf16Unit::none),
        v_(branch.operands(in).v, unit_ != Bf16Unit::none),
        dq_(*q_, (*q_).dim(), branch.prepared.q_from, out.q),
        dk_(*k_, padded_row((*k_).dim()), branch.prepared.k_from, out.k),
        dv_(*v_, padded_row((*v_).dim()), branch.prepared.v_from, out.v),
        key_bias_(key_bias),
        biases_((*k_).heads()) {}

  void run() {
    const std::vector<BackwardUnit> units = backward_units(branch_, heads_);
    const std::vector<BackwardStrand> strands =
        backward_strands(branch_, units, heads_, (*k_).heads(), (*k_).length());
    std::vector<InOrder> sums((*k_).heads());
    std::atomic<size_t> next = 0;
    RegionErrors errors;
#pragma omp parallel
    errors.catching([&] {
      const BackwardScratch scratch((*q_).dim(), (*v_).dim());
      for (size_t s = next++; s < strands.size() && !runs_cancelled; s = next++) {
        StrandGradients own = begin_strand(strands[s], units);
        for (size_t u = strands[s].begin; u < strands[s].end && !runs_cancelled; ++u)
          if (units[u].cost > 0) run_unit(units[u], scratch, own);
        sums[strands[s].kv_head].done(
            strands[s].place, std::move(own),
            [&](const StrandGradients& strand) { add(strand, strands[s].kv_head); });
      }
    });
    errors.rethrow();
    throw_if_cancelled();
    for (const auto& bias : biases_)
      for (size_t j = 0; j < bias.size(); ++j) key_bias_[j] += bias[j];
    for (OperandGradient* gradient : {&dq_, &dk_, &dv_}) gradient->finish();
  }

 private:
  int64_t kv_head(int64_t head) const { return head / (heads_ / (*k_).heads()); }

  StrandGradients begin_strand(const BackwardStrand& strand,
                               const std::vector<BackwardUnit>& units) const {
    StrandGradients own;
    own.bias.resize(key_bias_.size());
    if (strand.place == 0) return own;
    own.copied = true;
    own.k = CopiedGradient((*k_).length(), padded_row((*k_).dim()));
    own.v = CopiedGradient((*v_).length(), padded_row((*v_).dim()));
    const int32_t head = units[strand.begin].head;
    if (!branch_.repeats_queries || units[strand.begin - 1].head != head) return own;
    own.head = head;
    own.q = CopiedGradient((*q_).length(), (*q_).dim());
    return own;
  }

  void run_unit(const BackwardUnit& unit, const BackwardScratch& scratch, StrandGradients& own) {
    const HeadTable& table = branch_.table(unit.head, heads_);
    const int64_t kv = kv_head(unit.head);
    const BackwardTarget to{unit.head == own.head ? own.q.rows() : dq_.head(unit.head),
                            own.copied ? own.k.rows() : dk_.head(kv),
                            own.copied ? own.v.rows() : dv_.head(kv),
                            own.bias.empty() ? nullptr : own.bias.data()};
    backward_piece(
        {&*q_, &*k_, &*v_, unit.head, kv, heads_, scale_, &table, &table.segments[unit.segment],
         unit.query_begin, unit.query_end, upstream_.values, upstream_.delta.data(),
         upstream_.lse.data(), bias_.empty() ? nullptr : bias_.data(), unit_},
        scratch, to);
  }

  void add(const StrandGradients& strand, int32_t kv) {
    std::vector<float>& bias = biases_[kv];
    bias.resize(strand.bias.size());
    for (size_t j = 0; j < bias.size(); ++j) bias[j] += strand.bias[j];
    if (!strand.copied) return;
    strand.k.add_to(dk_.head(kv));
    strand.v.add_to(dv_.head(kv));
    if (strand.head >= 0) strand.q.add_to(dq_.head(strand.head));
  }

  const Branch& branch_;
  const Upstream& upstream_;
  int64_t heads_;
  float scale_;
  std::vector<float> bias_;  ///< in units of log2; empty = none
  Bf16Unit unit_;
  Operand q_, k_, v_;
  OperandGradient dq_, dk_, dv_;
  std::vector<float>& key_bias_;
  std::vector<std::vector<float>> biases_;  ///< of each key head
};

}  // namespace

void backward(const Plan& plan, const Inputs& in, const Output& kept, const Tensor& d_o,
              Gradients& out) {
  check_backward(plan, in, d_o);
  start_gradients(plan, in, out);
  for (size_t b = 0; b < plan.branches.size();) {
    const auto [first, last] = joined_with(plan, b);
    Upstream upstream = pass_weights(plan, first, in, kept, d_o, out.branches[first]);
    if (backward_unit(plan.branches[first], in) != Bf16Unit::none)
      round_upstream(plan, first, in, kept, upstream);
    for (; b < last; ++b)
      with_slope_passed(plan, b, in, kept, upstream, out, [&](const Upstream& own) {
        BackwardBranch(plan.branches[b], in, own, out, out.branches[b].key_bias).run();
      });
  }
  add_linear_gradients(plan, in, d_o, out);
}

}  // namespace vidattn::cpu
