#include "harness/workloads/media/bare_copy.h"

#include <fmt/format.h>

#include <optional>
#include <vector>

#include "attention/error.h"
#include "harness/io/file.h"
#include "harness/workloads/media/packet_copy.h"
#include "harness/workloads/media/stream.h"

extern "C" {
#include <libavutil/pixdesc.h>
}

namespace vidattn {
namespace {

[[noreturn]] void refuse_copy(const std::string& video, const std::string& why) {
  throw InputError(fmt::format("video {}: {}", in_quotes(video), why));
}

/// One track of pictures, which is upright as it was, and one of sound.
class BareMuxer {
 public:
  BareMuxer(const std::string& video, AVFormatContext& from, const std::filesystem::path& target)
      : video_(video),
        from_(from),
        copied_(video, target, nullptr, "cannot be copied"),
        track_of_(from.nb_streams) {
    for (const AVMediaType type : {AVMEDIA_TYPE_VIDEO, AVMEDIA_TYPE_AUDIO}) {
      const int best = av_find_best_stream(&from, type, -1, -1, nullptr, 0);
      if (best >= 0) track_of_[best] = copied_.add_track_like(*from.streams[best]);
    }
    copied_.begin();
  }

  void copy_packets() {
    const MediaPacket packet = new_packet();
    for (int code; (code = av_read_frame(&from_, packet.get())) != AVERROR_EOF;) {
      require_copied(video_, code, "is damaged");
      const int from = packet->stream_index;
      if (const auto to = track_of_[from]) copied_.write(*packet, *from_.streams[from], *to);
      av_packet_unref(packet.get());
    }
  }

  void commit() { copied_.commit(); }

 private:
  const std::string& video_;
  AVFormatContext& from_;
  CopiedPackets copied_;
  std::vector<std::optional<int>> track_of_;  ///< by track of the source; nothing = left out
};

VideoFacts facts_of(AVFormatContext& container) {
  VideoFacts facts;
  const int pictures = av_find_best_stream(&container, AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
  const AVStream& stream = *container.streams[pictures];
  facts.width = stream.codecpar->width;
  facts.height = stream.codecpar->height;
  facts.codec = avcodec_get_name(stream.codecpar->codec_id);
  const char* pixels = av_get_pix_fmt_name(static_cast<AVPixelFormat>(stream.codecpar->format));
  facts.pixels = pixels != nullptr ? pixels : "";
  if (stream.avg_frame_rate.den != 0) facts.fps = av_q2d(stream.avg_frame_rate);
  if (container.duration > 0)
    facts.seconds = static_cast<double>(container.duration) / AV_TIME_BASE;
  facts.sound = av_find_best_stream(&container, AVMEDIA_TYPE_AUDIO, -1, -1, nullptr, 0) >= 0;
  return facts;
}

}  // namespace

VideoFacts copy_bare(const std::string& video, const std::filesystem::path& target) {
  VideoStream shown(video, 1);
  if (shown.next() == nullptr) refuse_copy(video, "has no picture");
  const MediaInput input(video);
  const MediaDemuxer container = open_to_copy(video, input);
  if (av_find_best_stream(container.get(), AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0) < 0)
    refuse_copy(video, "holds no video");
  BareMuxer muxer(video, *container, target);
  muxer.copy_packets();
  muxer.commit();
  VideoFacts facts = facts_of(*container);
  facts.pixel_aspect = shown.pixel_aspect();
  facts.transposed = shown.orientation().transposed;
  return facts;
}

}  // namespace vidattn
