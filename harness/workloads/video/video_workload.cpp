#include "harness/workloads/video/video_workload.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <tuple>

#include "attention/error.h"
#include "harness/io/places/models.h"
#include "harness/io/sha256.h"
#include "harness/io/text/path_json.h"
#include "harness/workloads/features.h"
#include "harness/workloads/film/film.h"
#include "harness/workloads/kind.h"
#include "harness/workloads/qkv.h"
#include "harness/workloads/shots.h"
#include "harness/workloads/token_labels.h"
#include "harness/workloads/video/person_masks.h"
#include "harness/workloads/video/video_input.h"
#include "metrics/plan/groups/group_iou.h"

namespace vidattn {
namespace {

constexpr int64_t kMostTokens = 1024;  // of a side; 16384 pixels
constexpr int64_t kDefaultFrames = 21;
constexpr int64_t kFilmHeight = 30, kFilmWidth = 52;  // 480x832 pixels

QkvOptions qkv_options(const WorkloadRequest& request) {
  return {request.heads, request.dim, request.seed, request.peak};
}

/// Everything about a request that can be judged without its video.
void check_request(const WorkloadRequest& request) {
  check_qkv_options(qkv_options(request));
  const auto check = [](const char* what, int64_t value, int64_t most) {
    if (value < 0 || value > most)
      throw InputError(std::string(what) + " " + std::to_string(value) +
                       " must lie between 1 and " + std::to_string(most) +
                       " tokens, or be 0 for the default");
  };
  check("frames", request.frames, int64_t{1} << 24);
  check("height", request.height, kMostTokens);
  check("width", request.width, kMostTokens);
}

/// Maps the progress of one part of the work to a stretch of the whole.
std::function<void(double)> part(const WorkloadRequest& request, double from, double to) {
  if (!request.progress) return [](double) {};
  return
      [report = request.progress, from, to](double share) { report(from + (to - from) * share); };
}

}  // namespace

Workload project_features(const WorkloadRequest& request, VideoFeatures features, double sharpness,
                          const RowsOf& rows) {
  const VideoGrid& grid = features.grid;
  std::vector<float>& hidden = features.hidden;
  QkvOptions options = qkv_options(request);
  options.sharpness = sharpness;
  if (rows) std::tie(options.begin, options.end) = rows(grid.video_tokens());
  Qkv qkv = synthesize_qkv(hidden, kFeatures, grid, options);
  Workload out;
  out.name = request.spec;
  out.inputs.q = qkv.q;
  out.inputs.k = qkv.k;
  out.inputs.v = qkv.v;
  out.inputs.grid = grid;
  if (rows)
    hidden = {hidden.begin() + options.begin * kFeatures, hidden.begin() + options.end * kFeatures};
  out.inputs.extra["hidden"] = std::make_shared<const Array>(
      Array{{std::ssize(hidden) / kFeatures, kFeatures}, std::move(hidden)});
  if (!features.identity.empty())
    out.inputs.extra[kIdentity] = std::make_shared<const Array>(
        Array{{std::ssize(features.identity)}, std::move(features.identity)});
  nlohmann::json& provenance = out.provenance = std::move(features.provenance);
  provenance["seed"] = request.seed;
  provenance["grid"] = {grid.frames, grid.height, grid.width};
  provenance["heads"] = request.heads;
  provenance["dim"] = request.dim;
  provenance["shots_latent"] = grid.shots;
  provenance["features"] = feature_description();
  provenance["qkv"] = {
      {"method",
       "stand-in for a trained model: random orthogonal projections of the features, RMS "
       "norm, Wan's 3-D rotary embedding"},
      {"peak_measure", "share of attention mass on the strongest 5% of the keys"},
      {"peak_target", request.peak == 0 ? kDefaultPeak : request.peak},
      {"peak", qkv.peak},
      {"head_peak", qkv.head_peak},
      {"sharpness", qkv.sharpness}};
  if (sharpness != 0) out.provenance["qkv"]["sharpness_from"] = "the clean film";
  if (request.progress) request.progress(1);
  return out;
}

namespace {

std::vector<int64_t> film_cuts(const std::vector<int64_t>& latent) {
  std::vector<int64_t> cuts;
  for (const int64_t t : latent) cuts.push_back(first_pixel_frame(t));
  return cuts;
}

/// The grid that a video of this size is brought to.
VideoGrid video_grid(const WorkloadRequest& request, const VideoSurvey& survey) {
  const auto tokens = [](int64_t asked, int64_t pixels) {
    return asked != 0
               ? asked
               : std::clamp<int64_t>((pixels + kTokenPixels / 2) / kTokenPixels, 1, kMostTokens);
  };
  return {.frames = request.frames != 0 ? request.frames
                                        : std::min(kDefaultFrames, latent_frames(survey.frames)),
          .height = tokens(request.height, survey.height),
          .width = tokens(request.width, survey.width)};
}

/// The network that a request's masks name; nullptr where it names none.
std::unique_ptr<PersonMasks> persons_of(const WorkloadRequest& request,
                                        nlohmann::json& provenance) {
  if (request.masks.empty()) return nullptr;
  constexpr const char* kWantedFor = "--masks persons";
  const size_t colon = request.masks.find(':');
  const std::string given = colon == std::string::npos ? "" : request.masks.substr(colon + 1);
  const std::string file = required_model(given, "persons.onnx", kWantedFor);
  auto network = std::make_unique<PersonMasks>(file, kWantedFor);
  provenance = {{"from", "persons"}, {"sha256", sha256_file(file)}};
  put_path(provenance, "file", file);
  return network;
}

/// Features, and masks where there is a network that makes them.
void describe_video(const VideoInput& input, const FrameSampling& sampling, PersonMasks* persons,
                    const std::function<void(double)>& progress, VideoFeatures& made) {
  const VideoGrid& grid = made.grid;
  const auto reader = open_frames(input);
  FeatureExtractor extractor(grid);
  TokenLabels labels(grid);
  const cv::Size size(static_cast<int>(grid.width * kTokenPixels),
                      static_cast<int>(grid.height * kTokenPixels));
  int64_t position = 0;
  for (int64_t i = 0; i < sampling.wanted; ++i) {
    for (; position < sampling.frame(i); ++position) reader->skip();
    const cv::Mat frame = reader->next();
    ++position;
    if (frame.empty()) throw InputError("video '" + input.path + "' changed while it was read");
    cv::Mat resized;
    cv::resize(frame, resized, size, 0, 0, cv::INTER_AREA);
    extractor.push(resized);
    if (persons != nullptr) labels.add(persons->mask(frame, size));
    progress(static_cast<double>(i + 1) / static_cast<double>(sampling.wanted));
  }
  made.hidden = extractor.finish();
  if (persons != nullptr) made.identity = labels.finish();
}

}  // namespace

VideoFeatures film_features(const WorkloadRequest& request) {
  check_request(request);
  VideoGrid grid{.frames = request.frames != 0 ? request.frames : kDefaultFrames,
                 .height = request.height != 0 ? request.height : kFilmHeight,
                 .width = request.width != 0 ? request.width : kFilmWidth};
  if (!request.shots.empty()) grid.shots = request.shots;
  grid.validate();
  FeatureExtractor extractor(grid);  // first, for it tells when the grid is too large
  const Film film({.seed = request.seed,
                   .frames = pixel_frames(grid.frames),
                   .height = grid.height * kTokenPixels,
                   .width = grid.width * kTokenPixels,
                   .shots = film_cuts(request.shots)});
  grid.shots = latent_shots(film.shot_starts(), grid.frames);
  const auto progress = part(request, 0, 0.8);
  TokenLabels labels(grid);
  for (int64_t i = 0; i < film.spec().frames; ++i) {
    extractor.push(film.frame(i));
    if (!request.masks.empty()) labels.add(film.identity(i));
    progress(static_cast<double>(i + 1) / static_cast<double>(film.spec().frames));
  }
  return {grid,
          extractor.finish(),
          {{"source", "film"},
           {"frames", film.spec().frames},
           {"height", film.spec().height},
           {"width", film.spec().width},
           {"fps", film.spec().fps},
           {"stride", 1},
           {"shots_from", request.shots.empty() ? "the film" : "given"},
           {"shots_pixel", film.shot_starts()}},
          request.masks.empty() ? std::vector<uint8_t>() : labels.finish()};
}

Workload film_workload(const WorkloadRequest& request, const RowsOf& rows) {
  return project_features(request, film_features(request), 0, rows);
}

Workload video_workload(const WorkloadRequest& request, const RowsOf& rows) {
  check_request(request);
  const std::string prefix = "video:";
  const std::string path =
      request.spec.starts_with(prefix) ? request.spec.substr(prefix.size()) : request.spec;
  const VideoInput input = find_video(path);
  nlohmann::json masks;
  const auto persons = persons_of(request, masks);
  const VideoSurvey survey = vidattn::survey(input, part(request, 0, 0.4));
  VideoGrid grid = video_grid(request, survey);
  const int64_t wanted = pixel_frames(grid.frames);
  if (wanted > survey.frames)
    throw InputError("video '" + path + "' has " + std::to_string(survey.frames) + " frames, " +
                     std::to_string(grid.frames) + " latent frames need " + std::to_string(wanted));
  const FrameSampling sampling = sample_frames(survey.frames, wanted);
  grid.shots = request.shots.empty()
                   ? latent_shots(sampled_shots(survey.shots, sampling), grid.frames)
                   : request.shots;
  grid.validate();
  VideoFeatures features{
      grid,
      {},
      {{"source", "video"},
       {"frames", wanted},
       {"file_frames", survey.frames},
       {"height", grid.height * kTokenPixels},
       {"width", grid.width * kTokenPixels},
       {"file_height", survey.height},
       {"file_width", survey.width},
       {"fps", survey.fps},
       {"notes", survey.notes},
       {"decoder", survey.decoder},
       {"stride", sampling.stride},
       {"shots_from", request.shots.empty() ? "shot detector, content rule" : "given"},
       {"shots_pixel", survey.shots}}};
  if (persons) features.provenance["masks"] = masks;
  describe_video(input, sampling, persons.get(), part(request, 0.4, 0.8), features);
  Workload workload = project_features(request, std::move(features), 0, rows);
  put_path(workload.provenance, "path", path);
  workload.notes = survey.notes;
  return workload;
}

namespace {

template <Workload (*make)(const WorkloadRequest&, const RowsOf&)>
Workload make_whole(const WorkloadRequest& request) {
  return make(request, {});
}

template <Workload (*make)(const WorkloadRequest&, const RowsOf&)>
WorkloadPart make_rows(const WorkloadRequest& request, const RowsOf& rows) {
  Workload made = make(request, rows);
  const int64_t tokens = made.inputs.grid.tokens();
  return {std::move(made), tokens, tokens};
}

const RegisterWorkload film_kind(
    {.name = "film",
     .help = "vidattn's own multi-shot film, rendered from --seed, with known shots",
     .synthesized = true,
     .make = make_whole<film_workload>,
     .make_part = make_rows<film_workload>,
     .masks = "characters"});
const RegisterWorkload video_kind({.name = "video",
                                   .argument = "PATH",
                                   .help = "any file that FFmpeg reads, or a folder of frames; "
                                           "shots found (as by `vidattn shots`) or given",
                                   .synthesized = true,
                                   .make = make_whole<video_workload>,
                                   .make_part = make_rows<video_workload>,
                                   .masks = "persons"});
}  // namespace

}  // namespace vidattn
