#include "harness/curate/shots/clip_record.h"

#include "harness/curate/record/stage_file.h"

namespace vidattn {
namespace {

nlohmann::json mark_json(const ClipMark& mark) {
  return {{"kind", mark.kind},
          {"text", mark.text},
          {"box", rect_json(mark.box)},
          {"avoided", mark.avoided},
          {"drift", mark.drift}};
}

ClipMark read_mark(const JsonReader& json) {
  return {json.at("kind").text(), json.at("text").line(), read_rect(json.at("box")),
          json.at("avoided").boolean(), json.at("drift").number()};
}

}  // namespace

void decide(ClipRecord& clip, double fps, const CurateLimits& limits) {
  clip.decisions = {};
  clip.decisions.at_least("clip.seconds", static_cast<double>(clip.span.frames()) / fps,
                          limits.least_clip_seconds);
  judge_quality(clip.quality, limits.clip, "clip", clip.decisions);
  clip.decisions.at_least("clip.crop_area", clip.area, limits.least_area);
}

nlohmann::json to_json(const ClipRecord& clip) {
  nlohmann::json marks = nlohmann::json::array();
  for (const ClipMark& mark : clip.marks) marks.push_back(mark_json(mark));
  return {{"number", clip.number},
          {"first", clip.span.first},
          {"last", clip.span.last},
          {"begins_with", clip.span.begins_with},
          {"quality", to_json(clip.quality)},
          {"look", to_json(clip.look)},
          {"signature", to_json(clip.signature)},
          {"marks", marks},
          {"crop", rect_json(clip.crop)},
          {"area", clip.area},
          {"picture", clip.picture},
          {"decisions", to_json(clip.decisions)}};
}

ClipRecord read_clip_record(const JsonReader& json, cv::Size frame) {
  ClipRecord clip;
  json.read("number", clip.number);
  json.read("first", clip.span.first);
  json.read("last", clip.span.last);
  json.read("begins_with", clip.span.begins_with);
  clip.quality = read_quality_figures(json.at("quality"));
  clip.look = read_clip_look(json.at("look"));
  clip.signature = read_clip_signature(json.at("signature"));
  for (const JsonReader& mark : json.at("marks").items()) clip.marks.push_back(read_mark(mark));
  clip.crop = read_rect(json.at("crop"), frame);
  clip.area = static_cast<double>(clip.crop.area()) / frame.area();
  json.read("picture", clip.picture);
  clip.decisions = read_decisions(json.at("decisions"));
  return clip;
}

}  // namespace vidattn
