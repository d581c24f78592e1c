#include "harness/distributed/calls/ring.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "attention/backward/kept.h"
#include "attention/error.h"
#include "attention/terms/joined.h"
#include "harness/distributed/calls/linear_call.h"
#include "harness/distributed/calls/travelling_keys.h"
#include "harness/distributed/parts/exchange.h"
#include "harness/distributed/parts/plan_parts.h"

namespace vidattn {
namespace {

constexpr float kNoKeys = -std::numeric_limits<float>::infinity();

/// Softmax results over some of the keys, to which those over others are added.
class Merged {
 public:
  Merged(int64_t tokens, int64_t heads, int64_t dim)
      : softmax_(tokens, heads, dim), lse_(tokens * heads, kNoKeys) {}

  /// o [tokens,H,DV] float32 with the LSE [tokens,H] over further keys.
  void add(const Tensor& o, const std::vector<float>& lse) {
    const int64_t dim = o.dim(), rows = std::ssize(lse_);
    float* to = softmax_.data<float>();
    const float* from = o.data<float>();
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < rows; ++i) {
      if (std::isinf(lse[i])) continue;
      const float all = add_lse(lse_[i], lse[i]);
      const float keep = std::exp(lse_[i] - all), weight = std::exp(lse[i] - all);
      for (int64_t c = 0; c < dim; ++c)
        to[i * dim + c] = keep * to[i * dim + c] + weight * from[i * dim + c];
      lse_[i] = all;
    }
  }
  Tensor& softmax() { return softmax_; }

 private:
  Tensor softmax_;
  std::vector<float> lse_;
};

/// A plan's branches one by one, over the keys that have come so far.
class RingSum {
 public:
  RingSum(const Plan& plan, const Inputs& own, const Device& device, Output& out)
      : plan_(plan), own_(own), device_(device), out_(out) {
    shape_output(plan, own, out);
    for (auto& lse : out.lse) std::fill(lse.begin(), lse.end(), kNoKeys);
    for (size_t b = 0; b < plan.branches.size(); ++b)
      if (!plan.branches[b].joined) sums_.emplace_back(own.length(), own.heads(), own.value_dim());
  }

  /// `part` is keys_of() the plan for these keys.
  void add(const Plan& part, const Inputs& in) {
    size_t sum = 0;
    for (size_t b = 0; b < part.branches.size(); ++b) {
      if (b > 0 && !plan_.branches[b].joined) ++sum;
      const auto& tables = part.branches[b].tables;
      if (std::all_of(tables.begin(), tables.end(), [](const auto& t) { return t.ranges.empty(); }))
        continue;
      Plan alone;
      alone.branches.push_back(part.branches[b]);
      Output out;
      out.keep = in.q->dtype() != DType::f32;
      device_.run(alone, in, out);
      const bool kept = !out.softmax.empty() && !out.softmax[0].empty();
      if (!kept && out.o.dtype() != DType::f32) out.o = out.o.to(DType::f32);
      sums_[sum].add(kept ? out.softmax[0] : out.o, out.lse[0]);
      for (size_t i = 0; i < out.lse[0].size(); ++i)
        out_.lse[b][i] = add_lse(out_.lse[b][i], out.lse[0][i]);
    }
  }

  /// Weighs and adds up what was merged; `linear` is what the plan's linear terms give, or null.
  void finish(const Tensor* linear) {
    const int64_t dim = own_.value_dim();
    std::vector<float> row(dim), more(dim);
    for (int64_t i = 0; i < own_.length(); ++i)
      for (int64_t h = 0; h < own_.heads(); ++h) {
        std::fill(row.begin(), row.end(), 0.0F);
        if (plan_.constant) plan_.constant->read_row(i, h, row.data());
        if (linear != nullptr) {
          linear->read_row(i, h, more.data());
          for (int64_t c = 0; c < dim; ++c) row[c] += more[c];
        }
        out_.o.write_row(i, h, row.data());
      }
    if (out_.keep) out_.softmax.resize(plan_.branches.size());
    size_t sum = 0;
    for (size_t b = 0; b < plan_.branches.size(); ++b) {
      if (plan_.branches[b].joined) continue;
      Tensor& softmax = sums_[sum++].softmax();
      add_weighted(plan_.branches[b], own_, softmax, out_.o);
      if (out_.keep) out_.softmax[b] = std::move(softmax);
    }
  }

 private:
  const Plan& plan_;
  const Inputs& own_;
  const Device& device_;
  Output& out_;
  std::vector<Merged> sums_;  ///< one for each softmax
};

/// The linear terms over all keys.
Tensor linear_terms(Communicator& ring, const Plan& plan, const Inputs& own, const Device& device) {
  const LinearCall terms(ring, plan, own);
  Output out;
  device.run(terms.plan, terms.in, out);
  return std::move(out.o);
}

}  // namespace

void check_ring(const Plan& plan, const Inputs& own) {
  if (own.low_bits)
    throw InputError("a ring takes no " + to_string(*own.low_bits) +
                     ": its rounding looks at all keys of a call, and they travel in blocks; "
                     "--distributed ulysses does");
  for (const Branch& branch : plan.branches)
    if (!branch.prepared.k != !branch.prepared.v)
      throw InputError("branch " + branch.name +
                       " prepares keys without values or values without keys, which cannot travel "
                       "round a ring; --distributed ulysses takes it");
}

RingTimes ring_attend(Communicator& ring, const Plan& plan, const Inputs& own,
                      const std::vector<Share>& blocks, const Device& device, Output& out) {
  const int ranks = ring.size();
  RingTimes times;
  RingSum sum(plan, own, device, out);
  Inputs in = own;
  TravellingKeys now{own.k, own.v};
  for (int step = 0; step < ranks; ++step) {
    const Share block = blocks[(ring.rank() + ranks - step) % ranks];
    std::optional<NextKeys> next;
    if (step + 1 < ranks)
      next.emplace(ring, now, blocks[(ring.rank() + 2 * ranks - step - 1) % ranks].size());
    auto time = Clock::now();
    const Plan part = keys_of(plan, block, blocks.back().end, step == 0);
    times.parts += lap(time);
    in.k = now.k;
    in.v = now.v;
    sum.add(part, in);
    times.attention += lap(time);
    if (next) now = next->take(times.hidden);
  }
  std::optional<Tensor> linear;
  if (!plan.linear.empty()) linear = linear_terms(ring, plan, own, device);
  const auto merging = Clock::now();
  sum.finish(linear ? &*linear : nullptr);
  times.attention += seconds_since(merging);
  return times;
}

}  // namespace vidattn
