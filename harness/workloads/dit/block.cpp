#include "harness/workloads/dit/block.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>

#include "harness/workloads/dit/captions.h"

namespace vidattn {
namespace {

// The six vectors of a block's modulation, as Wan orders them.
enum Modulation : int64_t { kShift, kScale, kGate, kInnerShift, kInnerScale, kInnerGate };

/// A projection of hidden states to heads, [L,H,D].
std::shared_ptr<Tensor> to_heads(const LinearLayer& layer, const Matrix& h, int64_t heads) {
  auto out = std::make_shared<Tensor>(h.rows, heads, layer.outputs / heads);
  layer.apply(h.values.data(), h.rows, out->data<float>());
  return out;
}

/// Norm of all heads' channels together, then the rotary embedding.
void norm_and_turn(const float* weight, const Rope& rope, Tensor& x) {
  rms_norm(weight, x.length(), x.heads() * x.dim(), x.data<float>());
#pragma omp parallel for schedule(static)
  for (int64_t token = 0; token < x.length(); ++token)
    for (int64_t head = 0; head < x.heads(); ++head) rope.apply(token, x.row(token, head));
}

std::shared_ptr<const Array> as_array(Matrix m) {
  return std::make_shared<const Array>(Array{{m.rows, m.columns}, std::move(m.values)});
}

/// LN(x) w + b.
Matrix weighted_norm(const LayerParameters& norm, const Matrix& x) {
  const float *weight = norm.vector("weight"), *bias = norm.vector("bias");
  Matrix y = layer_norm(x);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < y.rows; ++i)
    for (int64_t c = 0; c < y.columns; ++c) y.row(i)[c] = y.row(i)[c] * weight[c] + bias[c];
  return y;
}

Matrix normed_projection(const LayerParameters& attention, const std::string& name,
                         const Matrix& x) {
  Matrix y = attention.linear(name)(x);
  rms_norm(attention.vector(name + "_norm"), y.rows, y.columns, y.values.data());
  return y;
}

/// One head's attention to the words of a caption, whose rows are `stride` apart; q becomes it.
void attend_to_words(const float* k, const float* v, int64_t stride, int64_t dim, float* q) {
  std::array<double, kCaptionTokens> scores;
  const double scale = 1 / std::sqrt(static_cast<double>(dim));
  for (int64_t word = 0; word < kCaptionTokens; ++word) {
    double score = 0;
    for (int64_t c = 0; c < dim; ++c) score += double{q[c]} * k[word * stride + c];
    scores[word] = score * scale;
  }
  const double most = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double& score : scores) sum += score = std::exp(score - most);
  for (int64_t c = 0; c < dim; ++c) {
    double value = 0;
    for (int64_t word = 0; word < kCaptionTokens; ++word)
      value += scores[word] * v[word * stride + c];
    q[c] = static_cast<float>(value / sum);
  }
}

}  // namespace

DitBlock::DitBlock(const LayerParameters& parameters, const DitScene& scene)
    : parameters_(parameters),
      scene_(scene),
      vectors_(parameters.vector("modulation"), 6, scene.config.channels,
               scene.conditions.modulation) {}

Inputs DitBlock::attention_inputs(const Matrix& x) const {
  Matrix h = modulated(x, scene_.conditions, vectors_, kShift, kScale);
  const int64_t heads = scene_.config.heads;
  const auto q = to_heads(parameters_.linear("q"), h, heads);
  const auto k = to_heads(parameters_.linear("k"), h, heads);
  norm_and_turn(parameters_.vector("q_norm"), scene_.rope, *q);
  norm_and_turn(parameters_.vector("k_norm"), scene_.rope, *k);
  Inputs in{.q = q, .k = k, .v = to_heads(parameters_.linear("v"), h, heads)};
  in.grid = scene_.grid;
  if (parameters_.has("router.weight")) {
    const LinearLayer router = parameters_.linear("router");
    in.extra["router_logits"] = as_array(router(h));
    in.extra["router_weight"] = std::make_shared<const Array>(
        Array{{router.outputs, router.inputs},
              std::vector<float>(router.weight, router.weight + router.outputs * router.inputs)});
  }
  in.extra["hidden"] = as_array(std::move(h));
  return in;
}

void DitBlock::finish(const Tensor& attended, Matrix& x) const {
  add_attention(attended, x);
  add_captions(x);
  add_feed_forward(x);
}

void DitBlock::add_attention(const Tensor& attended, Matrix& x) const {
  Matrix out(x.rows, x.columns);
  parameters_.linear("o").apply(attended.data<float>(), x.rows, out.values.data());
  add_gated(out, scene_.conditions, vectors_, kGate, x);
}

void DitBlock::add_captions(Matrix& x) const {
  const LayerParameters cross = parameters_.part("cross.");
  const Matrix& words = scene_.conditions.words;
  Matrix q = normed_projection(cross, "q", weighted_norm(parameters_.part("cross_norm."), x));
  const Matrix k = normed_projection(cross, "k", words), v = cross.linear("v")(words);
  const int64_t channels = x.columns, dim = scene_.config.dim();
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < q.rows; ++i) {
    const int64_t first = scene_.conditions.shot_of[i] * kCaptionTokens;
    for (int64_t c = 0; c < channels; c += dim)
      attend_to_words(k.row(first) + c, v.row(first) + c, channels, dim, q.row(i) + c);
  }
  const Matrix out = cross.linear("o")(q);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < x.rows; ++i)
    for (int64_t c = 0; c < channels; ++c) x.row(i)[c] += out.row(i)[c];
}

void DitBlock::add_feed_forward(Matrix& x) const {
  Matrix inner = parameters_.linear("ffn.0")(
      modulated(x, scene_.conditions, vectors_, kInnerShift, kInnerScale));
  gelu(inner);
  add_gated(parameters_.linear("ffn.1")(inner), scene_.conditions, vectors_, kInnerGate, x);
}

}  // namespace vidattn
