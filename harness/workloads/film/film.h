#pragma once

#include <cstdint>
#include <functional>
#include <opencv2/core.hpp>
#include <optional>
#include <string>
#include <vector>

#include "harness/workloads/film/cast.h"

namespace vidattn {

struct FilmSpec {
  uint64_t seed = 1;
  int64_t frames = 81, height = 480, width = 832;  ///< pixels; Wan2.1's training size
  double fps = 16;                                 ///< Wan2.1's
  /// First frame of every shot, ascending from 0; empty = drawn from the seed, 2 s on average.
  std::vector<int64_t> shots = {};
  std::vector<Character> cast = {};  ///< kFilmCast characters; empty = make_cast(seed)
  /// Factors of every place's blue, green and red, as many as places; empty = the places' own.
  std::vector<Colour> tints = {};
  double pan = 0.5;  ///< farthest that the camera goes sideways in a shot; 1 = picture's height
  bool swap_sides = false;  ///< shots draw which of their two stands left; else it is the first
};

/// Characters of a film: its shots are written for so many.
constexpr int kFilmCast = 4;

/// What a shot shows.
struct ShotScript {
  struct Role {
    int character = 0;  ///< of Film::cast()
    Action action = Action::idle;
    bool left = true;         ///< stands left of the picture's middle
    bool faces_right = true;  ///< and walks that way
  };
  int place = 0;  ///< below kPlaces
  bool close = false;
  std::vector<Role> roles;  ///< back to front
};

/// The seed that "film" (1) or "film:SEED" stands for; none for other text. Throws InputError when
/// SEED is no whole number.
std::optional<uint64_t> film_seed(const std::string& source);

/// A procedural multi-shot film with ground truth: shot starts and each pixel's character. Four
/// characters and four places recur across hard cuts in the order A-B-A-C, under a moving camera,
/// changing light and film grain. It is a function of the spec alone: frames can be asked for in
/// any order and from several threads, and none is kept. Shots, cast and motion do not depend on
/// the compiler; pixels are those of the OpenCV release at hand.
class Film {
 public:
  /// Throws InputError for sizes outside 16 to 16384 pixels, no frames, impossible shots, or a cast
  /// or tints of another number.
  explicit Film(FilmSpec spec);

  /// The same film with other colours of its characters; what is drawn of the places is shared.
  /// Throws InputError unless the characters' kinds are the same.
  Film with_cast(std::vector<Character> cast) const;

  cv::Mat frame(int64_t i) const;     ///< 8UC3, BGR
  cv::Mat identity(int64_t i) const;  ///< 8UC1: 0 background, 1 to characters() the character

  const FilmSpec& spec() const { return spec_; }
  const std::vector<int64_t>& shot_starts() const { return spec_.shots; }
  int64_t shot_of(int64_t i) const;
  int place_of(int64_t shot) const { return shots_[shot].place; }
  ShotScript script(int64_t shot) const;
  int characters() const { return static_cast<int>(spec_.cast.size()); }
  const std::vector<Character>& cast() const { return spec_.cast; }

 private:
  struct Actor {
    int character = 0;
    double x = 0, y = 0;  ///< feet in the middle of the shot, world units
    double speed = 0;     ///< world units per second
    double facing = 1, size = 0.55, phase = 0;
    Action action = Action::idle;
    bool left = true;
  };
  struct Shot {
    int place = 0;
    bool close = false;
    double x0 = 0, x1 = 0, y = 0, zoom0 = 1, zoom1 = 1;  ///< camera at start and end
    double shake = 0, light0 = 1, light1 = 1;
    std::vector<Actor> actors;  ///< back to front
  };
  struct Moment {
    const Shot& shot;
    double share = 0;        ///< of the shot that has passed
    double seconds = 0;      ///< since the shot's start
    double from_middle = 0;  ///< seconds since the shot's middle
    Camera view;
  };
  cv::Mat tinted_place(int place) const;
  Shot direct(int64_t shot) const;
  Shot place_camera(int64_t shot, int place, bool close) const;
  Camera camera(const Shot& shot, double share, double seconds) const;
  Moment moment(int64_t i) const;
  Pose pose(const Actor& actor, const Moment& now) const;

  FilmSpec spec_;
  double world_width_;
  std::vector<Shot> shots_;
  std::vector<cv::Mat> places_;  ///< empty where no shot is
  cv::Mat grain_;
};

/// Writes the film as .mp4 (MPEG-4 part 2) or .avi (Motion JPEG), which appears when it is complete
/// (video_file.h). `progress` is called with the finished share and may be empty; where it answers
/// false, nothing is left and the result is false. Throws InputError for another ending, and as
/// VideoFile does.
bool write_film(const FilmSpec& spec, const std::string& path,
                const std::function<bool(double)>& progress = {});

}  // namespace vidattn
