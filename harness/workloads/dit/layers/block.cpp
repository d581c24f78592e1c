#include "harness/workloads/dit/layers/block.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>

#include "harness/workloads/dit/captions.h"

namespace vidattn {
namespace {

std::shared_ptr<const Tensor> as_shared(Tensor tensor) {
  return std::make_shared<const Tensor>(std::move(tensor));
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
      video_(parameters, scene.conditions, scene.conditions.video, scene.config.channels) {
  if (scene.config.text == DitText::joint)
    words_.emplace(parameters.part("text."), scene.conditions, scene.conditions.word,
                   scene.config.channels);
}

Inputs DitBlock::attention_inputs(const DitStates& states) const {
  const auto tensor = [&] {
    return Tensor(scene_.grid.tokens(), scene_.config.heads, scene_.config.dim());
  };
  AttentionOperandTensors operands{tensor(), tensor(), tensor()};
  Matrix h = video_.modulated_states(states.video);
  video_.project(h, scene_.rope, 0, operands);
  if (words_)
    words_->project(words_->modulated_states(states.words), scene_.rope, h.rows, operands);
  Inputs in{.q = as_shared(std::move(operands.q)),
            .k = as_shared(std::move(operands.k)),
            .v = as_shared(std::move(operands.v))};
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

void DitBlock::finish(const Tensor& attended, DitStates& states) const {
  video_.add_attention(attended.data<float>(), states.video);
  if (!words_) add_captions(states.video);
  video_.add_feed_forward(states.video);
  if (!words_ || !words_->goes_on()) return;
  words_->add_attention(attended.row(states.video.rows, 0), states.words);
  words_->add_feed_forward(states.words);
}

void DitBlock::add_captions(Matrix& x) const {
  const LayerParameters cross = parameters_.part("cross.");
  const Matrix& words = scene_.conditions.words;
  Matrix q = normed_projection(cross, "q", weighted_norm(parameters_.part("cross_norm."), x));
  const Matrix k = normed_projection(cross, "k", words), v = cross.linear("v")(words);
  const int64_t channels = x.columns, dim = scene_.config.dim();
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < q.rows; ++i) {
    const int64_t first = scene_.conditions.video.shot[i] * kCaptionTokens;
    for (int64_t c = 0; c < channels; c += dim)
      attend_to_words(k.row(first) + c, v.row(first) + c, channels, dim, q.row(i) + c);
  }
  const Matrix out = cross.linear("o")(q);
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < x.rows; ++i)
    for (int64_t c = 0; c < channels; ++c) x.row(i)[c] += out.row(i)[c];
}

}  // namespace vidattn
