#include "harness/workloads/media/video_reader.h"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <cmath>

#include "attention/cancel.h"
#include "attention/error.h"
#include "harness/io/text/counted.h"
#include "harness/workloads/media/colour.h"
#include "harness/workloads/media/stream.h"

namespace vidattn {
namespace {

constexpr double kUnknownFps = 25;  // of a stream that has neither times nor a rate

}  // namespace

struct VideoReader::State {
  State(const std::string& name, int threads, std::optional<double> key_frames_apart)
      : path(name),
        stream(name, threads > 0 ? threads : omp_get_max_threads(), key_frames_apart),
        leaves_out(key_frames_apart.has_value()) {}

  /// The next frame with its time; nullptr at the end.
  const AVFrame* advance() {
    throw_if_cancelled();
    const AVFrame* frame = stream.next();
    if (frame == nullptr) {
      ended = true;
      return nullptr;
    }
    ++frames;
    interlaced += frame->interlaced_frame != 0 ? 1 : 0;
    aspect = stream.pixel_aspect();
    if (stream.orientation().transposed) aspect = aspect.turned();
    if (doubt.empty()) doubt = stream.orientation_doubt();
    place();
    return frame;
  }

  /// Times of a damaged file may run backwards or be missing: then a frame follows the one before.
  void place() {
    const double step = 1 / (stream.fps() > 0 ? stream.fps() : kUnknownFps);
    const double begin = stream.begin();
    if (frames == 1) start = std::isnan(begin) ? 0 : begin;
    const double from = std::isnan(begin) ? time.to : begin - start;
    const double length = stream.length() > 0 ? stream.length() : step;
    time.from = frames == 1 ? 0 : from > time.from ? from : time.to;
    time.to = time.from + length;
  }

  /// Whether the end came before the time that the header promises, by more than rounding.
  bool ends_early() const {
    constexpr double kFrames = 2, kShare = 0.01;
    const double step = 1 / (stream.fps() > 0 ? stream.fps() : kUnknownFps);
    return ended && stream.missing() > std::max(kFrames * step, kShare * stream.promised_length());
  }

  std::string path;
  VideoStream stream;
  ToBgr to_bgr;
  FrameTime time;
  double start = 0;
  PixelAspect aspect;
  std::string doubt;  ///< about how the first such frame is to be turned
  int64_t frames = 0, interlaced = 0;
  bool ended = false;
  bool leaves_out;  ///< all but some key frames
};

VideoReader::VideoReader(const std::string& path, int threads,
                         std::optional<double> key_frames_apart)
    : state_(std::make_unique<State>(path, threads, key_frames_apart)) {}
VideoReader::~VideoReader() = default;

cv::Mat VideoReader::next() {
  const AVFrame* frame = state_->advance();
  if (frame == nullptr) return {};
  try {
    return oriented(state_->to_bgr.convert(*frame), state_->stream.orientation());
  } catch (const InputError& error) {
    throw InputError("video '" + state_->path + "' " + error.what());
  }
}

bool VideoReader::skip() { return state_->advance() != nullptr; }

double VideoReader::fps() const { return state_->stream.fps(); }

int64_t VideoReader::frames_promised() const {
  if (const int64_t counted = state_->stream.frames_counted(); counted > 0) return counted;
  if (!state_->ends_early()) return 0;
  return std::llround(state_->stream.promised_length() * fps());
}

std::optional<FrameTime> VideoReader::time() const { return state_->time; }

double VideoReader::promised_seconds() const { return state_->stream.promised_length(); }

PixelAspect VideoReader::pixel_aspect() const { return state_->aspect; }

double VideoReader::share() const { return state_->stream.share(); }

std::string VideoReader::decoder() const { return state_->stream.decoder(); }

std::vector<std::string> VideoReader::notes() const {
  const State& s = *state_;
  std::vector<std::string> notes;
  const int64_t by_container = s.stream.frames_counted();
  if (s.ended && !s.leaves_out && s.frames < frames_promised())
    notes.push_back(fmt::format("cut off or damaged: its header promises {}{}, {} can be read",
                                by_container > 0 ? "" : "about ",
                                counted(frames_promised(), "frame"), s.frames));
  if (s.stream.ends_inside_frame())
    notes.push_back(
        fmt::format("cut off or damaged: it ends inside a frame, {} before it can be read",
                    counted(s.frames, "frame")));
  if (const int64_t damaged = s.stream.damaged(); damaged > 0)
    notes.push_back(fmt::format("damaged in {}, where the codec filled in or left out",
                                counted(damaged, "place")));
  if (s.interlaced > 0)
    notes.push_back(
        fmt::format("interlaced: two fields of different times in {}, which are not separated",
                    counted(s.interlaced, "frame")));
  if (!s.doubt.empty()) notes.push_back(s.doubt);
  if (s.to_bgr.saw_alpha()) notes.emplace_back("transparent: composed on black");
  if (std::abs(s.aspect.ratio() - 1) > 1e-3)
    notes.push_back(
        fmt::format("pixels {:.4g} times as wide as high: measured as stored", s.aspect.ratio()));
  return notes;
}

}  // namespace vidattn
