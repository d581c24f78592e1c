#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "harness/workloads/media/file_io.h"
#include "harness/workloads/media/handles.h"
#include "harness/workloads/media/orientation.h"

namespace vidattn {

/// The pictures of a video file as the codec gives them. Frames that an edit list leaves out are
/// not among them. Nothing but the one file is ever opened: FFmpeg has no name, no protocol, and
/// no way to ask for another file; formats that are lists of files are refused.
class VideoStream {
 public:
  /// `threads` decode, at least 1. With `key_frames_apart` only frames that decode without others
  /// are given, so many seconds or more from each other, and nothing else is decoded. Throws
  /// InputError when the path is no regular file, is empty or text, holds no video that FFmpeg here
  /// can decode, claims more than kMostPixels (colour.h) or memory than there is, or has colours
  /// that cannot become 8-bit BGR.
  VideoStream(const std::string& path, int threads, std::optional<double> key_frames_apart = {});

  /// The next frame, valid until the next call; nullptr at the end. Damaged parts are passed over
  /// and counted. Throws InputError when the file cannot be read.
  const AVFrame* next();

  /// Of the frame from next(), in seconds of the stream's own clock; NaN = it does not say.
  double begin() const;
  double length() const;  ///< seconds; 0 = the stream does not say

  double fps() const;              ///< by the header; 0 = unknown
  int64_t frames_counted() const;  ///< by the container, edits included; 0 = it does not count
  double share() const { return input_.share(); }
  std::string decoder() const { return decoder_->codec->name; }
  Orientation orientation() const;        ///< of the frame from next()
  std::string orientation_doubt() const;  ///< display_doubt() of that frame
  /// As stored, of the frame from next(); square where nothing is said.
  PixelAspect pixel_aspect() const;

  int64_t damaged() const { return damaged_; }  ///< packets and frames with faults so far
  /// Seconds between the end of what was read and the end that the header promises, over sound and
  /// pictures; 0 where it promises none.
  double missing() const;
  double promised_length() const;  ///< seconds by the header, 0 = it does not say
  /// At the end: whether a part of a frame was left, in a format that does not say so itself.
  bool ends_inside_frame() const { return ends_inside_frame_; }

 private:
  void open_container();
  void choose_stream();
  void open_decoder(int threads);
  void feed();
  bool read_packet();
  bool passes_over(const AVPacket& packet);
  void note_end(const AVPacket& packet);
  void note_rest();
  const int32_t* display_matrix() const;  ///< of the frame from next(); nullptr = it has none
  [[noreturn]] void refuse(const std::string& why) const;
  [[noreturn]] void refuse_unless_text(const std::string& why) const;

  std::string path_;
  MediaInput input_;
  MediaDemuxer container_;
  AVStream* stream_ = nullptr;
  MediaDecoder decoder_;
  MediaFrame frame_ = new_frame();
  MediaPacket packet_ = new_packet();
  std::optional<double> apart_;  ///< seconds between key frames; nothing = all frames
  double last_key_ = -std::numeric_limits<double>::infinity();  ///< seconds
  bool packet_waits_ = false, drained_ = false;
  int64_t damaged_ = 0;
  int64_t packets_end_ = 0;  ///< bytes: where the packets read so far end, of all streams
  bool ends_inside_frame_ = false;
  double end_ = 0;  ///< seconds: where the packets read so far end, of all streams
};

}  // namespace vidattn
