#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswscale/swscale.h>
}

#include <memory>
#include <new>

namespace vidattn {

/// Frees what FFmpeg's libraries allocated, each kind by its own function.
struct MediaDeleter {
  void operator()(AVFormatContext* context) const { avformat_close_input(&context); }
  void operator()(AVCodecContext* context) const { avcodec_free_context(&context); }
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
  void operator()(SwsContext* context) const { sws_freeContext(context); }
};

struct MediaMuxerDeleter {
  void operator()(AVFormatContext* context) const { avformat_free_context(context); }
};

using MediaDecoder = std::unique_ptr<AVCodecContext, MediaDeleter>;
using MediaEncoder = MediaDecoder;
using MediaDemuxer = std::unique_ptr<AVFormatContext, MediaDeleter>;
using MediaMuxer = std::unique_ptr<AVFormatContext, MediaMuxerDeleter>;
using MediaFrame = std::unique_ptr<AVFrame, MediaDeleter>;
using MediaPacket = std::unique_ptr<AVPacket, MediaDeleter>;
using MediaScaler = std::unique_ptr<SwsContext, MediaDeleter>;

/// What FFmpeg's functions return. Throws std::bad_alloc where that says that there is no memory
/// and there is none. FFmpeg says so, too, of sizes that only a damaged file can ask for: such a
/// code is given back, as every other.
int unless_out_of_memory(int code);

/// Whether a function of FFmpeg did what it should. Throws as unless_out_of_memory().
inline bool succeeded(int code) { return unless_out_of_memory(code) >= 0; }

/// FFmpeg's allocating functions return nothing only where there is no memory.
template <class T>
T* allocated(T* object) {
  if (object == nullptr) throw std::bad_alloc();
  return object;
}

inline MediaFrame new_frame() { return MediaFrame(allocated(av_frame_alloc())); }
inline MediaPacket new_packet() { return MediaPacket(allocated(av_packet_alloc())); }

}  // namespace vidattn
