#include "metrics/model/cost_model.h"

namespace vidattn {
namespace {

/// Collects the work of `count` equal blocks.
class Blocks {
 public:
  Blocks(PassCost& cost, int64_t count, double value_bytes)
      : cost_(cost), count_(static_cast<double>(count)), value_bytes_(value_bytes) {}

  /// rows x in times in x out.
  void linear(const std::string& name, double rows, double in, double out) {
    add({name, WorkKind::linear, 2 * rows * in * out,
         value_bytes_ * (rows * in + in * out + rows * out)});
  }
  /// Both products over `pairs` (query, key) pairs; q and o have `queries` rows, k and v `keys`.
  void attention(const std::string& name, double pairs, double queries, double keys, double width,
                 bool video_pairs) {
    add({name, WorkKind::attention, 4 * pairs * width, value_bytes_ * 2 * (queries + keys) * width,
         video_pairs});
  }
  /// Reads and writes of `values` each: no products.
  void elementwise(double values) {
    add({"norms, modulation, residuals", WorkKind::elementwise, 0, value_bytes_ * values});
  }

 private:
  void add(CostItem item) {
    item.flops *= count_;
    item.bytes *= count_;
    for (CostItem& known : cost_.items)
      if (known.name == item.name) {
        known.flops += item.flops;
        known.bytes += item.bytes;
        return;
      }
    cost_.items.push_back(std::move(item));
  }

  PassCost& cost_;
  double count_, value_bytes_;
};

// Traffic of element-wise steps in units of a token's width, when each is one fused step: norm with
// modulation 2 (read, write), gated residual 3 (two reads, one write), norm of q and k with the
// rotary embedding 4, activation 2 per FFN channel.
constexpr double kNorm = 2, kResidual = 3, kNormQK = 4, kActivation = 2;

void cross_attention_block(Blocks& add, double n, double t, double d, double f, double density) {
  add.linear("self-attention projections", n, d, 4 * d);
  add.attention("self-attention", density * n * n, n, n, d, true);
  add.linear("cross-attention projections", n, d, 2 * d);
  add.linear("cross-attention projections", t, d, 2 * d);
  add.attention("cross-attention", n * t, n, t, d, false);
  add.linear("FFN", n, d, f);
  add.linear("FFN", n, f, d);
  add.elementwise(n * (d * (3 * kNorm + 3 * kResidual + kNormQK + kNorm) + f * kActivation));
}

/// Video and text tokens together; the text sees everything and everything sees the text.
double joint_pairs(double n, double t, double density) {
  return density * n * n + 2 * n * t + t * t;
}

void double_stream_block(Blocks& add, double n, double t, double d, double f, double density) {
  add.attention("joint attention", joint_pairs(n, t, density), n + t, n + t, d, true);
  for (const double rows : {n, t}) {
    add.linear("attention projections", rows, d, 4 * d);
    add.linear("FFN", rows, d, f);
    add.linear("FFN", rows, f, d);
    add.elementwise(rows * (d * (2 * kNorm + 2 * kResidual + kNormQK) + f * kActivation));
  }
}

void single_stream_block(Blocks& add, double n, double t, double d, double f, double density) {
  const double rows = n + t;
  add.attention("joint attention", joint_pairs(n, t, density), rows, rows, d, true);
  add.linear("attention projections", rows, d, 4 * d);
  add.linear("FFN", rows, d, f);
  add.linear("FFN", rows, f, d);
  add.elementwise(rows * (d * (kNorm + kResidual + kNormQK) + f * kActivation));
}

double text_of(const DitModel& model, const Sequence& s) {
  return static_cast<double>(s.text_tokens > 0 ? s.text_tokens : model.text_tokens);
}

}  // namespace

double PassCost::flops() const {
  double sum = 0;
  for (const CostItem& item : items) sum += item.flops;
  return sum;
}

double PassCost::bytes() const {
  double sum = 0;
  for (const CostItem& item : items) sum += item.bytes;
  return sum;
}

double PassCost::attention_flops() const {
  double sum = 0;
  for (const CostItem& item : items) sum += item.video_pairs ? item.flops : 0;
  return sum;
}

PassCost forward_cost(const DitModel& model, const Sequence& s) {
  const auto n = static_cast<double>(s.tokens), d = static_cast<double>(model.dim),
             f = static_cast<double>(model.ffn_dim), t = text_of(model, s);
  PassCost cost;
  for (const DitBlocks& b : model.blocks) {
    Blocks add(cost, b.count, s.value_bytes);
    switch (b.kind) {
      case BlockKind::cross_attention:
        cross_attention_block(add, n, t, d, f, s.density);
        break;
      case BlockKind::double_stream:
        double_stream_block(add, n, t, d, f, s.density);
        break;
      case BlockKind::single_stream:
        single_stream_block(add, n, t, d, f, s.density);
        break;
    }
  }
  return cost;
}

PassCost backward_cost(const PassCost& forward) {
  PassCost backward = forward;
  for (CostItem& item : backward.items) {
    item.flops *= item.kind == WorkKind::attention ? 2.5 : 2;
    item.bytes *= 2;
  }
  return backward;
}

double outside_flops(const DitModel& model, const Sequence& s) {
  const auto n = static_cast<double>(s.tokens), d = static_cast<double>(model.dim);
  const double values = static_cast<double>(model.latent_channels * model.patch);
  const double text = text_of(model, s) * (static_cast<double>(model.text_dim) + d) * d;
  return 2 * (2 * n * values * d + text);
}

double router_flops(const DitModel& model, int64_t tokens, int64_t groups) {
  return 2.0 * static_cast<double>(tokens * model.dim) *
         static_cast<double>(groups * model.layers());
}

double permute_bytes(const DitModel& model, const Sequence& s) {
  constexpr double kTensors = 4, kReadAndWrite = 2;
  return kTensors * kReadAndWrite * s.value_bytes *
         static_cast<double>(s.tokens * model.dim * model.layers());
}

}  // namespace vidattn
