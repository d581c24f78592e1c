#include "harness/dit/torch/network.h"

#include <torch/torch.h>

#include <limits>

namespace vidattn::dit_torch {
namespace {

constexpr double kEpsilon = 1e-6;

/// A network's parameters under a prefix.
class Layer {
 public:
  Layer(const Parameters& all, std::string prefix, bool bf16 = false)
      : all_(all), prefix_(std::move(prefix)), bf16_(bf16) {}

  const at::Tensor& operator[](const std::string& name) const { return all_.at(prefix_ + name); }
  bool has(const std::string& name) const { return all_.count(prefix_ + name) > 0; }
  Layer part(const std::string& name) const { return {all_, prefix_ + name, bf16_}; }
  at::Tensor linear(const std::string& name, const at::Tensor& x) const {
    const at::Tensor &weight = (*this)[name + ".weight"], &bias = (*this)[name + ".bias"];
    if (!bf16_) return at::linear(x, weight, bias);
    const auto narrow = [](const at::Tensor& wide) { return wide.to(at::kBFloat16); };
    return at::linear(narrow(x), narrow(weight), narrow(bias)).to(at::kFloat);
  }

 private:
  const Parameters& all_;
  std::string prefix_;
  bool bf16_;
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

/// Turns the channel pairs (2i, 2i+1) of x [B,L,H,D] by angles of [L,1,D/2].
at::Tensor rotate(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine) {
  const at::Tensor turned =
      at::view_as_complex(x.unflatten(-1, {-1, 2})) * at::complex(cosine, sine);
  return at::view_as_real(turned).flatten(-2);
}

at::Tensor wave_features(const at::Tensor& sigma, int64_t channels) {
  const int64_t half = channels / 2;
  const at::Tensor rates = at::pow(10000.0, at::arange(half, at::kFloat) * (-2.0 / channels));
  const at::Tensor angles = (sigma * 1000).unsqueeze(-1) * rates;
  return at::cat({at::cos(angles), at::sin(angles)}, -1);
}

/// Rows [B,S,…] of the shots for each token: [B,L,…]. A product, because the gradient of a gather
/// adds row after row.
at::Tensor of_tokens(const at::Tensor& of_shots, const at::Tensor& shot_of) {
  std::vector<int64_t> shape = of_shots.sizes().vec();
  const at::Tensor in_shot = at::one_hot(shot_of, shape[1]).to(at::kFloat);
  shape[1] = shot_of.size(1);
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

/// One kind of tokens in a block, with the weights that it has there: the video's, or the words of
/// MMDiT (token_stream.h).
class Stream {
 public:
  Stream(Layer layer, const at::Tensor& time, const at::Tensor& shot_of, const at::Tensor& cosine,
         const at::Tensor& sine)
      : layer_(std::move(layer)), cosine_(cosine), sine_(sine) {
    const at::Tensor& learned = layer_["modulation"];
    modulation_ = of_tokens(learned + time.narrow(2, 0, learned.size(0)), shot_of);
  }

  at::Tensor modulated(const at::Tensor& x, int64_t shift) const {
    return plain_norm(x) * (1 + vector(shift + 1)) + vector(shift);
  }
  at::Tensor turned(const char* name, const char* norm, const at::Tensor& h, int64_t heads) const {
    return rotate(in_heads(rms_norm(layer_.linear(name, h), layer_[norm]), heads), cosine_, sine_);
  }
  at::Tensor queries(const at::Tensor& h, int64_t heads) const {
    return layer_.has("q.weight") ? turned("q", "q_norm", h, heads)
                                  : at::zeros_like(in_heads(h, heads));
  }
  at::Tensor keys(const at::Tensor& h, int64_t heads) const {
    return turned("k", "k_norm", h, heads);
  }
  at::Tensor values(const at::Tensor& h, int64_t heads) const {
    return in_heads(layer_.linear("v", h), heads);
  }
  at::Tensor with_attention(const at::Tensor& x, const at::Tensor& o) const {
    return x + vector(2) * layer_.linear("o", o);
  }
  at::Tensor with_feed_forward(const at::Tensor& x) const {
    const at::Tensor inner = at::gelu(layer_.linear("ffn.0", modulated(x, 3)), "tanh");
    return x + vector(5) * layer_.linear("ffn.1", inner);
  }
  bool goes_on() const { return layer_.has("o.weight"); }

 private:
  at::Tensor vector(int64_t i) const { return modulation_.select(2, i); }

  Layer layer_;
  const at::Tensor &cosine_, &sine_;
  at::Tensor modulation_;  ///< [B,tokens,6,C]
};

/// What goes from block to block; `words`, [B,S*T,C], does so in MMDiT.
struct States {
  at::Tensor video, words;
};

/// What the blocks of a pass share.
struct Scene {
  const DitConfig& config;
  const Clips& clips;
  const VisualAttention& attention;
  at::Tensor time;  ///< m, [B,S,6,C]
  bool bf16;
};

/// The visual attention's output [B,tokens,C], the words' behind the video's.
at::Tensor attend(const Scene& scene, int64_t index, const Layer& block, const Stream& video,
                  const Stream* words, const States& x) {
  const int64_t heads = scene.config.heads;
  const at::Tensor h = video.modulated(x.video, 0);
  at::Tensor q = video.queries(h, heads), k = video.keys(h, heads), v = video.values(h, heads);
  if (words != nullptr) {
    const at::Tensor g = words->modulated(x.words, 0);
    q = at::cat({q, words->queries(g, heads)}, 1);
    k = at::cat({k, words->keys(g, heads)}, 1);
    v = at::cat({v, words->values(g, heads)}, 1);
  }
  at::Tensor router;
  if (scene.config.groups > 0) router = at::linear(h, block["router.weight"]);
  return scene.attention.run(index, q, k, v, router).flatten(2);
}

void run_block(const Parameters& parameters, const Scene& scene, int64_t index,
               const at::Tensor& captions, States& x) {
  const Layer block(parameters, "blocks." + std::to_string(index) + ".", scene.bf16);
  const Clips& clips = scene.clips;
  const Stream video(block, scene.time, clips.shot_of, clips.cosine, clips.sine);
  if (scene.config.text == DitText::cross) {
    x.video = video.with_attention(x.video, attend(scene, index, block, video, nullptr, x));
    x.video = x.video + cross_attention(block, x.video, captions, clips, scene.config.heads);
    x.video = video.with_feed_forward(x.video);
    return;
  }
  const Stream words(block.part("text."), scene.time, clips.shot_of_words, clips.word_cosine,
                     clips.word_sine);
  const at::Tensor o = attend(scene, index, block, video, &words, x);
  const int64_t tokens = x.video.size(1);
  x.video = video.with_feed_forward(video.with_attention(x.video, o.narrow(1, 0, tokens)));
  if (words.goes_on())
    x.words = words.with_feed_forward(
        words.with_attention(x.words, o.narrow(1, tokens, x.words.size(1))));
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

/// MMDiT's words: those of the shots that the clip has. Clips go one by one, for others have as
/// many tokens as shots.
void take_words(const DitBatch& batch, Clips& taken) {
  const int64_t shots = taken.shot_of.max().item<int64_t>() + 1;
  taken.sigma = taken.sigma.narrow(1, 0, shots);
  taken.captions = taken.captions.narrow(1, 0, shots);
  taken.shot_of_words =
      at::arange(shots, at::kLong).repeat_interleave(batch.words).expand({taken.clips, -1});
  const at::Tensor places = part(batch.word_places, {taken.clips, batch.shots}, taken.first)
                                .select(0, 0)
                                .narrow(0, 0, shots)
                                .repeat_interleave(batch.words);
  taken.word_cosine = taken.cosine.index_select(0, places);
  taken.word_sine = taken.sine.index_select(0, places);
}

}  // namespace

Clips take_clips(const DitConfig& config, const DitBatch& batch, int64_t first, int64_t clips) {
  const int64_t tokens = batch.tokens, pairs = config.dim() / 2;
  Clips taken{first, clips};
  taken.noisy = part(batch.noisy, {clips, tokens, batch.channels}, first);
  taken.sigma = part(batch.sigma, {clips, batch.shots}, first);
  taken.shot_of = part(batch.shot_of, {clips, tokens}, first);
  taken.captions = part(batch.captions, {clips, batch.shots, batch.words}, first);
  taken.cosine = part(batch.cosine, {tokens, 1, pairs}, 0);
  taken.sine = part(batch.sine, {tokens, 1, pairs}, 0);
  if (config.text == DitText::cross)
    taken.elsewhere = words_elsewhere(taken.shot_of, batch.shots, batch.words);
  else
    take_words(batch, taken);
  return taken;
}

std::unique_ptr<VisualAttention> dense_attention() { return std::make_unique<DenseAttention>(); }

at::Tensor velocity(const DitConfig& config, const Parameters& parameters, const Clips& clips,
                    const VisualAttention& attention, bool bf16, const Watch& watch) {
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
  const Scene scene{config, clips, attention, shifts, bf16};
  States x{show("the patches", all.linear("patch", clips.noisy)), words};
  for (int64_t b = 0; b < config.blocks; ++b) {
    run_block(parameters, scene, b, words, x);
    show("block " + std::to_string(b), x.video);
  }
  const at::Tensor ends = of_tokens(all["head.modulation"] + time.unsqueeze(2), clips.shot_of);
  const at::Tensor h = plain_norm(x.video) * (1 + ends.select(2, 1)) + ends.select(2, 0);
  return show("the head", all.linear("head", h));
}

}  // namespace vidattn::dit_torch
