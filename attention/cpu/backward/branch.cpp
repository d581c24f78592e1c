#include "attention/cpu/backward/branch.h"

#include <omp.h>

#include <memory>
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

/// What a thread adds to in place of gradients that the thread before it began.
struct PrivateGradients {
  int64_t head = -1, kv_head = -1;  ///< whose; -1 = none
  Tensor q, k, v;                   ///< [rows,1,width]
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
        key_bias_(key_bias) {}

  void run() {
    const int threads = omp_get_max_threads();
    const std::vector<BackwardUnit> units = backward_units(branch_, heads_, threads);
    const std::vector<size_t> begin = share_out(units, threads);
    std::vector<PrivateGradients> copies(threads);
    std::vector<std::vector<float>> biases(threads);
    RegionErrors errors;
#pragma omp parallel num_threads(threads)
    errors.catching([&] {
      const int t = omp_get_thread_num();
      if (begin[t] == begin[t + 1]) return;
      biases[t].resize(key_bias_.size());
      if (begin[t] > 0) copy_for(units[begin[t] - 1], units[begin[t]], copies[t]);
      const BackwardScratch scratch((*q_).dim(), (*v_).dim());
      for (size_t u = begin[t]; u < begin[t + 1] && !runs_cancelled; ++u)
        if (units[u].cost > 0) run_unit(units[u], scratch, copies[t], biases[t]);
    });
    errors.rethrow();
    throw_if_cancelled();
    for (const PrivateGradients& copy : copies) add_copy(copy);
    for (const auto& bias : biases)
      for (size_t j = 0; j < bias.size(); ++j) key_bias_[j] += bias[j];
    for (OperandGradient* gradient : {&dq_, &dk_, &dv_}) gradient->finish();
  }

 private:
  int64_t kv_head(int64_t head) const { return head / (heads_ / (*k_).heads()); }

  /// What the units from `unit` on share with those of the thread before, which end with `last`.
  void copy_for(const BackwardUnit& last, const BackwardUnit& unit, PrivateGradients& copy) const {
    if (kv_head(last.head) != kv_head(unit.head)) return;
    copy.kv_head = kv_head(unit.head);
    copy.k = Tensor((*k_).length(), 1, padded_row((*k_).dim()));
    copy.v = Tensor((*v_).length(), 1, padded_row((*v_).dim()));
    if (!branch_.repeats_queries || last.head != unit.head) return;
    copy.head = unit.head;
    copy.q = Tensor((*q_).length(), 1, (*q_).dim());
  }

  void run_unit(const BackwardUnit& unit, const BackwardScratch& scratch, PrivateGradients& copy,
                std::vector<float>& bias) {
    const HeadTable& table = branch_.table(unit.head, heads_);
    const int64_t kv = kv_head(unit.head);
    const auto rows = [](Tensor& tensor) { return GradientRows{tensor.row(0, 0), tensor.dim()}; };
    const BackwardTarget to{unit.head == copy.head ? rows(copy.q) : dq_.head(unit.head),
                            kv == copy.kv_head ? rows(copy.k) : dk_.head(kv),
                            kv == copy.kv_head ? rows(copy.v) : dv_.head(kv),
                            bias.empty() ? nullptr : bias.data()};
    backward_piece(
        {&*q_, &*k_, &*v_, unit.head, kv, heads_, scale_, &table, &table.segments[unit.segment],
         unit.query_begin, unit.query_end, upstream_.values, upstream_.delta.data(),
         upstream_.lse.data(), bias_.empty() ? nullptr : bias_.data(), unit_},
        scratch, to);
  }

  void add_copy(const PrivateGradients& copy) {
    if (copy.kv_head >= 0) {
      add_rows(copy.k, dk_.head(copy.kv_head));
      add_rows(copy.v, dv_.head(copy.kv_head));
    }
    if (copy.head >= 0) add_rows(copy.q, dq_.head(copy.head));
  }

  static void add_rows(const Tensor& from, const GradientRows& to) {
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < from.length(); ++i)
      for (int64_t c = 0; c < from.dim(); ++c) to.row(i)[c] += from.row(i, 0)[c];
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
