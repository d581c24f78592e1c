#include "attention/device.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numbers>
#include <optional>
#include <utility>
#include <vector>

#include "attention/backward/kept.h"
#include "attention/cancel.h"
#include "attention/cpu/backward/branch.h"
#include "attention/cpu/kernel.h"
#include "attention/cpu/output.h"
#include "attention/cpu/schedule.h"
#include "attention/cpu/scores.h"
#include "attention/lowbit/operands.h"
#include "attention/terms/joined.h"
#include "attention/terms/linear.h"

namespace vidattn::cpu {
namespace {

/// Everything one thread needs beside the tensors.
struct ThreadMemory {
  Scratch scratch;
  RowStates states;
  std::vector<int32_t> rows, positions, state_rows;

  ThreadMemory(int64_t dim, int64_t value_dim, bool converted, int64_t state_count)
      : scratch(dim, value_dim, converted), values_(state_count * (value_dim + 2)) {
    states = {values_.data(), values_.data() + state_count, values_.data() + 2 * state_count};
    for (auto* list : {&rows, &positions, &state_rows}) list->reserve(kMaxQueries);
  }

 private:
  std::vector<float> values_;
};

/// What multiplies a branch's operands.
struct Units {
  Bf16Unit bf16 = Bf16Unit::none;
  Int8Unit int8 = Int8Unit::none;
};

/// Of packed codes: where the values are no whole tiles, the dot product of every such CPU.
Units units_of_codes(int64_t value_dim) {
  const bool whole = value_dim % 16 == 0;
  if (whole && cpu_int8_unit() == Int8Unit::matrix) return {Bf16Unit::none, Int8Unit::matrix};
  const bool dot = whole && cpu_bf16_unit() == Bf16Unit::dot;
  return {dot ? Bf16Unit::dot : Bf16Unit::none, Int8Unit::dot};
}

class BranchRun {
 public:
  /// `joined`: see BranchOutput. `low` are its operands in low bits, empty where there are none.
  BranchRun(const Branch& branch, const Inputs& in, LowBitBranch low, Tensor& o,
            std::vector<float>& lse, std::vector<float>* joined, bool scores_only = false)
      : scores_only_(scores_only),
        branch_(branch),
        heads_(in.heads()),
        low_(std::move(low)),
        q_(low_.q_codes ? low_.q_codes->packed
           : low_.q     ? *low_.q
                        : branch.operands(in).q),
        k_(low_.k_codes ? low_.k_codes->packed
           : low_.k     ? *low_.k
                        : branch.operands(in).k),
        v_(low_.v ? *low_.v : branch.operands(in).v),
        scale_(static_cast<float>(in.softmax_scale() * std::numbers::log2e)),
        bias_(branch.key_bias_in_log2()),
        units_(low_.q_codes ? units_of_codes(v_.dim())
                            : Units{bf16_unit_for(q_, k_, v_, !bias_.empty(), scale_)}),
        output_(branch, in, q_.length(), o, lse, joined, low_.lse_offset) {
    if (branch.repeats_queries)
      for (const HeadTable& table : branch.tables) orders_.emplace_back(table);
  }

  void run() {
    const int threads = omp_get_max_threads();
    const auto items = make_schedule(branch_, heads_, q_.length(), orders_, threads);
    const bool converted = k_.dtype() != DType::f32 || v_.dtype() != DType::f32;  // codes, too
    const int64_t states =
        branch_.repeats_queries ? std::min(kMaxStripe, q_.length()) : kMaxQueries;
    std::vector<ThreadMemory> memory;
    for (int t = 0; t < threads; ++t) memory.emplace_back(q_.dim(), v_.dim(), converted, states);
    std::atomic<size_t> next = 0;
#pragma omp parallel num_threads(threads)
    for (size_t i = next++; i < items.size() && !runs_cancelled; i = next++)
      run_item(items[i], memory[omp_get_thread_num()]);
    throw_if_cancelled();
  }

 private:
  void run_item(const WorkItem& item, ThreadMemory& memory) const {
    if (branch_.repeats_queries) return run_stripe(item, memory);
    const HeadTable& table = branch_.table(item.head, heads_);
    for (int32_t s = item.segment_begin; s < item.segment_end; ++s) {
      const Segment& segment = table.segments[s];
      const bool whole = item.segment_end - item.segment_begin > 1;
      const int32_t end = whole ? segment.query_end : item.query_end;
      for (int32_t p = whole ? segment.query_begin : item.query_begin; p < end;) {
        const int32_t next = piece_end(p, end, kMaxQueries);
        run_queries(item.head, table, segment, p, next, memory);
        p = next;
      }
    }
  }

  void run_queries(int64_t head, const HeadTable& table, const Segment& segment, int32_t begin,
                   int32_t end, ThreadMemory& memory) const {
    for (int32_t p = begin; p < end; ++p) add_query(table, p, p - begin, memory);
    flush(head, table, segment, memory, true);
    for (int32_t p = begin; p < end; ++p)
      output_.write(head, table.query_row(p), memory.states, p - begin);
  }

  void run_stripe(const WorkItem& item, ThreadMemory& memory) const {
    const HeadTable& table = branch_.table(item.head, heads_);
    const RowOrder& order = orders_[branch_.table_index(item.head, heads_)];
    memory.states.clear(0, item.query_end - item.query_begin, v_.dim());
    for (int32_t s = item.segment_begin; s < item.segment_end; ++s) {
      order.each(s, item.query_begin, item.query_end, [&](int32_t p) {
        add_query(table, p, table.query_row(p) - item.query_begin, memory);
        if (memory.rows.size() == kMaxQueries) flush(item.head, table, table.segments[s], memory);
      });
      flush(item.head, table, table.segments[s], memory);
    }
    for (int32_t row = item.query_begin; row < item.query_end; ++row)
      output_.write(item.head, row, memory.states, row - item.query_begin);
  }

  static void add_query(const HeadTable& table, int32_t position, int64_t state,
                        ThreadMemory& memory) {
    memory.rows.push_back(static_cast<int32_t>(table.query_row(position)));
    memory.positions.push_back(position);
    memory.state_rows.push_back(static_cast<int32_t>(state));
  }

  /// Attends with the collected queries.
  void flush(int64_t head, const HeadTable& table, const Segment& segment, ThreadMemory& memory,
             bool fresh = false) const {
    if (!memory.rows.empty())
      attend({&q_, &k_, &v_, head, head / (heads_ / k_.heads()), scale_, &table, &segment,
              static_cast<int64_t>(memory.rows.size()), memory.rows.data(), memory.positions.data(),
              memory.state_rows.data(), bias_.empty() ? nullptr : bias_.data(), units_.bf16, fresh,
              units_.int8, low_.q_codes.get(), low_.k_codes.get(), scores_only_},
             memory.scratch, memory.states);
    for (auto* list : {&memory.rows, &memory.positions, &memory.state_rows}) list->clear();
  }

  bool scores_only_;
  const Branch& branch_;
  int64_t heads_;
  LowBitBranch low_;
  const Tensor &q_, &k_, &v_;
  float scale_;
  std::vector<float> bias_;  ///< of Piece; empty = none
  Units units_;
  std::vector<RowOrder> orders_;
  BranchOutput output_;
};

/// A branch's operands in low bits as this device wants them; empty without.
LowBitBranch low_bits_of(const Branch& branch, std::optional<LowBitOperands>& low) {
  return low ? low->of(branch) : LowBitBranch{};
}

std::optional<LowBitOperands> low_bit_operands(const Inputs& in) {
  std::optional<LowBitOperands> low;
  if (in.low_bits) low.emplace(in, in.low_bits == DType::int8 && cpu_int8_unit() != Int8Unit::none);
  return low;
}

class CpuDevice : public Device {
 public:
  std::string name() const override { return "cpu"; }
  std::string title() const override {
    return "fused streaming attention with SIMD and threads, scores never leave the cache";
  }
  std::string low_bit_unit(DType type) const override {
    const Int8Unit unit = type == DType::int8 ? cpu_int8_unit() : Int8Unit::none;
    return unit == Int8Unit::none ? kEmulated : to_string(unit);
  }
  void run(const Plan& plan, const Inputs& in, Output& out) const override {
    start_output(plan, in, out);
    const bool apart = out.keep && !is_softmax_alone(plan, in);
    if (apart) out.softmax.resize(plan.branches.size());
    std::vector<float> joined;
    std::optional<LowBitOperands> low = low_bit_operands(in);
    for (size_t b = 0; b < plan.branches.size(); ++b) {
      const Branch& branch = plan.branches[b];
      if (branch.joined && b == 1) joined = out.lse[0];
      const auto [first, last] = joined_with(plan, b);
      if (!apart) {
        BranchRun(branch, in, low_bits_of(branch, low), out.o, out.lse[b],
                  branch.joined ? &joined : nullptr)
            .run();
        continue;
      }
      Tensor& softmax = out.softmax[first];
      if (b == first) softmax = Tensor(in.length(), in.heads(), in.value_dim());
      BranchRun(without_weights(branch), in, low_bits_of(branch, low), softmax, out.lse[b],
                branch.joined ? &joined : nullptr)
          .run();
      if (b + 1 < last) continue;
      add_slopes_to_softmax(plan, {first, last}, in, out, softmax);
      add_weighted(plan.branches[first], in, softmax, out.o);
    }
    add_linear_terms(plan, in, out);
  }
  bool has_backward() const override { return true; }
  void backward(const Plan& plan, const Inputs& in, const Output& kept, const Tensor& d_o,
                Gradients& out) const override {
    cpu::backward(plan, in, kept, d_o, out);
  }
};

const RegisterDevice<CpuDevice> registered;

}  // namespace

ScoreRun::ScoreRun(const Plan& plan, const Inputs& in) {
  start_output(plan, in, out_);
  std::optional<LowBitOperands> low = low_bit_operands(in);
  const Branch& branch = plan.branches.at(0);
  const auto run = std::make_shared<BranchRun>(branch, in, low_bits_of(branch, low), out_.o,
                                               out_.lse[0], nullptr, true);
  run_ = [run] { run->run(); };
}

}  // namespace vidattn::cpu
