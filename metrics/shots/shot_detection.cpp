#include "metrics/shots/shot_detection.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <numeric>
#include <opencv2/imgproc.hpp>

#include "attention/error.h"
#include "metrics/shots/fades.h"
#include "metrics/shots/gradual.h"
#include "metrics/shots/shrink.h"
#include "metrics/shots/wipes.h"

namespace vidattn {
namespace {

const cv::Size kShrunk(256, 4096);  // PySceneDetect shrinks to about so many columns
constexpr int64_t kAround = 2;      // neighbours on each side that the adaptive rule averages
constexpr int64_t kSettled = 3;     // frames behind a cut that its neighbourhood is judged by

void check(const ShotOptions& options) {
  const auto need = [](bool fine, const std::string& what) {
    if (!fine) throw InputError("shots: " + what);
  };
  need(options.threshold > 0 && options.threshold <= 255, "threshold must lie in 0 to 255");
  need(options.adaptive_ratio > 0, "adaptive ratio must be positive");
  need(options.adaptive_least >= 0 && options.adaptive_least <= 255,
       "adaptive minimum must lie in 0 to 255");
  need(options.min_length >= 1, "a shot must have at least 1 frame");
  need(options.fade_threshold >= 0 && options.fade_threshold <= 255,
       "fade threshold must lie in 0 to 255");
  need(options.window == 0 || (options.window >= 6 && options.window <= 1000),
       "window must lie in 6 to 1000 frames, or be 0 for no gradual transitions");
}

std::vector<Boundary> sorted(std::vector<Boundary> boundaries) {
  std::stable_sort(boundaries.begin(), boundaries.end(),
                   [](const Boundary& a, const Boundary& b) { return a.frame < b.frame; });
  return boundaries;
}

/// Whether `next` lies min_length frames or more from all others; fades at the ends make no shot.
bool far_enough(const std::vector<Boundary>& known, const Boundary& next, int64_t frames,
                int64_t min_length) {
  if (next.frame == 0 || next.frame == frames) return true;
  return std::none_of(known.begin(), known.end(), [&](const Boundary& other) {
    return other.frame < frames && std::abs(other.frame - next.frame) < min_length;
  });
}

/// Whether a fade or dissolve shares a frame with first to last, or adjoins it.
bool inside(const Boundary& known, int64_t first, int64_t last) {
  return known.kind != Transition::cut && first <= known.last + 1 && last >= known.first;
}

bool inside_any(const std::vector<Boundary>& known, int64_t frame) {
  return std::any_of(known.begin(), known.end(),
                     [&](const Boundary& one) { return inside(one, frame, frame); });
}

}  // namespace

struct ShotDetector::State {
  explicit State(const ShotOptions& given)
      : options(given),
        fades(given.fade_threshold),
        blends(given.window),
        wipes(given.window > 0) {}

  /// A cut's frame by the chosen rule, or -1. The adaptive rule answers kAround frames late.
  int64_t cut_at() const {
    const int64_t now = frames - 1;
    if (options.rule == CutRule::content) return recent.back() >= options.threshold ? now : -1;
    if (recent.size() < 2 * kAround + 1) return -1;
    const double score = recent[kAround];
    const double around =
        (std::accumulate(recent.begin(), recent.end(), 0.0) - score) / (2 * kAround);
    // Neighbours that stand still make any change a cut.
    const bool stands_out = around < 1e-5 || score / around >= options.adaptive_ratio;
    return stands_out && score >= options.adaptive_least ? now - kAround : -1;
  }

  void judge_neighbours(Boundary& cut) const {
    std::tie(cut.first, cut.last) = blends.mixed_frames(cut.frame);
  }

  struct Judged {
    std::vector<Boundary> kept, suppressed;
  };
  std::vector<Boundary> fade_boundaries() const;
  std::vector<Boundary> transitions() const;
  Judged judge() const;

  ShotOptions options;
  cv::Mat previous;           // HSV
  std::deque<double> recent;  // scores, the last 2 kAround + 1
  int64_t frames = 0;
  std::vector<Boundary> cuts;  // min_length apart; neighbours judged once kSettled frames follow
  std::vector<Boundary> close_cuts;  // closer than that to the last of `cuts`
  FadeDetector fades;
  BlendDetector blends;
  WipeDetector wipes;
};

ShotDetector::ShotDetector(const ShotOptions& options) {
  check(options);
  state_ = std::make_unique<State>(options);
}
ShotDetector::~ShotDetector() = default;
ShotDetector::ShotDetector(ShotDetector&&) noexcept = default;

int64_t ShotDetector::frames() const { return state_->frames; }
double ShotDetector::score() const { return state_->recent.empty() ? 0 : state_->recent.back(); }

void ShotDetector::push(const cv::Mat& frame) {
  State& s = *state_;
  const cv::Mat small = shrink_to_fit(frame, kShrunk, cv::INTER_LINEAR);
  cv::Mat hsv;
  cv::cvtColor(small, hsv, cv::COLOR_BGR2HSV);
  s.recent.push_back(s.previous.empty() ? 0
                                        : cv::norm(hsv, s.previous, cv::NORM_L1) /
                                              static_cast<double>(hsv.total() * 3));
  if (s.recent.size() > 2 * kAround + 1) s.recent.pop_front();
  s.previous = hsv;
  ++s.frames;
  const cv::Scalar mean = cv::mean(small);
  s.fades.push((mean[0] + mean[1] + mean[2]) / 3);
  s.blends.push(small);
  s.wipes.push(small);

  const int64_t cut = s.cut_at();
  if (cut >= 0)
    (s.cuts.empty() || cut - s.cuts.back().frame >= s.options.min_length ? s.cuts : s.close_cuts)
        .push_back({.frame = cut,
                    .first = cut,
                    .last = cut - 1,
                    .score = s.recent[s.recent.size() - (s.frames - cut)]});
  if (!s.cuts.empty() && s.cuts.back().frame == s.frames - kSettled)
    s.judge_neighbours(s.cuts.back());
}

std::vector<Boundary> ShotDetector::State::fade_boundaries() const {
  std::vector<Boundary> found;
  for (const Fade& fade : fades.fades()) {
    const bool opens = fade.black_first == 0, closes = fade.black_last == frames - 1;
    found.push_back({.frame = opens    ? 0
                              : closes ? frames
                                       : (fade.black_first + fade.black_last + 1) / 2,
                     .kind = Transition::fade,
                     .first = fade.first,
                     .last = fade.last});
  }
  return found;
}

/// Fades, wipes and dissolves; of those that overlap, one.
std::vector<Boundary> ShotDetector::State::transitions() const {
  std::vector<Boundary> found = fade_boundaries();
  for (const Wipe& wipe : wipes.wipes())
    if (!inside_any(found, wipe.first) && !inside_any(found, wipe.last))
      found.push_back({.frame = (wipe.first + wipe.last + 1) / 2,
                       .kind = Transition::wipe,
                       .first = wipe.first,
                       .last = wipe.last,
                       .score = wipe.difference});
  for (const Blend& blend : blends.blends()) {
    const auto same = std::find_if(found.begin(), found.end(), [&](const Boundary& known) {
      return inside(known, blend.first, blend.last);
    });
    if (same == found.end()) {
      found.push_back({.frame = (blend.first + blend.last + 1) / 2,
                       .kind = Transition::gradual,
                       .first = blend.first,
                       .last = blend.last,
                       .score = blend.difference});
    } else if (same->kind != Transition::wipe) {  // of which the frames are known better
      same->first = std::min(same->first, blend.first);
      same->last = std::max(same->last, blend.last);
      same->score = std::max(same->score, blend.difference);
    }
  }
  return found;
}

ShotDetector::State::Judged ShotDetector::State::judge() const {
  std::vector<Boundary> found = transitions();  // they swallow cuts inside
  for (Boundary cut : cuts) {
    if (cut.frame > frames - kSettled) judge_neighbours(cut);
    if (!inside_any(found, cut.frame)) found.push_back(cut);
  }
  // A dissolve is the least certain: it yields to a cut or fade nearby, as later ones do to
  // earlier.
  Judged judged;
  for (const bool gradual : {false, true})
    for (const Boundary& next : sorted(found))
      if ((next.kind == Transition::gradual) == gradual)
        (far_enough(judged.kept, next, frames, options.min_length) ? judged.kept
                                                                   : judged.suppressed)
            .push_back(next);
  judged.kept = sorted(judged.kept);
  judged.suppressed.insert(judged.suppressed.end(), close_cuts.begin(), close_cuts.end());
  std::erase_if(judged.suppressed,
                [&](const Boundary& cut) { return inside_any(judged.kept, cut.frame); });
  judged.suppressed = sorted(judged.suppressed);
  return judged;
}

std::vector<Boundary> ShotDetector::boundaries() const { return state_->judge().kept; }

std::vector<Boundary> ShotDetector::suppressed() const { return state_->judge().suppressed; }

}  // namespace vidattn
