#include "harness/workloads/video/video_input.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "attention/error.h"
#include "harness/io/file.h"
#include "harness/workloads/film/film.h"
#include "harness/workloads/video/picture.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;

constexpr std::array kPictures = {".png", ".jpg", ".jpeg", ".bmp",
                                  ".ppm", ".tif", ".tiff", ".webp"};
constexpr std::array kVideos = {".mp4", ".webm", ".avi", ".mov", ".mkv", ".gif", ".m4v", ".mpg"};

bool ends_in(const fs::path& path, const auto& endings) {
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 'a' - 'A') : static_cast<char>(c);
  });
  return std::find(endings.begin(), endings.end(), ending) != endings.end();
}

class FolderReader : public FrameSource {
 public:
  explicit FolderReader(const VideoInput& input) : input_(input) {}

  cv::Mat next() override {
    if (position_ == input_.images.size()) return {};
    const std::string& path = input_.images[position_++];
    cv::Mat frame = read_picture(path);
    if (position_ == 1) size_ = frame.size();
    if (frame.size() != size_)
      throw InputError(fmt::format("picture {} has {}x{} pixels, the folder's first has {}x{}",
                                   in_quotes(path), frame.cols, frame.rows, size_.width,
                                   size_.height));
    return frame;
  }
  double fps() const override { return input_.image_fps; }
  int64_t frames_promised() const override { return static_cast<int64_t>(input_.images.size()); }

 private:
  VideoInput input_;
  size_t position_ = 0;
  cv::Size size_;
};

class FilmReader : public FrameSource {
 public:
  explicit FilmReader(std::shared_ptr<const Film> film) : film_(std::move(film)) {}

  cv::Mat next() override {
    return position_ < frames_promised() ? film_->frame(position_++) : cv::Mat();
  }
  double fps() const override { return film_->spec().fps; }
  int64_t frames_promised() const override { return film_->spec().frames; }

 private:
  std::shared_ptr<const Film> film_;
  int64_t position_ = 0;
};

void add_folder(const std::string& folder, double image_fps, std::vector<VideoInput>& inputs) {
  std::vector<std::string> pictures, videos;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (ends_in(entry.path(), kPictures)) pictures.push_back(entry.path().string());
    if (ends_in(entry.path(), kVideos)) videos.push_back(entry.path().string());
  }
  if (pictures.empty() && videos.empty())
    throw InputError(fmt::format("folder {} holds no frames (png, jpg …) and no videos (mp4 …)",
                                 in_quotes(folder)));
  if (!pictures.empty() && !videos.empty())
    throw InputError(fmt::format("folder {} holds {} pictures and {} videos; name what is meant",
                                 in_quotes(folder), pictures.size(), videos.size()));
  const auto by_number = [](const std::string& a, const std::string& b) {
    return strverscmp(a.c_str(), b.c_str()) < 0;
  };
  std::sort(pictures.begin(), pictures.end(), by_number);
  std::sort(videos.begin(), videos.end(), by_number);
  for (const std::string& video : videos) inputs.push_back({.path = video});
  if (!pictures.empty())
    inputs.push_back({.path = folder, .images = std::move(pictures), .image_fps = image_fps});
}

}  // namespace

std::vector<VideoInput> find_videos(const std::vector<std::string>& paths, double image_fps) {
  if (!(image_fps > 0 && std::isfinite(image_fps)))
    throw InputError("the frame rate must be a number above 0");
  std::vector<VideoInput> inputs;
  for (const std::string& path : paths) {
    std::error_code error;
    if (const auto seed = film_seed(path))
      inputs.push_back(
          {.path = path, .film = std::make_shared<const Film>(FilmSpec{.seed = *seed})});
    else if (fs::is_directory(path, error))
      add_folder(path, image_fps, inputs);
    else
      inputs.push_back({.path = path});
  }
  for (const VideoInput& input : inputs) open_frames(input);
  return inputs;
}

VideoInput find_video(const std::string& path) {
  std::vector<VideoInput> inputs = find_videos({path}, VideoInput().image_fps);
  if (inputs.size() != 1)
    throw InputError(fmt::format("folder {} holds {} videos, one is needed; name it",
                                 in_quotes(path), inputs.size()));
  return std::move(inputs.front());
}

std::unique_ptr<FrameSource> open_frames(const VideoInput& input) {
  if (input.film) return std::make_unique<FilmReader>(input.film);
  if (!input.images.empty()) return std::make_unique<FolderReader>(input);
  return std::make_unique<VideoReader>(input.path);
}

VideoSurvey survey(const VideoInput& input, const std::function<void(double)>& progress) {
  if (input.film) {
    const FilmSpec& spec = input.film->spec();
    return {spec.frames, spec.height, spec.width, spec.fps, input.film->shot_starts()};
  }
  const auto frames = open_frames(input);
  return survey_frames(*frames, input.path, progress);
}

}  // namespace vidattn
