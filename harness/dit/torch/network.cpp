#include "harness/dit/torch/network.h"

#include <torch/torch.h>

#include <limits>

namespace vidattn::dit_torch {
namespace {

constexpr double kEpsilon = 1e-6;

/// A network's parameters under a prefix.
class Layer {
 public:
  Layer(const Parameters& all, std::string prefix) : all_(all), prefix_(std::move(prefix)) {}

  const at::Tensor& operator[](const std::string& name) const { return all_.at(prefix_ + name); }
  at::Tensor linear(const std::string& name, const at::Tensor& x) const {
    return at::linear(x, (*this)[name + ".weight"], (*this)[name + ".bias"]);
  }

 private:
  const Parameters& all_;
  std::string prefix_;
};

at::Tensor plain_norm(const at::Tensor& x) {
  return at::layer_norm(x, {x.size(-1)}, {}, {}, kEpsilon);
}

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight) {
  return x * at::rsqrt(x.square().mean(-1, true) + kEpsilon) * weight;
}

at::Tensor in_heads(const at::Tensor& x, int64_t heads) {
  return x.view({x.size(0), x.size(1), heads, x.size(2) / heads});
}

/// Turns the channel pairs (2i, 2i+1) of x [B,L,H,D] by the angles [L,1,D/2].
at::Tensor rotate(const at::Tensor& x, const at::Tensor& turns) {
  return at::view_as_real(at::view_as_complex(x.unflatten(-1, {-1, 2})) * turns).flatten(-2);
}

at::Tensor wave_features(const at::Tensor& sigma, int64_t channels) {
  const int64_t half = channels / 2;
  const at::Tensor rates = at::pow(10000.0, at::arange(half, at::kFloat) * (-2.0 / channels));
  const at::Tensor angles = (sigma * 1000).unsqueeze(-1) * rates;
  return at::cat({at::cos(angles), at::sin(angles)}, -1);
}

/// Rows [B,S,…] of the shots for each token: [B,L,…]. A product, because the gradient of a gather
/// adds row after row.
at::Tensor of_tokens(const at::Tensor& of_shots, const at::Tensor& in_shot) {
  std::vector<int64_t> shape = of_shots.sizes().vec();
  shape[1] = in_shot.size(1);
  return at::matmul(in_shot, of_shots.flatten(2)).view(shape);
}

at::Tensor cross_attention(const Layer& block, const at::Tensor& x, const at::Tensor& words,
                           const Clips& clips, int64_t heads) {
  const at::Tensor h = at::layer_norm(x, {x.size(-1)}, block["cross_norm.weight"],
                                      block["cross_norm.bias"], kEpsilon);
  const auto head_first = [&](const at::Tensor& rows) {
    return in_heads(rows, heads).transpose(1, 2);
  };
  const at::Tensor q = head_first(rms_norm(block.linear("cross.q", h), block["cross.q_norm"]));
  const at::Tensor k = head_first(rms_norm(block.linear("cross.k", words), block["cross.k_norm"]));
  const at::Tensor v = head_first(block.linear("cross.v", words));
  const double scale = 1 / std::sqrt(static_cast<double>(q.size(-1)));
  const at::Tensor scores = at::matmul(q, k.transpose(-1, -2)) * scale + clips.elsewhere;
  const at::Tensor o = at::matmul(at::softmax(scores, -1), v).transpose(1, 2).flatten(2);
  return block.linear("cross.o", o);
}

at::Tensor self_attention(const Layer& block, int64_t index, const at::Tensor& h,
                          const Clips& clips, const DitConfig& config,
                          const VisualAttention& attention) {
  const auto turned = [&](const char* name, const char* norm) {
    return rotate(in_heads(rms_norm(block.linear(name, h), block[norm]), config.heads),
                  clips.turns);
  };
  at::Tensor router;
  if (config.groups > 0) router = at::linear(h, block["router.weight"]);
  const at::Tensor o = attention.run(index, turned("q", "q_norm"), turned("k", "k_norm"),
                                     in_heads(block.linear("v", h), config.heads), router);
  return block.linear("o", o.flatten(2));
}

at::Tensor run_block(const Parameters& parameters, int64_t index, at::Tensor x,
                     const at::Tensor& time, const at::Tensor& words, const Clips& clips,
                     const DitConfig& config, const VisualAttention& attention) {
  const Layer block(parameters, "blocks." + std::to_string(index) + ".");
  const at::Tensor modulation = of_tokens(block["modulation"] + time, clips.in_shot);
  const auto a = [&](int64_t i) { return modulation.select(2, i); };
  at::Tensor h = plain_norm(x) * (1 + a(1)) + a(0);
  x = x + a(2) * self_attention(block, index, h, clips, config, attention);
  x = x + cross_attention(block, x, words, clips, config.heads);
  h = plain_norm(x) * (1 + a(4)) + a(3);
  return x + a(5) * block.linear("ffn.1", at::gelu(block.linear("ffn.0", h), "tanh"));
}

/// Which words of all shots a token does not see.
at::Tensor words_elsewhere(const at::Tensor& shot_of, int64_t shots, int64_t words) {
  const at::Tensor owner = at::arange(shots, at::kLong).repeat_interleave(words);
  const at::Tensor other = shot_of.unsqueeze(-1) != owner;
  return at::zeros(other.sizes(), at::kFloat)
      .masked_fill_(other, -std::numeric_limits<float>::infinity())
      .unsqueeze(1);
}

class DenseAttention : public VisualAttention {
 public:
  at::Tensor run(int64_t, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                 const at::Tensor&) const override {
    const double scale = 1 / std::sqrt(static_cast<double>(q.size(-1)));
    const at::Tensor scores = at::matmul(q.transpose(1, 2), k.permute({0, 2, 3, 1})) * scale;
    return at::matmul(at::softmax(scores, -1), v.transpose(1, 2)).transpose(1, 2);
  }
};

template <class T>
at::Tensor part(const std::vector<T>& values, std::vector<int64_t> shape, int64_t first) {
  const at::ScalarType type = std::is_same_v<T, float> ? at::kFloat : at::kLong;
  int64_t row = 1;
  for (size_t i = 1; i < shape.size(); ++i) row *= shape[i];
  return at::from_blob(const_cast<T*>(values.data() + first * row), shape, type);
}

}  // namespace

Clips take_clips(const DitConfig& config, const DitBatch& batch, int64_t first, int64_t clips) {
  const int64_t tokens = batch.tokens, pairs = config.dim() / 2;
  Clips taken{first, clips};
  taken.noisy = part(batch.noisy, {clips, tokens, batch.channels}, first);
  taken.sigma = part(batch.sigma, {clips, batch.shots}, first);
  taken.captions = part(batch.captions, {clips, batch.shots, batch.words}, first);
  taken.turns = at::complex(part(batch.cosine, {tokens, 1, pairs}, 0),
                            part(batch.sine, {tokens, 1, pairs}, 0));
  const at::Tensor shot_of = part(batch.shot_of, {clips, tokens}, first);
  taken.in_shot = at::one_hot(shot_of, batch.shots).to(at::kFloat);
  taken.elsewhere = words_elsewhere(shot_of, batch.shots, batch.words);
  return taken;
}

std::unique_ptr<VisualAttention> dense_attention() { return std::make_unique<DenseAttention>(); }

at::Tensor velocity(const DitConfig& config, const Parameters& parameters, const Clips& clips,
                    const VisualAttention& attention, const Watch& watch) {
  const auto show = [&](const std::string& name, const at::Tensor& output) {
    if (watch) watch(name, output);
    return output;
  };
  const Layer all(parameters, "");
  const at::Tensor wave = wave_features(clips.sigma, config.channels);
  const at::Tensor time = all.linear("time.1", at::silu(all.linear("time.0", wave)));
  const at::Tensor shifts =
      all.linear("time.project", at::silu(time)).view({clips.clips, -1, 6, config.channels});
  const at::Tensor words =
      (at::embedding(all["words"], clips.captions) + all["places"]).flatten(1, 2);
  at::Tensor x = show("the patches", all.linear("patch", clips.noisy));
  for (int64_t b = 0; b < config.blocks; ++b)
    x = show("block " + std::to_string(b),
             run_block(parameters, b, x, shifts, words, clips, config, attention));
  const at::Tensor ends = of_tokens(all["head.modulation"] + time.unsqueeze(2), clips.in_shot);
  return show("the head",
              all.linear("head", plain_norm(x) * (1 + ends.select(2, 1)) + ends.select(2, 0)));
}

}  // namespace vidattn::dit_torch
