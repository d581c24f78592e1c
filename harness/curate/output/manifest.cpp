#include "harness/curate/output/manifest.h"

#include "harness/curate/record/stage_file.h"
#include "harness/io/embedded.h"
#include "harness/io/json_file.h"
#include "harness/io/text/path_json.h"
#include "harness/workloads/shots.h"

namespace vidattn {
namespace {

nlohmann::json shot_json(const SampleFacts& facts, size_t i) {
  const SamplePiece& piece = facts.plan.pieces[i];
  const ClipRecord& clip = facts.analysis.clips[static_cast<size_t>(piece.clip)];
  const ShotCaption& caption = facts.made.captions[i];
  const Segmentation& segmentation = *facts.analysis.segmentation;
  const double fps = segmentation.fps;
  nlohmann::json shot{{"clip", piece.clip},
                      {"frames", piece.frames()},
                      {"source_first", piece.first},
                      {"source_last", piece.last},
                      {"decoded_first", segmentation.decoded(piece.first)},
                      {"decoded_last", segmentation.decoded(piece.last)},
                      {"from_s", static_cast<double>(piece.first) / fps},
                      {"to_s", static_cast<double>(piece.last + 1) / fps},
                      {"begins_with", clip.span.begins_with},
                      {"crop", rect_json(piece.crop)},
                      {"crop_area", clip.area},
                      {"caption", caption.text},
                      {"caption_from", caption.from},
                      {"tags", to_json(clip.look)},
                      {"quality", to_json(clip.quality)}};
  if (!caption.tags.empty()) shot["caption_tags"] = caption.tags;
  if (!caption.error.empty()) shot["caption_error"] = caption.error;
  return shot;
}

/// The shots' captions in order, as one text.
std::string whole_caption(const std::vector<ShotCaption>& captions) {
  std::string text;
  for (size_t i = 0; i < captions.size(); ++i)
    text += (i == 0 ? "" : " ") + std::string("Shot ") + std::to_string(i + 1) + ": " +
            captions[i].text;
  return text;
}

}  // namespace

nlohmann::json manifest_line(const SampleFacts& facts) {
  const Segmentation& segmentation = *facts.analysis.segmentation;
  const PixelAspect& pixels = facts.analysis.source.pixels;
  const int64_t frames = facts.plan.frames();
  const std::vector<int64_t> starts = facts.plan.shot_starts();
  std::vector<double> starts_s;
  for (const int64_t start : starts)
    starts_s.push_back(static_cast<double>(start) / segmentation.fps);
  nlohmann::json line{{"schema_version", kManifestVersion},
                      {"id", facts.id},
                      {"file", DatasetPlace::sample(facts.id)},
                      {"sheet", DatasetPlace::sheet(facts.id)},
                      {"video", facts.video.id},
                      {"source", facts.video.source},
                      {"frames", frames},
                      {"fps", segmentation.fps},
                      {"seconds", static_cast<double>(frames) / segmentation.fps},
                      {"width", facts.plan.size.width},
                      {"height", facts.plan.size.height},
                      {"pixel_aspect", {pixels.width, pixels.height}},
                      {"written", facts.made.origin.how},
                      {"codec", facts.made.origin.codec},
                      {"cuts", facts.plan.pieces.size() - 1},
                      {"shot_starts", starts},
                      {"shot_starts_s", starts_s},
                      {"latent_shots", latent_shots(starts, latent_frames(frames))},
                      {"caption", whole_caption(facts.made.captions)},
                      {"notes", facts.analysis.notes()},
                      {"shots", nlohmann::json::array()}};
  put_path(line, "video_path", facts.video.path);
  if (!facts.made.origin.reason.empty()) line["encoded_because"] = facts.made.origin.reason;
  for (size_t i = 0; i < facts.plan.pieces.size(); ++i)
    line["shots"].push_back(shot_json(facts, i));
  return line;
}

const nlohmann::json& manifest_schema() {
  static const nlohmann::json schema =
      parse_json(embedded("harness/curate/output/manifest.schema.json"));
  return schema;
}

}  // namespace vidattn
