#include "harness/workloads/video/video_input.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "attention/cancel.h"
#include "attention/error.h"
#include "harness/io/file.h"
#include "harness/io/places/roles.h"
#include "harness/io/text/counted.h"
#include "harness/workloads/film/film.h"
#include "harness/workloads/media/picture.h"
#include "harness/workloads/media/video_reader.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;

constexpr std::array kPictures = {".png", ".jpg", ".jpeg", ".bmp",
                                  ".ppm", ".tif", ".tiff", ".webp"};
constexpr std::array kVideos = {".mp4", ".webm", ".avi", ".mov",  ".mkv",  ".gif", ".m4v",
                                ".mpg", ".mpeg", ".ts",  ".mts",  ".m2ts", ".vob", ".wmv",
                                ".asf", ".flv",  ".f4v", ".3gp",  ".3g2",  ".ogv", ".mxf",
                                ".y4m", ".h264", ".264", ".hevc", ".h265", ".265", ".ivf"};

bool ends_in(const fs::path& path, const auto& endings) {
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 'a' - 'A') : static_cast<char>(c);
  });
  return std::find(endings.begin(), endings.end(), ending) != endings.end();
}

std::string names_text(const std::vector<std::string>& names) {
  constexpr size_t kShown = 3;
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kShown); ++i)
    text += (i == 0 ? "" : ", ") + in_quotes(names[i]);
  return text + (names.size() > kShown ? ", …" : "");
}

std::string left_out(const std::vector<std::string>& names, const std::string& what,
                     const std::string& which = "") {
  return fmt::format("{} {}{}{} left out: {}", names.size(), what, names.size() == 1 ? "" : "s",
                     which + (names.size() == 1 ? " was" : " were"), names_text(names));
}

class FolderReader : public FrameSource {
 public:
  explicit FolderReader(const VideoInput& input) : input_(input) {}

  cv::Mat next() override {
    if (size_.empty()) size_ = usual_size();
    while (position_ < input_.images.size()) {
      throw_if_cancelled();
      const std::string& path = input_.images[position_++];
      bool transparent = false;
      cv::Mat frame = read_picture(path, &transparent);
      if (frame.size() == size_) {
        transparent_ |= transparent;
        return frame;
      }
      others_.push_back(fs::path(path).filename().string());
    }
    return {};
  }
  double fps() const override { return input_.image_fps; }
  int64_t frames_promised() const override {
    return static_cast<int64_t>(input_.images.size() - others_.size());
  }
  double share() const override {
    return static_cast<double>(position_) / static_cast<double>(input_.images.size());
  }
  std::vector<std::string> notes() const override {
    std::vector<std::string> notes = input_.notes;
    if (!others_.empty())
      notes.push_back(
          left_out(others_, "picture",
                   fmt::format(" of another size than {}x{}", size_.width, size_.height)));
    if (transparent_) notes.emplace_back("transparent: composed on black");
    return notes;
  }

 private:
  /// The first picture of a folder can be a stranger.
  cv::Size usual_size() const {
    constexpr size_t kSample = 3;
    std::vector<cv::Size> sizes;
    for (size_t i = 0; i < std::min(input_.images.size(), kSample); ++i)
      sizes.push_back(read_picture(input_.images[i]).size());
    return sizes.size() == kSample && sizes[1] == sizes[2] ? sizes[1] : sizes[0];
  }

  VideoInput input_;
  size_t position_ = 0;
  cv::Size size_;
  std::vector<std::string> others_;
  bool transparent_ = false;
};

class FilmReader : public FrameSource {
 public:
  explicit FilmReader(std::shared_ptr<const Film> film) : film_(std::move(film)) {}

  cv::Mat next() override {
    return position_ < frames_promised() ? film_->frame(position_++) : cv::Mat();
  }
  double fps() const override { return film_->spec().fps; }
  int64_t frames_promised() const override { return film_->spec().frames; }
  double share() const override {
    return static_cast<double>(position_) / static_cast<double>(frames_promised());
  }

 private:
  std::shared_ptr<const Film> film_;
  int64_t position_ = 0;
};

std::vector<VideoInput> videos_in(const std::string& folder, double image_fps) {
  std::vector<std::string> pictures, videos, hidden;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const bool picture = ends_in(entry.path(), kPictures), video = ends_in(entry.path(), kVideos);
    const std::string name = entry.path().filename().string();
    if ((picture || video) && name.starts_with('.'))
      hidden.push_back(name);
    else if (picture || video)
      (picture ? pictures : videos).push_back(entry.path().string());
  }
  if (pictures.empty() && videos.empty())
    throw InputError(fmt::format("folder {} holds no frames (png, jpg …) and no videos (mp4 …)",
                                 in_quotes(folder)));
  if (!pictures.empty() && !videos.empty())
    throw InputError(fmt::format("folder {} holds {} and {}; name what is meant", in_quotes(folder),
                                 counted(std::ssize(pictures), "picture"),
                                 counted(std::ssize(videos), "video")));
  const auto by_number = [](const std::string& a, const std::string& b) {
    return strverscmp(a.c_str(), b.c_str()) < 0;
  };
  for (auto* names : {&pictures, &videos, &hidden})
    std::sort(names->begin(), names->end(), by_number);
  std::vector<VideoInput> inputs;
  for (const std::string& video : videos) inputs.push_back({.path = video});
  if (!pictures.empty())
    inputs.push_back({.path = folder, .images = std::move(pictures), .image_fps = image_fps});
  if (!hidden.empty()) inputs.front().notes = {left_out(hidden, "hidden file")};
  return inputs;
}

/// That they will be read: no result may take the place of one before its turn comes. Throws
/// InputError.
void note_files(const VideoInput& input) {
  if (input.film) return;
  if (input.images.empty()) note_reading(input.path);
  for (const std::string& image : input.images) note_reading(image);
}

/// Why an input cannot be opened; empty = it can.
std::string fault_of(const VideoInput& input) {
  try {
    open_frames(input, 1);
    return {};
  } catch (const InputError& error) {
    return error.what();
  }
}

/// Throws InputError for a folder or file that cannot be read.
std::vector<VideoInput> inputs_of(const std::string& path, double image_fps) {
  if (const auto seed = film_seed(path))
    return {{.path = path, .film = std::make_shared<const Film>(FilmSpec{.seed = *seed})}};
  std::error_code error;
  if (fs::is_directory(path, error)) return videos_in(path, image_fps);
  return {{.path = path}};
}

}  // namespace

std::vector<VideoInput> find_videos(const std::vector<std::string>& paths, double image_fps) {
  if (!(image_fps > 0 && std::isfinite(image_fps)))
    throw InputError("the frame rate must be a number above 0");
  std::vector<VideoInput> all;
  for (const std::string& path : paths) {
    std::vector<VideoInput> inputs{{.path = path}};
    try {
      inputs = inputs_of(path, image_fps);
    } catch (const InputError& error) {
      inputs.front().error = error.what();
    } catch (const fs::filesystem_error& error) {
      inputs.front().error =
          fmt::format("folder {} cannot be read: {}", in_quotes(path), error.code().message());
    }
    for (VideoInput& input : inputs) {
      note_files(input);
      if (input.error.empty()) input.error = fault_of(input);
      all.push_back(std::move(input));
    }
  }
  return all;
}

bool has_video_ending(const std::filesystem::path& path) { return ends_in(path, kVideos); }

VideoInput find_one_video(const std::string& path) {
  std::vector<VideoInput> inputs = find_videos({path}, VideoInput().image_fps);
  if (inputs.size() == 1) return std::move(inputs.front());
  return {.path = path,
          .error = fmt::format("folder {} holds {}, one is needed; name it", in_quotes(path),
                               counted(std::ssize(inputs), "video"))};
}

VideoInput find_video(const std::string& path) {
  VideoInput input = find_one_video(path);
  if (!input.error.empty()) throw InputError(input.error);
  return input;
}

std::unique_ptr<FrameSource> open_frames(const VideoInput& input, int threads) {
  if (!input.error.empty()) throw InputError(input.error);
  if (input.film) return std::make_unique<FilmReader>(input.film);
  if (!input.images.empty()) return std::make_unique<FolderReader>(input);
  return std::make_unique<VideoReader>(input.path, threads);
}

VideoSurvey survey(const VideoInput& input, const std::function<void(double)>& progress) {
  const auto frames = open_frames(input);
  if (!input.film) return survey_frames(*frames, input.path, progress);
  const FilmSpec& spec = input.film->spec();
  return {spec.frames, spec.height, spec.width, spec.fps, input.film->shot_starts()};
}

}  // namespace vidattn
