#include "harness/distributed/calls/ring_backward.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <utility>

#include "attention/backward/kept.h"
#include "attention/backward/recomputes.h"
#include "attention/backward/upstream.h"
#include "attention/error.h"
#include "attention/terms/joined.h"
#include "attention/terms/row_index.h"
#include "harness/distributed/calls/linear_call.h"
#include "harness/distributed/calls/travelling_keys.h"
#include "harness/distributed/parts/exchange.h"
#include "harness/distributed/parts/plan_parts.h"

namespace vidattn {
namespace {

void add_to(Tensor& sum, const Tensor& more) {
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < sum.size(); ++i) sum.data<float>()[i] += more.data<float>()[i];
}

/// What ranks have of the gradient of each other's rows is sent to the rows' owners, pair by pair:
/// in step s from rank r to rank r - s.
class ToOwner {
 public:
  /// `own`, of the rows of this rank, gets what comes.
  ToOwner(Communicator& ring, Tensor& own) : ring_(ring), own_(own) {}
  /// Begins to send `part` and to receive as many rows as this rank has.
  void send(int step, Tensor part) {
    finish();
    const int ranks = ring_.size();
    sent_ = std::move(part);
    received_ = Tensor(own_.length(), own_.heads(), own_.dim());
    exchange_ =
        ring_.start(sent_.data<char>(), sent_.bytes(), (ring_.rank() + ranks - step) % ranks,
                    received_.data<char>(), received_.bytes(), (ring_.rank() + step) % ranks);
  }
  /// The share of the exchange's time that was over already; 1 without one.
  double finish() {
    if (!exchange_) return 1;
    const double hidden = exchange_->finish();
    exchange_.reset();
    add_to(own_, received_);
    return hidden;
  }

 private:
  Communicator& ring_;
  Tensor& own_;
  Tensor sent_, received_;
  std::optional<Communicator::Exchange> exchange_;
};

/// Adds `part(rows)`, this rank's part of the gradient of each rank's rows, to their owner's `own`.
void add_parts(Communicator& ring, const std::vector<Share>& blocks,
               const std::function<Tensor(Share)>& part, Tensor& own) {
  ToOwner to(ring, own);
  const int ranks = ring.size();
  add_to(own, part(blocks[ring.rank()]));
  for (int step = 1; step < ranks; ++step)
    to.send(step, part(blocks[(ring.rank() + ranks - step) % ranks]));
  to.finish();
}

/// Gradients of the softmax's queries, which are rows of their own where an output map takes them
/// from elsewhere.
struct SoftmaxRows {
  Upstream upstream;
  Output kept;  ///< LSE and result by row
};

/// From tokens to the rows whose results they take.
SoftmaxRows rows_of_softmax(const Plan& plan, size_t first, const Inputs& own, const Output& kept,
                            const Tensor& d_o, BranchGradients& out) {
  const Branch& branch = plan.branches[first];
  const Tensor& softmax = kept_softmax(plan, own, kept, first);
  SoftmaxRows rows{pass_weights(plan, first, own, kept, d_o, out), {}};
  rows.kept.keep = true;
  rows.kept.lse.push_back(joined_lse(plan, kept, first));
  rows.kept.softmax.push_back(Tensor::view(softmax.data<float>(), softmax.length(), softmax.heads(),
                                           softmax.dim(), DType::f32));
  if (branch.output_map.empty()) return rows;
  const std::vector<float> of_tokens = std::move(rows.kept.lse[0]);
  Tensor results(rows.upstream.rows, own.heads(), own.value_dim());
  std::vector<float> lse(rows.upstream.rows * own.heads(), -INFINITY);
  for (int64_t i = 0; i < own.length(); ++i)
    for (int64_t h = 0; h < own.heads(); ++h) {
      const int64_t row = result_row(branch, branch.table_index(h, own.heads()), i);
      if (row < 0) continue;
      lse[row * own.heads() + h] = of_tokens[i * own.heads() + h];
      std::copy_n(softmax.row(i, h), softmax.dim(), results.row(row, h));
    }
  rows.kept.lse[0] = std::move(lse);
  rows.kept.softmax[0] = std::move(results);
  return rows;
}

/// One branch as a call of its own: its queries, and keys that come in blocks or are prepared.
class BranchPart {
 public:
  BranchPart(const Branch& branch, const Inputs& own, const SoftmaxRows& rows, Gradients& out)
      : branch_(branch), rows_(rows), in_(own), out_(out) {
    in_.scale = own.softmax_scale();
    in_.grid = {};
    if (branch.prepared.q) in_.q = branch.prepared.q;
    if (branch.prepared.q) q_ = Tensor(in_.length(), in_.heads(), in_.dim());
    if (!branch.prepared.k) return;
    in_.k = branch.prepared.k;
    in_.v = branch.prepared.v;
    k_ = Tensor(in_.keys(), in_.kv_heads(), in_.dim());
    v_ = Tensor(in_.keys(), in_.kv_heads(), in_.value_dim());
  }

  /// `part` is the branch's of keys_of(); adds to the gradients of a block of keys.
  void add(const Branch& part, const TravellingKeys& keys, const Device& device, Tensor& of_k,
           Tensor& of_v) {
    if (std::all_of(part.tables.begin(), part.tables.end(),
                    [](const HeadTable& t) { return t.ranges.empty(); }))
      return;
    Plan alone;
    alone.branches.push_back(part);
    alone.branches[0].prepared = {};
    alone.branches[0].output_map.clear();
    if (!branch_.prepared.k) {
      in_.k = keys.k;
      in_.v = keys.v;
    }
    Gradients found;
    device.backward(alone, in_, rows_.kept,
                    Tensor::view(rows_.upstream.values, rows_.upstream.rows, in_.heads(),
                                 in_.value_dim(), DType::f32),
                    found);
    add_to(branch_.prepared.q ? q_ : out_.q, found.q);
    add_to(branch_.prepared.k ? k_ : of_k, found.k);
    add_to(branch_.prepared.k ? v_ : of_v, found.v);
  }

  void add_queries(Share rows, Tensor& to) const {
    add_pooled(branch_.prepared.q_from, q_, rows, to);
  }
  void add_keys(Share rows, Tensor& to) const { add_pooled(branch_.prepared.k_from, k_, rows, to); }
  void add_values(Share rows, Tensor& to) const {
    add_pooled(branch_.prepared.v_from, v_, rows, to);
  }

 private:
  /// What prepared rows give to tokens [rows) of the call.
  static void add_pooled(const PoolingMaps& maps, const Tensor& pooled, Share rows, Tensor& to) {
    if (pooled.empty()) return;
#pragma omp parallel for schedule(static)
    for (int64_t h = 0; h < to.heads(); ++h) {
      const PoolingMap& map = (*maps)[h * std::ssize(*maps) / to.heads()];
      for (int64_t r = 0; r < map.rows(); ++r)
        for (int32_t i = map.start[r]; i < map.start[r + 1]; ++i) {
          const int64_t token = (*map.tokens)[i];
          if (token < rows.begin || token >= rows.end) continue;
          const float weight = map.weight_at(r, i);
          for (int64_t c = 0; c < to.dim(); ++c)
            to.row(token - rows.begin, h)[c] += weight * pooled.row(r, h)[c];
        }
    }
  }

  const Branch& branch_;
  const SoftmaxRows& rows_;
  Inputs in_;
  Gradients& out_;
  Tensor q_, k_, v_;  ///< of prepared operands
};

void add_linear(Communicator& ring, const Plan& plan, const Inputs& own, const RingBlocks& blocks,
                const Device& device, const Output& kept, const Tensor& d_o, Gradients& out) {
  const LinearCall terms(ring, plan, own);
  Gradients found;
  device.backward(terms.plan, terms.in, kept, d_o, found);
  add_to(out.q, found.q);
  out.linear = std::move(found.linear);
  const auto block_of = [](const Tensor& of) {
    return [&of](Share rows) { return of.tokens(rows.begin, rows.end).clone(); };
  };
  add_parts(ring, blocks.keys, block_of(found.k), out.k);
  add_parts(ring, blocks.keys, block_of(found.v), out.v);
}

/// What prepared operands give to tokens of all ranks.
void add_prepared(Communicator& ring, const Plan& plan, const std::vector<BranchPart>& parts,
                  const RingBlocks& blocks, Gradients& out) {
  const auto any = [&](auto operand) {
    return std::any_of(plan.branches.begin(), plan.branches.end(),
                       [&](const Branch& branch) { return branch.prepared.*operand != nullptr; });
  };
  const auto add = [&](const std::vector<Share>& of, auto pooled, Tensor& own) {
    add_parts(
        ring, of,
        [&](Share rows) {
          Tensor sum(rows.size(), own.heads(), own.dim());
          for (const BranchPart& part : parts) (part.*pooled)(rows, sum);
          return sum;
        },
        own);
  };
  if (any(&Operands::q)) add(blocks.queries, &BranchPart::add_queries, out.q);
  if (!any(&Operands::k)) return;
  add(blocks.keys, &BranchPart::add_keys, out.k);
  add(blocks.keys, &BranchPart::add_values, out.v);
}

}  // namespace

void check_ring_backward(const Plan& plan, const Device& device) {
  if (dynamic_cast<const RecomputesSoftmax*>(&device) != nullptr)
    throw InputError("device " + device.name() +
                     " has a backward pass of whole calls alone, and keys travel round a ring in "
                     "blocks; --distributed ulysses takes it");
  for (const Branch& branch : plan.branches)
    if (branch.value_slope)
      throw InputError("the backward pass of a ring takes no slope of values (branch " +
                       branch.name + "), which looks at all keys; --distributed ulysses does");
}

RingTimes ring_backward(Communicator& ring, const Plan& plan, const Inputs& own,
                        const RingBlocks& blocks, const Device& device, const Output& kept,
                        const Tensor& d_o, Gradients& out) {
  const int ranks = ring.size();
  RingTimes times;
  auto time = Clock::now();
  start_gradients(plan, own, out);
  std::vector<SoftmaxRows> rows;
  rows.reserve(plan.branches.size());
  std::vector<BranchPart> parts;
  for (size_t b = 0; b < plan.branches.size(); ++b) {
    if (!plan.branches[b].joined)
      rows.push_back(rows_of_softmax(plan, b, own, kept, d_o, out.branches[b]));
    parts.emplace_back(plan.branches[b], own, rows.back(), out);
  }
  times.attention += lap(time);
  ToOwner of_keys(ring, out.k), of_values(ring, out.v);
  TravellingKeys now{own.k, own.v};
  for (int step = 0; step < ranks; ++step) {
    const Share block = blocks.keys[(ring.rank() + ranks - step) % ranks];
    std::optional<NextKeys> next;
    if (step + 1 < ranks)
      next.emplace(ring, now, blocks.keys[(ring.rank() + 2 * ranks - step - 1) % ranks].size());
    time = Clock::now();
    const Plan part = keys_of(plan, block, blocks.keys.back().end, step == 0);
    times.parts += lap(time);
    Tensor k(block.size(), own.kv_heads(), own.dim());
    Tensor v(block.size(), own.kv_heads(), own.value_dim());
    for (size_t b = 0; b < parts.size(); ++b)
      parts[b].add(part.branches[b], now, device, step == 0 ? out.k : k, step == 0 ? out.v : v);
    times.attention += lap(time);
    if (next) now = next->take(times.hidden);
    times.hidden = std::min({times.hidden, of_keys.finish(), of_values.finish()});
    if (step == 0) continue;
    of_keys.send(step, std::move(k));
    of_values.send(step, std::move(v));
  }
  of_keys.finish();  // after the last block there is no work beside it
  of_values.finish();
  add_prepared(ring, plan, parts, blocks, out);
  if (!plan.linear.empty()) add_linear(ring, plan, own, blocks, device, kept, d_o, out);
  return times;
}

}  // namespace vidattn
