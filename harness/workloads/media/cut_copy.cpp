#include "harness/workloads/media/cut_copy.h"

#include <algorithm>
#include <array>
#include <limits>

#include "attention/error.h"
#include "attention/nearest.h"
#include "harness/io/file.h"
#include "harness/workloads/media/packet_copy.h"

namespace vidattn {
namespace {

constexpr std::array kCopied = {".mp4", ".m4v", ".mov", ".mkv", ".webm"};

int pictures_of(AVFormatContext& container) {
  return av_find_best_stream(&container, AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
}

struct SeenPacket {
  int64_t time = 0;
  bool key = false;
};

/// The pictures' packets in the order in which they are decoded; empty where one has no time.
std::vector<SeenPacket> packets_of(const std::string& video, AVFormatContext& container) {
  const int track = pictures_of(container);
  const MediaPacket packet = new_packet();
  std::vector<SeenPacket> packets;
  for (int code; (code = av_read_frame(&container, packet.get())) != AVERROR_EOF;) {
    require_copied(video, code, "is damaged");
    const bool shown = packet->stream_index == track && (packet->flags & AV_PKT_FLAG_DISCARD) == 0;
    const int64_t time = packet->pts;
    const bool key = (packet->flags & AV_PKT_FLAG_KEY) != 0;
    av_packet_unref(packet.get());
    if (!shown) continue;
    if (time == AV_NOPTS_VALUE) return {};
    packets.push_back({time, key});
  }
  return packets;
}

/// A new file of the ranges.
class RangeCutter {
 public:
  RangeCutter(const std::string& video, AVFormatContext& from, const CutPoints& points,
              const std::filesystem::path& target)
      : video_(video),
        from_(from),
        points_(points),
        copied_(video, target, "mp4", kDoing),
        track_(pictures_of(from)) {
    copied_.add_track_like(*from_.streams[track_]);
    copied_.begin();
  }

  void add(const FrameRange& range) {
    const int64_t from = time_of(range.first), to = time_of(range.last + 1);
    require_copied(video_, av_seek_frame(&from_, track_, from, AVSEEK_FLAG_BACKWARD), kDoing);
    bool begun = false;
    int64_t written = 0;
    const MediaPacket packet = new_packet();
    for (int code; (code = av_read_frame(&from_, packet.get())) != AVERROR_EOF;) {
      require_copied(video_, code, "is damaged");
      const bool pictures = packet->stream_index == track_;
      const bool key = pictures && (packet->flags & AV_PKT_FLAG_KEY) != 0;
      begun |= key && packet->pts == from;
      if (begun && key && packet->pts >= to) break;
      if (begun && pictures) write(*packet, range.first + written++, offset_ - from);
      av_packet_unref(packet.get());
    }
    offset_ += to - from;
  }

  void commit() { copied_.commit(); }

 private:
  /// When a frame is shown; of the one behind the last, when that one ends.
  int64_t time_of(int64_t frame) const {
    const std::vector<int64_t>& times = points_.times;
    if (frame < std::ssize(times)) return times[static_cast<size_t>(frame)];
    const int64_t step =
        times.size() < 2 ? 1 : (times.back() - times.front()) / (std::ssize(times) - 1);
    return times.back() + step;
  }

  /// Matroska does not say when a packet is decoded; it is as if the n-th were shown n-th, less
  /// the delay.
  void write(AVPacket& packet, int64_t number, int64_t shift) {
    packet.pts += shift;
    packet.dts = time_of(number) - points_.delay + shift;
    copied_.write(packet, *from_.streams[track_], 0);
  }

  static constexpr const char* kDoing = "cannot be cut";

  const std::string& video_;
  AVFormatContext& from_;
  const CutPoints& points_;
  CopiedPackets copied_;
  int track_;
  int64_t offset_ = 0;  ///< where the next range begins, in the source's unit
};

}  // namespace

bool CutPoints::allow(const std::vector<FrameRange>& ranges) const {
  const auto can_cut = [&](int64_t frame) {
    return std::binary_search(frames.begin(), frames.end(), frame);
  };
  return std::all_of(ranges.begin(), ranges.end(), [&](const FrameRange& range) {
    return can_cut(range.first) && (range.last + 1 == std::ssize(times) || can_cut(range.last + 1));
  });
}

CutPoints find_cut_points(const std::string& video) {
  const std::string ending = lower_case(std::filesystem::path(video).extension());
  if (std::find(kCopied.begin(), kCopied.end(), ending) == kCopied.end()) return {};
  const MediaInput input(video);
  const MediaDemuxer container = open_to_copy(video, input);
  const int track = pictures_of(*container);
  if (track < 0) return {};
  const AVCodecID codec = container->streams[track]->codecpar->codec_id;
  const AVOutputFormat* mp4 = av_guess_format("mp4", nullptr, nullptr);
  if (mp4 == nullptr || avformat_query_codec(mp4, codec, FF_COMPLIANCE_NORMAL) != 1) return {};
  const std::vector<SeenPacket> packets = packets_of(video, *container);
  CutPoints points;
  for (const SeenPacket& packet : packets) points.times.push_back(packet.time);
  std::sort(points.times.begin(), points.times.end());
  for (size_t i = 0; i < packets.size(); ++i)
    points.delay = std::max(points.delay, points.times[i] - packets[i].time);
  int64_t earliest = std::numeric_limits<int64_t>::max();  // of the packets behind
  for (auto packet = packets.rbegin(); packet != packets.rend(); ++packet) {
    if (packet->key && packet->time < earliest)
      points.frames.push_back(
          std::lower_bound(points.times.begin(), points.times.end(), packet->time) -
          points.times.begin());
    earliest = std::min(earliest, packet->time);
  }
  std::sort(points.frames.begin(), points.frames.end());
  return points;
}

void copy_ranges(const std::string& video, const CutPoints& points,
                 const std::vector<FrameRange>& ranges, const std::filesystem::path& target) {
  if (!points.allow(ranges))
    throw InputError("video " + in_quotes(video) + " cannot be cut there without decoding");
  const MediaInput input(video);
  const MediaDemuxer container = open_to_copy(video, input);
  RangeCutter cutter(video, *container, points, target);
  for (const FrameRange& range : ranges) cutter.add(range);
  cutter.commit();
}

}  // namespace vidattn
