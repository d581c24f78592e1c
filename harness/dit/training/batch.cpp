#include "harness/dit/training/batch.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "attention/error.h"
#include "attention/parallel.h"
#include "harness/host/random.h"
#include "harness/workloads/dit/captions.h"
#include "harness/workloads/dit/clip.h"
#include "harness/workloads/dit/latents.h"
#include "harness/workloads/dit/layers/conditions.h"
#include "harness/workloads/dit/network.h"
#include "harness/workloads/qkv.h"
#include "harness/workloads/shots.h"

namespace vidattn {
namespace {

constexpr uint64_t kClipStream = 0xc11b, kStatisticsStream = 0x57a7, kNoiseStream = 0x4015e;

TrainingClip draw_clip(const DitConfig& config, uint64_t seed, uint64_t stream, int64_t index) {
  Random random(seed, stream + (static_cast<uint64_t>(index) << 16));
  return TrainingClip(random.bits(), config.frames, config.height, config.width);
}

/// Latents of clips 0 to count - 1, drawn by several threads.
template <class Use>
void render(int64_t count, [[maybe_unused]] int threads, const Use& use) {
  RegionErrors errors;
#pragma omp parallel for schedule(dynamic) num_threads(threads)
  for (int64_t i = 0; i < count; ++i) errors.catching([&] { use(i); });
  errors.rethrow();
}

/// How many first shots are given without noise, of a clip with `shots`.
int64_t draw_given(Random& random, int64_t shots) {
  constexpr double kNone = 0.15, kOne = 0.85;
  const double u = random.uniform();
  return std::min<int64_t>(u < kNone ? 0 : u < kOne ? 1 : 2, shots - 1);
}

}  // namespace

DitArrays measure_latents(const DitConfig& config, uint64_t seed) {
  constexpr int64_t kClips = 64;
  std::vector<std::vector<float>> clips(kClips);
  render(kClips, 2,
         [&](int64_t i) { clips[i] = draw_clip(config, seed, kStatisticsStream, i).latents(); });
  std::vector<double> sum(kPatchChannels), squares(kPatchChannels);
  for (const std::vector<float>& latents : clips)
    for (size_t i = 0; i < latents.size(); ++i) {
      sum[i % kPatchChannels] += latents[i];
      squares[i % kPatchChannels] += static_cast<double>(latents[i]) * latents[i];
    }
  const auto rows = static_cast<double>(kClips * config.tokens());
  std::vector<float> mean(kPatchChannels), deviation(kPatchChannels);
  for (int64_t c = 0; c < kPatchChannels; ++c) {
    mean[c] = static_cast<float>(sum[c] / rows);
    const double variance = squares[c] / rows - std::pow(sum[c] / rows, 2);
    deviation[c] = static_cast<float>(std::sqrt(std::max(variance, 1e-8)));
  }
  // Fine bands keep half of how much smaller they are (in decibels): with all alike the loss would
  // be about texture, and noise would hide colours no later than grain.
  const float largest = *std::max_element(deviation.begin(), deviation.end());
  for (float& value : deviation) value = std::sqrt(value * largest);
  return {{"latent.mean", {{kPatchChannels}, mean}},
          {"latent.deviation", {{kPatchChannels}, deviation}}};
}

void set_rotation(const DitConfig& config, const VideoGrid& grid, DitBatch& batch) {
  const Rope rope(grid, config.dim());
  const int64_t pairs = config.dim() / 2;
  batch.cosine.resize(grid.video_tokens() * pairs);
  batch.sine.resize(grid.video_tokens() * pairs);
  std::vector<float> channels(config.dim());
  for (int64_t token = 0; token < grid.video_tokens(); ++token) {
    for (int64_t i = 0; i < pairs; ++i) channels[2 * i] = 1, channels[2 * i + 1] = 0;
    rope.apply(token, channels.data());
    for (int64_t i = 0; i < pairs; ++i) {
      batch.cosine[token * pairs + i] = channels[2 * i];
      batch.sine[token * pairs + i] = channels[2 * i + 1];
    }
  }
}

BatchSource::BatchSource(const DitConfig& config, const BatchSettings& settings,
                         const DitArrays& latents)
    : config_(config), settings_(settings) {
  for (const char* name : {"latent.mean", "latent.deviation"}) latents_[name] = latents.at(name);
  if (settings.clips <= 0 || settings.clips % kUses != 0)
    throw InputError(fmt::format("a batch of {} clips: their number must be a multiple of {}",
                                 settings.clips, kUses));
}

BatchSource::Group BatchSource::group(int64_t index) {
  Group& kept = kept_[index];
  if (kept) return kept;
  const int64_t count = settings_.clips / kUses;
  auto made = std::make_shared<std::vector<Ready>>(count);
  render(count, settings_.threads, [&](int64_t i) {
    const TrainingClip clip = draw_clip(config_, settings_.seed, kClipStream, index * count + i);
    Ready& ready = (*made)[i];
    ready = {clip.grid(), clip.captions(), standardised(latents_, clip.latents())};
  });
  return kept = std::move(made);
}

void BatchSource::noise(const Ready& clip, int64_t place, int64_t step, DitBatch& batch) const {
  Random random(settings_.seed,
                kNoiseStream + (static_cast<uint64_t>(step * settings_.clips + place) << 20));
  const auto shots = static_cast<int64_t>(clip.grid.shots.size());
  const int64_t given = draw_given(random, shots);
  const double u = random.uniform();
  const double sigma = settings_.shift * u / (1 + (settings_.shift - 1) * u);
  for (int64_t s = 0; s < batch.shots; ++s)
    batch.sigma[place * batch.shots + s] = s < given ? 0 : static_cast<float>(sigma);
  for (int64_t s = 0; s < shots; ++s)
    batch.word_places[place * batch.shots + s] = place_of_words(clip.grid, s);
  std::copy(clip.captions.begin(), clip.captions.end(),
            batch.captions.begin() + place * batch.shots * batch.words);
  for (int64_t token = 0; token < batch.tokens; ++token) {
    const int64_t row = place * batch.tokens + token;
    const int64_t shot = shot_of(clip.grid.shots, token / clip.grid.frame_size());
    batch.shot_of[row] = shot;
    batch.weight[row] = shot < given ? 0 : 1;
    const auto level = static_cast<float>(shot < given ? 0 : sigma);
    for (int64_t c = 0; c < kPatchChannels; ++c) {
      const float clean = clip.latents[token * kPatchChannels + c];
      const auto noise = static_cast<float>(random.normal());
      batch.noisy[row * kPatchChannels + c] = (1 - level) * clean + level * noise;
      batch.velocity[row * kPatchChannels + c] = noise - clean;
    }
  }
}

DitBatch BatchSource::batch(int64_t step) {
  std::vector<Group> groups;
  for (int64_t use = 0; use < kUses; ++use) groups.push_back(group(step - use * kSpacing));
  kept_.erase(kept_.begin(), kept_.lower_bound(step - (kUses - 1) * kSpacing + 1));

  std::vector<const Ready*> clips;
  for (const Group& group : groups)
    for (const Ready& clip : *group) clips.push_back(&clip);
  grids_.clear();
  DitBatch batch{settings_.clips, config_.tokens(), kPatchChannels, 1, kCaptionTokens};
  for (const Ready* clip : clips) {
    grids_.push_back(clip->grid);
    batch.shots = std::max(batch.shots, static_cast<int64_t>(clip->grid.shots.size()));
  }
  const int64_t rows = batch.clips * batch.tokens;
  batch.noisy.resize(rows * kPatchChannels);
  batch.velocity.resize(rows * kPatchChannels);
  batch.weight.resize(rows);
  batch.shot_of.resize(rows);
  batch.sigma.resize(batch.clips * batch.shots);
  batch.captions.assign(batch.clips * batch.shots * batch.words, 0);
  batch.word_places.assign(batch.clips * batch.shots, 0);
  set_rotation(config_, grids_.front(), batch);
  render(batch.clips, settings_.threads,
         [&](int64_t place) { noise(*clips[place], place, step, batch); });

  double weights = 0;
  for (const float weight : batch.weight) weights += weight;
  for (float& weight : batch.weight) weight /= static_cast<float>(weights * kPatchChannels);
  return batch;
}

}  // namespace vidattn
