#include <iterator>

#include "harness/curate/shots/segmentation.h"

namespace vidattn {
namespace {

Transition transition_of(const JsonReader& json) {
  for (const Transition kind :
       {Transition::cut, Transition::gradual, Transition::wipe, Transition::fade})
    if (json.text() == transition_name(kind)) return kind;
  json.expected("cut, gradual or fade");
}

nlohmann::json boundary_json(const JointBoundary& one) {
  nlohmann::json json{{"frame", one.boundary.frame}, {"kind", transition_name(one.boundary.kind)},
                      {"first", one.boundary.first}, {"last", one.boundary.last},
                      {"score", one.boundary.score}, {"content", one.content},
                      {"adaptive", one.adaptive},    {"label", one.label()}};
  if (one.transnet) json["transnet"] = *one.transnet;
  return json;
}

JointBoundary read_boundary(const JsonReader& json) {
  const JsonReader transnet = json.maybe("transnet");
  return {{.frame = json.at("frame").integer(),
           .kind = transition_of(json.at("kind")),
           .first = json.at("first").integer(),
           .last = json.at("last").integer(),
           .score = json.at("score").number()},
          json.at("content").boolean(),
          json.at("adaptive").boolean(),
          transnet.is_null() ? std::nullopt : std::optional(transnet.boolean())};
}

/// A span that begins at frame `from` or later.
ClipSpan read_span(const JsonReader& json, int64_t from, int64_t frames) {
  const int64_t first = json.at("first").integer(from, frames - 1);
  return {first, json.at("last").integer(first, frames - 1), json.at("begins_with").text()};
}

/// Empty, or the file's frame at every step, none before the last one.
std::vector<int64_t> read_grid(const JsonReader& json, int64_t steps) {
  std::vector<int64_t> grid;
  for (const JsonReader& frame : json.items())
    grid.push_back(frame.integer(grid.empty() ? 0 : grid.back()));
  if (!grid.empty() && std::ssize(grid) != steps) json.expected("a frame for every step");
  return grid;
}

}  // namespace

nlohmann::json to_json(const Segmentation& segmentation) {
  nlohmann::json boundaries = nlohmann::json::array(), clips = nlohmann::json::array();
  for (const JointBoundary& one : segmentation.boundaries) {
    boundaries.push_back(boundary_json(one));
    boundaries.back()["at_s"] = segmentation.seconds_of_decoded(one.boundary.frame);
  }
  for (const ClipSpan& clip : segmentation.clips)
    clips.push_back(
        {{"first", clip.first}, {"last", clip.last}, {"begins_with", clip.begins_with}});
  return {{"frames", segmentation.frames},
          {"fps", segmentation.fps},
          {"grid", segmentation.grid},
          {"boundaries", boundaries},
          {"clips", clips},
          {"notes", segmentation.notes},
          {"decisions", to_json(segmentation.decisions)}};
}

Segmentation read_segmentation(const JsonReader& json) {
  constexpr int64_t kMostFrames = int64_t{1} << 40;
  constexpr double kLeastRate = 1e-6, kMostRate = 1e6;
  Segmentation segmentation;
  segmentation.frames = json.at("frames").integer(1, kMostFrames);
  segmentation.fps = json.at("fps").number(kLeastRate, kMostRate);
  segmentation.grid = read_grid(json.at("grid"), segmentation.frames);
  for (const JsonReader& one : json.at("boundaries").items())
    segmentation.boundaries.push_back(read_boundary(one));
  int64_t from = 0;
  for (const JsonReader& json_clip : json.at("clips").items()) {
    segmentation.clips.push_back(read_span(json_clip, from, segmentation.frames));
    from = segmentation.clips.back().last + 1;
  }
  json.read("notes", segmentation.notes);
  segmentation.decisions = read_decisions(json.at("decisions"));
  return segmentation;
}

}  // namespace vidattn
