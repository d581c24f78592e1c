#include "harness/curate/shots/look.h"

#include <fmt/format.h>

#include <cmath>

namespace vidattn {
namespace {

constexpr double kLeastCamera = 0.03;  // frame sizes per second below which a camera stands

}  // namespace

std::string ClipLook::motion_word() const {
  return motion < 0.01 ? "still" : motion < 0.08 ? "slow" : motion < 0.3 ? "moderate" : "fast";
}

std::string ClipLook::camera_word() const {
  std::vector<std::string> moves;
  if (std::abs(pan) >= kLeastCamera) moves.emplace_back(pan > 0 ? "pans right" : "pans left");
  if (std::abs(tilt) >= kLeastCamera) moves.emplace_back(tilt > 0 ? "tilts down" : "tilts up");
  if (std::abs(zoom) >= kLeastCamera) moves.emplace_back(zoom > 0 ? "zooms in" : "zooms out");
  return moves.empty() ? "static" : fmt::format("{}", fmt::join(moves, ", "));
}

std::string ClipLook::light_word() const {
  return brightness < 0.25 ? "dark" : brightness > 0.65 ? "bright" : "medium";
}

std::string ClipLook::sentence(double seconds) const {
  const std::string camera = camera_word();
  return fmt::format("A {} shot of {:.1f} s. The camera {}. Colours: {}. Light: {}.", motion_word(),
                     seconds, camera == "static" ? "stands still" : camera,
                     colours.empty() ? "mixed" : fmt::format("{}", fmt::join(colours, ", ")),
                     light_word());
}

nlohmann::json to_json(const ClipLook& look) {
  return {{"motion", look.motion},
          {"motion_word", look.motion_word()},
          {"pan", look.pan},
          {"tilt", look.tilt},
          {"zoom", look.zoom},
          {"camera", look.camera_word()},
          {"brightness", look.brightness},
          {"light", look.light_word()},
          {"colours", look.colours},
          {"pairs", look.pairs}};
}

ClipLook read_clip_look(const JsonReader& json) {
  ClipLook look;
  json.read("motion", look.motion);
  json.read("pan", look.pan);
  json.read("tilt", look.tilt);
  json.read("zoom", look.zoom);
  json.read("brightness", look.brightness);
  json.read("colours", look.colours);
  json.read("pairs", look.pairs);
  return look;
}

}  // namespace vidattn
