#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "harness/workloads/dit/captions.h"
#include "harness/workloads/dit/network.h"

namespace vidattn::testing {

/// DIT.md once more, in float64 and loops over single numbers, with full attention: what a
/// DitNetwork is held against. Nothing of it is shared with the network but the text.
class PlainNetwork {
 public:
  explicit PlainNetwork(const DitCheckpoint& checkpoint) : checkpoint_(checkpoint) {}

  using Row = std::vector<double>;
  using Rows = std::vector<Row>;

  Rows velocity(const DitInput& input) const {
    const auto patches = [&](int64_t i) {
      return Row(input.latents + i * 64, input.latents + (i + 1) * 64);
    };
    Rows x;
    for (int64_t i = 0; i < input.grid.video_tokens(); ++i)
      x.push_back(linear("patch", patches(i)));
    Rows words = embedded(input);
    for (int64_t b = 0; b < config().blocks; ++b) {
      const std::string name = "blocks." + std::to_string(b) + ".";
      if (config().text == DitText::joint)
        joint_block(name, input, x, words);
      else
        block(name, input, x, words);
    }
    for (size_t i = 0; i < x.size(); ++i) {
      const Row e = time(input.sigmas[shot_of_token(input.grid, i)]);
      const int64_t n = config().channels;
      Row h = layer_norm(x[i]);
      for (int64_t c = 0; c < n; ++c)
        h[c] = h[c] * (1 + at("head.modulation", n + c) + e[c]) + at("head.modulation", c) + e[c];
      x[i] = linear("head", h);
    }
    return x;
  }

 private:
  const DitConfig& config() const { return checkpoint_.config; }
  double at(const std::string& name, int64_t i) const {
    return std::get<std::vector<float>>(checkpoint_.weights.at(name).values)[i];
  }
  bool has(const std::string& name) const { return checkpoint_.weights.contains(name); }

  static int64_t shot_of_token(const VideoGrid& grid, int64_t i) {
    int64_t shot = 0;
    for (size_t s = 0; s < grid.shots.size(); ++s)
      if (i / (grid.height * grid.width) >= grid.shots[s]) shot = static_cast<int64_t>(s);
    return shot;
  }

  Row linear(const std::string& name, const Row& x) const {
    const auto inputs = static_cast<int64_t>(x.size());
    const int64_t outputs = checkpoint_.weights.at(name + ".weight").shape[0];
    Row y(outputs);
    for (int64_t o = 0; o < outputs; ++o) {
      y[o] = has(name + ".bias") ? at(name + ".bias", o) : 0;
      for (int64_t i = 0; i < inputs; ++i) y[o] += x[i] * at(name + ".weight", o * inputs + i);
    }
    return y;
  }

  static Row layer_norm(const Row& x) {
    double mean = 0, variance = 0;
    for (const double v : x) mean += v / static_cast<double>(x.size());
    for (const double v : x) variance += (v - mean) * (v - mean) / static_cast<double>(x.size());
    Row y;
    for (const double v : x) y.push_back((v - mean) / std::sqrt(variance + 1e-6));
    return y;
  }

  Row rms(const std::string& name, const Row& x) const {
    double square = 0;
    for (const double v : x) square += v * v / static_cast<double>(x.size());
    Row y;
    for (size_t c = 0; c < x.size(); ++c)
      y.push_back(x[c] * at(name, static_cast<int64_t>(c)) / std::sqrt(square + 1e-6));
    return y;
  }

  static Row silu(Row x) {
    for (double& v : x) v /= 1 + std::exp(-v);
    return x;
  }

  Row time(double sigma) const {
    const int64_t n = config().channels;
    Row f(n);
    for (int64_t i = 0; i < n / 2; ++i) {
      const double w = std::pow(10000.0, -2.0 * static_cast<double>(i) / static_cast<double>(n));
      f[i] = std::cos(1000 * sigma * w);
      f[n / 2 + i] = std::sin(1000 * sigma * w);
    }
    return linear("time.1", silu(linear("time.0", f)));
  }

  /// Pairs (2i, 2i+1) of a head's channels turn by position * 10000^(-2i/n), n channels an axis.
  Row rope(const VideoGrid& grid, int64_t token, Row x) const {
    const int64_t dim = config().dim(), frame = grid.height * grid.width;
    const int64_t positions[] = {token / frame, token % frame / grid.width, token % grid.width};
    const int64_t side = 2 * (dim / 6), channels[] = {dim - 2 * side, side, side};
    for (int64_t head = 0; head < config().heads; ++head) {
      int64_t at_channel = head * dim;
      for (int axis = 0; axis < 3; ++axis)
        for (int64_t i = 0; i < channels[axis] / 2; ++i, at_channel += 2) {
          const double angle = static_cast<double>(positions[axis]) *
                               std::pow(10000.0, -2.0 * static_cast<double>(i) /
                                                     static_cast<double>(channels[axis]));
          const double a = x[at_channel], b = x[at_channel + 1];
          x[at_channel] = a * std::cos(angle) - b * std::sin(angle);
          x[at_channel + 1] = a * std::sin(angle) + b * std::cos(angle);
        }
    }
    return x;
  }

  /// Softmax attention of one query row, head by head.
  Row attend(const Row& q, const Rows& k, const Rows& v) const {
    const int64_t dim = config().dim();
    Row out(q.size());
    for (int64_t head = 0; head < config().heads; ++head) {
      double sum = 0;
      for (size_t j = 0; j < k.size(); ++j) {
        double score = 0;
        for (int64_t c = head * dim; c < (head + 1) * dim; ++c) score += q[c] * k[j][c];
        const double weight = std::exp(score / std::sqrt(static_cast<double>(dim)));
        sum += weight;
        for (int64_t c = head * dim; c < (head + 1) * dim; ++c) out[c] += weight * v[j][c];
      }
      for (int64_t c = head * dim; c < (head + 1) * dim; ++c) out[c] /= sum;
    }
    return out;
  }

  /// Vector `which` of a block's six, of the token's shot.
  Row vector_of(const std::string& block, const Row& m, int64_t which) const {
    const int64_t n = config().channels;
    Row a(n);
    for (int64_t c = 0; c < n; ++c)
      a[c] = at(block + "modulation", which * n + c) + m[which * n + c];
    return a;
  }

  Rows embedded(const DitInput& input) const {
    Rows words(input.captions->size());
    const int64_t n = config().channels;
    for (size_t i = 0; i < words.size(); ++i)
      for (int64_t c = 0; c < n; ++c)
        words[i].push_back(at("words", (*input.captions)[i] * n + c) +
                           at("places", static_cast<int64_t>(i) % kCaptionTokens * n + c));
    return words;
  }

  /// MMDiT: one row of either kind, with the weights under `name`, in shot `shot`.
  struct Kind {
    const PlainNetwork& network;
    std::string name;
    Rows m;  ///< by shot

    Row modulated(const Row& x, int64_t shot, int64_t shift) const {
      const Row add = network.vector_of(name, m[shot], shift),
                scale = network.vector_of(name, m[shot], shift + 1);
      Row h = layer_norm(x);
      for (size_t c = 0; c < h.size(); ++c) h[c] = h[c] * (1 + scale[c]) + add[c];
      return h;
    }
    Row turned(const char* which, const DitInput& input, int64_t place, const Row& h) const {
      const std::string layer = name + which;
      if (!network.has(layer + ".weight")) return Row(h.size());
      return network.rope(input.grid, place,
                          network.rms(layer + "_norm", network.linear(layer, h)));
    }
    void add_gated(const Row& y, int64_t shot, int64_t gate, Row& x) const {
      const Row factor = network.vector_of(name, m[shot], gate);
      for (size_t c = 0; c < x.size(); ++c) x[c] += factor[c] * y[c];
    }
    void finish(const Row& attended, int64_t shot, Row& x) const {
      add_gated(network.linear(name + "o", attended), shot, 2, x);
      Row inner = network.linear(name + "ffn.0", modulated(x, shot, 3));
      for (double& u : inner)
        u = u / 2 * (1 + std::tanh(std::sqrt(2 / M_PI) * (u + 0.044715 * u * u * u)));
      add_gated(network.linear(name + "ffn.1", inner), shot, 5, x);
    }
  };

  void joint_block(const std::string& name, const DitInput& input, Rows& x, Rows& words) const {
    Rows m, q, k, v;
    for (const double sigma : input.sigmas) m.push_back(linear("time.project", silu(time(sigma))));
    const Kind video{*this, name, m}, text{*this, name + "text.", m};
    const auto add = [&](const Kind& kind, const Row& row, int64_t shot, int64_t place) {
      const Row h = kind.modulated(row, shot, 0);
      q.push_back(kind.turned("q", input, place, h));
      k.push_back(kind.turned("k", input, place, h));
      v.push_back(linear(kind.name + "v", h));
    };
    const auto shot_of = [&](size_t i) {
      return shot_of_token(input.grid, static_cast<int64_t>(i));
    };
    for (size_t i = 0; i < x.size(); ++i) add(video, x[i], shot_of(i), static_cast<int64_t>(i));
    const std::vector<int64_t>& shots = input.grid.shots;
    for (size_t i = 0; i < words.size(); ++i) {
      const size_t s = i / kCaptionTokens;
      const int64_t end = s + 1 < shots.size() ? shots[s + 1] : input.grid.frames;
      const int64_t middle = (shots[s] + end) / 2 * input.grid.height * input.grid.width;
      add(text, words[i], static_cast<int64_t>(s), middle);
    }
    for (size_t i = 0; i < x.size(); ++i) video.finish(attend(q[i], k, v), shot_of(i), x[i]);
    if (!has(text.name + "o.weight")) return;
    for (size_t i = 0; i < words.size(); ++i)
      text.finish(attend(q[x.size() + i], k, v), static_cast<int64_t>(i) / kCaptionTokens,
                  words[i]);
  }

  void block(const std::string& name, const DitInput& input, Rows& x, const Rows& words) const {
    Rows m;
    for (const double sigma : input.sigmas) m.push_back(linear("time.project", silu(time(sigma))));
    const int64_t n = config().channels;
    const auto shot = [&](size_t i) { return shot_of_token(input.grid, static_cast<int64_t>(i)); };
    const auto modulated = [&](size_t i, int64_t shift) {
      const Row add = vector_of(name, m[shot(i)], shift),
                scale = vector_of(name, m[shot(i)], shift + 1);
      Row h = layer_norm(x[i]);
      for (int64_t c = 0; c < n; ++c) h[c] = h[c] * (1 + scale[c]) + add[c];
      return h;
    };
    const auto add = [&](size_t i, const Row& y, const Row* gate) {
      for (int64_t c = 0; c < n; ++c) x[i][c] += y[c] * (gate == nullptr ? 1 : (*gate)[c]);
    };
    Rows q, k, v;
    for (size_t i = 0; i < x.size(); ++i) {
      const Row h = modulated(i, 0);
      const auto token = static_cast<int64_t>(i);
      q.push_back(rope(input.grid, token, rms(name + "q_norm", linear(name + "q", h))));
      k.push_back(rope(input.grid, token, rms(name + "k_norm", linear(name + "k", h))));
      v.push_back(linear(name + "v", h));
    }
    for (size_t i = 0; i < x.size(); ++i) {
      const Row gate = vector_of(name, m[shot(i)], 2);
      add(i, linear(name + "o", attend(q[i], k, v)), &gate);
    }
    const std::string cross = name + "cross.";
    for (size_t i = 0; i < x.size(); ++i) {
      Row h = layer_norm(x[i]);
      for (int64_t c = 0; c < n; ++c)
        h[c] = h[c] * at(name + "cross_norm.weight", c) + at(name + "cross_norm.bias", c);
      Rows keys, values;
      for (int64_t t = 0; t < kCaptionTokens; ++t) {
        const Row& word = words[shot(i) * kCaptionTokens + t];
        keys.push_back(rms(cross + "k_norm", linear(cross + "k", word)));
        values.push_back(linear(cross + "v", word));
      }
      const Row query = rms(cross + "q_norm", linear(cross + "q", h));
      add(i, linear(cross + "o", attend(query, keys, values)), nullptr);
    }
    for (size_t i = 0; i < x.size(); ++i) {
      Row inner = linear(name + "ffn.0", modulated(i, 3));
      for (double& u : inner)
        u = u / 2 * (1 + std::tanh(std::sqrt(2 / M_PI) * (u + 0.044715 * u * u * u)));
      const Row gate = vector_of(name, m[shot(i)], 5);
      add(i, linear(name + "ffn.1", inner), &gate);
    }
  }

  const DitCheckpoint& checkpoint_;
};

}  // namespace vidattn::testing
