#include "harness/workloads/film/film.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <numbers>
#include <opencv2/imgproc.hpp>
#include <string_view>

#include "attention/error.h"
#include "attention/grid.h"
#include "harness/host/random.h"
#include "harness/io/file.h"
#include "harness/workloads/film/places.h"
#include "harness/workloads/media/video_file.h"
#include "harness/workloads/shots.h"

namespace vidattn {
namespace {

constexpr double kDetail =
    1.25;                       // texture pixels per picture pixel at zoom 1: close-ups stay sharp
constexpr double kGrain = 2.5;  // standard deviation, grey levels
constexpr int kGrainMargin = 64;  // the grain is one larger picture, shifted anew for every frame

std::vector<int64_t> draw_shots(const FilmSpec& spec) {
  constexpr double kMeanSeconds = 2;
  const double seconds = static_cast<double>(spec.frames) / spec.fps;
  const auto count = std::max<int64_t>(1, std::llround(seconds / kMeanSeconds));
  Random random(spec.seed, 0x5407);
  std::vector<double> ends;
  double total = 0;
  for (int64_t i = 0; i < count; ++i) ends.push_back(total += random.uniform(0.75, 1.5));
  std::vector<int64_t> starts = {0};
  for (int64_t i = 0; i + 1 < count; ++i)
    starts.push_back(
        std::max<int64_t>(starts.back() + 1, std::llround(ends[i] / total * spec.frames)));
  return starts;
}

void check(const FilmSpec& spec) {
  constexpr int64_t kSmallest = 16, kLargest = 16384;
  if (spec.frames <= 0)
    throw InputError("film: " + std::to_string(spec.frames) +
                     " frames are impossible, at least 1 is needed");
  if (spec.height < kSmallest || spec.width < kSmallest || spec.height > kLargest ||
      spec.width > kLargest)
    throw InputError("film: " + std::to_string(spec.width) + "x" + std::to_string(spec.height) +
                     " pixels are outside 16 to 16384");
  if (!(spec.fps > 0)) throw InputError("film: the frame rate must be positive");
  if (!(spec.pan >= 0)) throw InputError("film: the pan must not be negative");
  if (!spec.shots.empty()) validate_shots(spec.shots, spec.frames);
  if (!spec.cast.empty() && spec.cast.size() != kFilmCast)
    throw InputError("film: a cast of " + std::to_string(spec.cast.size()) +
                     " characters, it needs " + std::to_string(kFilmCast));
  if (!spec.tints.empty() && spec.tints.size() != kPlaces)
    throw InputError("film: " + std::to_string(spec.tints.size()) + " tints, it has " +
                     std::to_string(kPlaces) + " places");
}

cv::Mat make_grain(const FilmSpec& spec) {
  Random random(spec.seed, 0x94a1);
  cv::Mat grain(static_cast<int>(spec.height) + kGrainMargin,
                static_cast<int>(spec.width) + kGrainMargin, CV_16SC3);
  for (int y = 0; y < grain.rows; ++y)
    for (int x = 0; x < grain.cols; ++x) {
      const auto value = cv::saturate_cast<int16_t>(kGrain * random.normal());
      grain.at<cv::Vec3s>(y, x) = {value, value, value};
    }
  return grain;
}

}  // namespace

std::optional<uint64_t> film_seed(const std::string& source) {
  constexpr std::string_view kPrefix = "film:";
  if (source == "film") return 1;
  if (!source.starts_with(kPrefix)) return {};
  uint64_t seed = 0;
  const char* end = source.data() + source.size();
  const auto [stop, error] = std::from_chars(source.data() + kPrefix.size(), end, seed);
  if (error != std::errc() || stop != end)
    throw InputError(in_quotes(source) + ": write film or film:SEED with a whole number");
  return seed;
}

Film::Film(FilmSpec spec) : spec_(std::move(spec)) {
  check(spec_);
  if (spec_.shots.empty()) spec_.shots = draw_shots(spec_);
  const double aspect = static_cast<double>(spec_.width) / spec_.height;
  world_width_ = 1.3 * aspect + 0.9;
  if (spec_.cast.empty()) spec_.cast = make_cast(spec_.seed);
  for (size_t i = 0; i < spec_.shots.size(); ++i) shots_.push_back(direct(static_cast<int64_t>(i)));
  places_.resize(kPlaces);
  for (const Shot& shot : shots_)
    if (places_[shot.place].empty()) places_[shot.place] = tinted_place(shot.place);
  grain_ = make_grain(spec_);
}

cv::Mat Film::tinted_place(int place) const {
  cv::Mat picture =
      draw_place(place, spec_.seed, world_width_, kDetail * static_cast<double>(spec_.height));
  if (!spec_.tints.empty()) cv::multiply(picture, spec_.tints[place], picture);
  return picture;
}

Film Film::with_cast(std::vector<Character> cast) const {
  const auto same_kind = [](const Character& a, const Character& b) { return a.kind == b.kind; };
  if (!std::ranges::equal(cast, spec_.cast, same_kind))
    throw InputError("film: the other cast has characters of other kinds");
  Film other = *this;
  other.spec_.cast = std::move(cast);
  return other;
}

ShotScript Film::script(int64_t shot) const {
  const Shot& s = shots_[shot];
  ShotScript script{.place = s.place, .close = s.close};
  for (const Actor& a : s.actors)
    script.roles.push_back({a.character, a.action, a.left, a.facing > 0});
  return script;
}

Film::Shot Film::place_camera(int64_t shot, int place, bool close) const {
  Random random(spec_.seed, 0xca3e7a00 + static_cast<uint64_t>(shot));
  const double aspect = static_cast<double>(spec_.width) / spec_.height;
  Shot s{.place = place, .close = close};
  s.zoom0 = close ? random.uniform(1.35, 1.6) : random.uniform(1.0, 1.12);
  s.zoom1 = s.zoom0 * random.uniform(0.97, 1.12);
  s.y = close ? 0.72 : 0.7;
  const double half = aspect / 2 / std::min(s.zoom0, s.zoom1);
  const double from = half + 0.02, to = world_width_ - half - 0.02;
  s.x0 = random.uniform(from, to);
  s.x1 = std::clamp(s.x0 + random.uniform(-spec_.pan, spec_.pan), from, to);
  s.shake = random.uniform() < 0.4 ? 0.004 : 0.001;  // handheld or tripod
  s.light0 = random.uniform(0.85, 1.08);
  s.light1 = s.light0 * random.uniform(0.92, 1.08);
  return s;
}

/// Four shots make a scene, at the places A-B-A-C; the next scene moves on by one place. Shot A has
/// characters 1 and 2, B is a close-up of 2 with 3, C shows 1 with 4 (numbers turn per scene). The
/// one that stands left looks right, and the other way round, where they do not walk.
Film::Shot Film::direct(int64_t shot) const {
  const int64_t scene = shot / 4, part = shot % 4;
  const int64_t turn = static_cast<int64_t>(Random(spec_.seed, 0x7e44).bits() % kPlaces) + scene;
  const int64_t step[] = {0, 1, 0, 2};
  Shot s =
      place_camera(shot, static_cast<int>((turn + step[part]) % kPlaces), part == 1 || part == 2);
  const int pairs[4][2] = {{0, 1}, {1, 2}, {0, 1}, {0, 3}};
  Random random(spec_.seed, 0xac7000 + static_cast<uint64_t>(shot));
  const double aspect = static_cast<double>(spec_.width) / spec_.height;
  const double view = aspect / std::max(s.zoom0, s.zoom1), middle = (s.x0 + s.x1) / 2;
  const bool swapped = spec_.swap_sides &&
                       Random(spec_.seed, 0x51de00 + static_cast<uint64_t>(shot)).uniform() < 0.5;
  for (int i = 0; i < 2; ++i) {
    Actor a{.left = (i == 0) != swapped};
    a.character = static_cast<int>((pairs[part][i] + scene) % characters());
    a.action = static_cast<Action>(random.below(4));
    a.facing = a.action == Action::walk ? (random.uniform() < 0.5 ? -1 : 1) : (a.left ? 1 : -1);
    a.speed = a.action == Action::walk ? a.facing * random.uniform(0.18, 0.3) : 0;
    a.x = middle + view * (a.left ? -0.22 : 0.2) + random.uniform(-0.05, 0.05) * view;
    a.y = 0.97 + 0.07 * i + random.uniform(0, 0.03);
    const bool dog = spec_.cast[a.character].kind == Character::Kind::dog;
    a.size = dog ? 0.42 : random.uniform(0.54, 0.58);
    a.phase = random.uniform(0, 2);
    s.actors.push_back(a);
  }
  return s;
}

int64_t Film::shot_of(int64_t i) const { return vidattn::shot_of(spec_.shots, i); }

Camera Film::camera(const Shot& shot, double share, double seconds) const {
  const double eased = share * share * (3 - 2 * share);
  const double zoom = shot.zoom0 + (shot.zoom1 - shot.zoom0) * eased;
  const cv::Point2d shake(std::sin(7.3 * seconds) + 0.6 * std::sin(12.1 * seconds + 1),
                          std::sin(8.9 * seconds + 2) + 0.5 * std::sin(14.7 * seconds));
  const cv::Point2d centre(shot.x0 + (shot.x1 - shot.x0) * eased, shot.y);
  return {centre + shot.shake * shake, zoom * static_cast<double>(spec_.height),
          cv::Size(static_cast<int>(spec_.width), static_cast<int>(spec_.height))};
}

Film::Moment Film::moment(int64_t i) const {
  const int64_t index = shot_of(i), begin = spec_.shots[index];
  const bool last = index + 1 == static_cast<int64_t>(shots_.size());
  const int64_t end = last ? spec_.frames : spec_.shots[index + 1];
  const Shot& shot = shots_[index];
  const double share = (static_cast<double>(i - begin) + 0.5) / static_cast<double>(end - begin);
  const double seconds = static_cast<double>(i - begin) / spec_.fps;
  return {shot, share, seconds, seconds - static_cast<double>(end - begin) / spec_.fps / 2,
          camera(shot, share, seconds)};
}

Pose Film::pose(const Actor& actor, const Moment& now) const {
  return {{actor.x + actor.speed * now.from_middle, actor.y},
          actor.size,
          actor.facing,
          now.seconds + actor.phase,
          actor.action};
}

cv::Mat Film::frame(int64_t i) const {
  const Moment now = moment(i);
  const double texture = kDetail * static_cast<double>(spec_.height);
  const double ratio = texture / now.view.scale;
  const cv::Matx23d to_place(
      ratio, 0, now.view.centre.x * texture - ratio * static_cast<double>(spec_.width) / 2,  //
      0, ratio, now.view.centre.y * texture - ratio * static_cast<double>(spec_.height) / 2);
  cv::Mat image;
  cv::warpAffine(places_[now.shot.place], image, to_place, now.view.size,
                 cv::INTER_LINEAR | cv::WARP_INVERSE_MAP, cv::BORDER_REPLICATE);
  Canvas canvas(image, now.view);
  for (const Actor& a : now.shot.actors) draw(spec_.cast[a.character], pose(a, now), canvas);
  image.convertTo(image, -1, now.shot.light0 + (now.shot.light1 - now.shot.light0) * now.share);
  Random random(spec_.seed, 0xf7a3e0000 + static_cast<uint64_t>(i));
  const cv::Rect part(static_cast<int>(random.below(kGrainMargin)),
                      static_cast<int>(random.below(kGrainMargin)), image.cols, image.rows);
  cv::add(image, grain_(part), image, cv::noArray(), CV_8U);
  return image;
}

cv::Mat Film::identity(int64_t i) const {
  const Moment now = moment(i);
  cv::Mat mask = cv::Mat::zeros(now.view.size, CV_8UC1);
  for (const Actor& a : now.shot.actors) {
    Canvas canvas(mask, now.view, static_cast<uint8_t>(a.character + 1));
    draw(spec_.cast[a.character], pose(a, now), canvas);
  }
  return mask;
}

bool write_film(const FilmSpec& spec, const std::string& path,
                const std::function<bool(double)>& progress) {
  const std::string ending = std::filesystem::path(path).extension();
  if (ending != ".mp4" && ending != ".avi")
    throw InputError("film file " + in_quotes(path) + " must end in .mp4 or .avi");
  const Film film(spec);
  VideoFile file(path, ending == ".mp4" ? VideoCodec::mpeg4 : VideoCodec::mjpeg, spec.fps,
                 cv::Size(static_cast<int>(spec.width), static_cast<int>(spec.height)));
  for (int64_t i = 0; i < spec.frames; ++i) {
    file.write(film.frame(i));
    if (progress && !progress(static_cast<double>(i + 1) / static_cast<double>(spec.frames)))
      return false;
  }
  file.commit();
  return true;
}

}  // namespace vidattn
