#include "metrics/shots/transnet/network.h"

#include <algorithm>
#include <cmath>

#include "attention/blas.h"
#include "attention/error.h"
#include "metrics/shots/transnet/windows.h"

namespace vidattn {
namespace {

constexpr int64_t kLookup = 101;    // frames whose likeness to one of them counts, it in the middle
constexpr size_t kHistogram = 512;  // colours

/// Every pixel with its neighbours, from 0 to 1, in the order of a convolution's weights:
/// [27,48,27].
void gather_neighbours(const std::vector<float>& window, Activations& to) {
  const int64_t height = kTransNetSize.height, width = kTransNetSize.width;
  to.reshape(kTransNetWindow, height, width, kNeighbourhood);
#pragma omp parallel for
  for (int64_t t = 0; t < kTransNetWindow; ++t)
    for (int64_t y = 0; y < height; ++y)
      for (int64_t x = 0; x < width; ++x) {
        float* values = to.frame(t) + (y * width + x) * kNeighbourhood;
        for (int64_t i = 0; i < kNeighbourhood; ++i) {
          const int64_t row = y + i % 9 / 3 - 1, column = x + i % 3 - 1, colour = i / 9;
          const bool inside = row >= 0 && row < height && column >= 0 && column < width;
          const int64_t at = ((t * height + row) * width + column) * 3 + colour;
          values[i] = inside ? window[static_cast<size_t>(at)] / 255 : 0;
        }
      }
}

void relu(Activations& of) {
  const int64_t count = of.frames * (of.height + 1) * of.row();
  float* values = of.values.data();
#pragma omp parallel for
  for (int64_t i = 0; i < count; ++i) values[i] = std::max(values[i], 0.0F);
}

/// Of every channel the mean over 2x2 pixels of max(a, 0) + b.
void add_four(const float* __restrict a, const float* __restrict b, int64_t channels, int64_t row,
              float* __restrict made) {
  std::fill_n(made, channels, 0.0F);
  for (const int64_t at : {int64_t{0}, channels, row, row + channels})
    for (int64_t c = 0; c < channels; ++c) made[c] += std::max(a[at + c], 0.0F) + b[at + c];
  for (int64_t c = 0; c < channels; ++c) made[c] /= 4;
}

/// max(last, 0) + first, means of 2x2, and of every frame of these the mean to `feature`.
void pool(const Activations& last, const Activations& first, Activations& to, float* features,
          int64_t step) {
  const int64_t channels = last.channels, row = last.row();
  to.reshape(last.frames, last.height / 2, last.width / 2, channels);
#pragma omp parallel for
  for (int64_t t = 0; t < last.frames; ++t) {
    float* mean = features + t * step;
    std::fill_n(mean, channels, 0.0F);
    for (int64_t y = 0; y < to.height; ++y)
      for (int64_t x = 0; x < to.width; ++x) {
        const int64_t corner = 2 * (y * row + x * channels);
        const float *a = last.frame(t) + corner, *b = first.frame(t) + corner;
        float* made = to.frame(t) + y * to.row() + x * channels;
        add_four(a, b, channels, row, made);
        for (int64_t c = 0; c < channels; ++c) mean[c] += made[c];
      }
    for (int64_t c = 0; c < channels; ++c) mean[c] /= static_cast<float>(to.height * to.width);
  }
}

/// Cosines of rows, [100, count] to [100, 101]: of each row with those from 50 before it to 50
/// behind it, and 0 where there is none.
std::vector<float> cosines_around(std::vector<float> rows, int64_t count) {
  constexpr double kLeast = 1e-12;
  for (int64_t t = 0; t < kTransNetWindow; ++t) {
    float* row = rows.data() + t * count;
    double squares = 0;
    for (int64_t i = 0; i < count; ++i) squares += static_cast<double>(row[i]) * row[i];
    const auto length = static_cast<float>(std::max(std::sqrt(squares), kLeast));
    for (int64_t i = 0; i < count; ++i) row[i] /= length;
  }
  std::vector<float> all(kTransNetWindow * kTransNetWindow), around(kTransNetWindow * kLookup);
  gemm_nt(kTransNetWindow, kTransNetWindow, count, rows.data(), count, rows.data(), count,
          all.data(), kTransNetWindow);
  for (int64_t t = 0; t < kTransNetWindow; ++t)
    for (int64_t i = 0; i < kLookup; ++i) {
      const int64_t other = t + i - kLookup / 2;
      if (other >= 0 && other < kTransNetWindow)
        around[static_cast<size_t>(t * kLookup + i)] =
            all[static_cast<size_t>(t * kTransNetWindow + other)];
    }
  return around;
}

/// Of every frame how many pixels have each of 8x8x8 colours: [100,512].
std::vector<float> histograms(const std::vector<float>& window) {
  std::vector<float> counts(kTransNetWindow * kHistogram);
  const auto bin = [&](size_t at) { return static_cast<size_t>(window[at]) >> 5; };
  for (size_t i = 0; i < window.size(); i += 3)
    ++counts[i / kTransNetValues * kHistogram + (bin(i) << 6) + (bin(i + 1) << 3) + bin(i + 2)];
  return counts;
}

std::string block_name(size_t level, size_t block) {
  return "SDDCNN." + std::to_string(level) + ".DDCNN." + std::to_string(block) + ".";
}

void relu(std::vector<float>& values) {
  for (float& value : values) value = std::max(value, 0.0F);
}

}  // namespace

TransNetNetwork::Dense::Dense(const CheckedParameters& parameters, const std::string& name,
                              int64_t inputs)
    : in(inputs),
      out(parameters.outputs(name + ".weight")),
      weights(parameters.of_shape(name + ".weight", {out, in})),
      bias(parameters.of_shape(name + ".bias", {out})) {}

std::vector<float> TransNetNetwork::Dense::run(const std::vector<float>& rows) const {
  std::vector<float> made;
  for (int64_t t = 0; t < kTransNetWindow; ++t) made.insert(made.end(), bias.begin(), bias.end());
  gemm_nt(kTransNetWindow, out, in, rows.data(), in, weights.data(), in, made.data(), out, 1, 1);
  return made;
}

TransNetNetwork::TransNetNetwork(const TransNetParameters& parameters) {
  const CheckedParameters checked(parameters);
  int64_t channels = 3, height = kTransNetSize.height, width = kTransNetSize.width;
  while (levels_.empty() ||
         (height > 1 && width > 1 && has_block(checked, block_name(levels_.size(), 0)))) {
    std::vector<TransNetBlock> blocks;
    const size_t level = levels_.size();
    while (blocks.empty() || has_block(checked, block_name(level, blocks.size()))) {
      const std::string name = block_name(level, blocks.size());
      blocks.push_back(read_block(checked, name, channels));
      channels = DilatedConvolution::kBranches * blocks.back().dilated.filters;
    }
    levels_.push_back(std::move(blocks));
    features_ += channels;
    height /= 2, width /= 2;
  }
  projection_ = Dense(checked, "frame_sim_layer.projection", features_);
  frames_alike_ = Dense(checked, "frame_sim_layer.fc", kLookup);
  colours_alike_ = Dense(checked, "color_hist_layer.fc", kLookup);
  all_ = Dense(checked, "fc1", colours_alike_.out + frames_alike_.out + height * width * channels);
  last_ = Dense(checked, "cls_layer1", all_.out);
  if (last_.out != 1) throw InputError("its parameter cls_layer1.weight makes more than one value");
}

void TransNetNetwork::run_level(const std::vector<TransNetBlock>& blocks, Workspace& space) const {
  const Activations* from = &space.input;
  for (const TransNetBlock& block : blocks) {
    const bool first = &block == &blocks.front();
    if (block.spatial) block.spatial->run(*from, space.spatial);
    Activations& made = first ? space.first : space.later;
    block.dilated.run(block.spatial ? space.spatial : *from, made);
    if (&block != &blocks.back()) relu(made);
    from = &made;
  }
}

std::vector<float> TransNetNetwork::with_likeness(const std::vector<float>& window,
                                                  const Workspace& space) const {
  std::vector<float> frames =
      frames_alike_.run(cosines_around(projection_.run(space.features), projection_.out));
  std::vector<float> colours = colours_alike_.run(cosines_around(histograms(window), kHistogram));
  relu(frames);
  relu(colours);
  std::vector<float> rows;
  for (int64_t t = 0; t < kTransNetWindow; ++t) {
    const float *of_colours = colours.data() + t * colours_alike_.out,
                *of_frames = frames.data() + t * frames_alike_.out, *pixels = space.input.frame(t);
    rows.insert(rows.end(), of_colours, of_colours + colours_alike_.out);
    rows.insert(rows.end(), of_frames, of_frames + frames_alike_.out);
    rows.insert(rows.end(), pixels, pixels + space.input.height * space.input.row());
  }
  return rows;
}

std::vector<float> TransNetNetwork::run(const std::vector<float>& window, Workspace& space) const {
  space.features.resize(static_cast<size_t>(kTransNetWindow * features_));
  gather_neighbours(window, space.input);
  int64_t channel = 0;
  for (const auto& blocks : levels_) {
    run_level(blocks, space);
    const Activations& last = blocks.size() == 1 ? space.first : space.later;
    pool(last, space.first, space.input, space.features.data() + channel, features_);
    channel += last.channels;
  }
  std::vector<float> hidden = all_.run(with_likeness(window, space));
  relu(hidden);
  std::vector<float> probabilities = last_.run(hidden);
  for (float& value : probabilities) value = 1 / (1 + std::exp(-value));
  return probabilities;
}

}  // namespace vidattn
