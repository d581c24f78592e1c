#include "harness/workloads/media/packet_copy.h"

#include <fmt/format.h>

#include <cstring>
#include <filesystem>

#include "attention/error.h"
#include "attention/nearest.h"
#include "harness/io/file.h"

namespace vidattn {

void require_copied(const std::string& video, int code, const char* doing) {
  if (unless_out_of_memory(code) >= 0) return;
  char reason[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(code, reason, sizeof(reason));
  throw InputError(fmt::format("video {}: {}: {}", in_quotes(video), doing, reason));
}

MediaDemuxer open_to_copy(const std::string& video, const MediaInput& input) {
  const std::string ending = lower_case(std::filesystem::path(video).extension());
  const bool matroska = ending == ".webm" || ending == ".mkv";
  const AVInputFormat* format = av_find_input_format(matroska ? "matroska" : "mov");
  AVFormatContext* context = input.new_context();
  require_copied(video, avformat_open_input(&context, "", format, nullptr), "cannot be opened");
  MediaDemuxer container(context);
  require_copied(video, avformat_find_stream_info(context, nullptr), "cannot be read");
  return container;
}

CopiedPackets::CopiedPackets(const std::string& video, const std::filesystem::path& target,
                             const char* format, const char* doing)
    : video_(video),
      doing_(doing),
      place_(target),
      file_(place_.create()),
      output_(file_.descriptor()) {
  AVFormatContext* context = nullptr;
  require(avformat_alloc_output_context2(&context, nullptr, format, target.c_str()));
  muxer_.reset(context);
  muxer_->pb = output_.io();
  muxer_->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_BITEXACT;
}

int CopiedPackets::add_track_like(const AVStream& source) {
  AVStream* stream = allocated(avformat_new_stream(muxer_.get(), nullptr));
  require(avcodec_parameters_copy(stream->codecpar, source.codecpar));
  stream->codecpar->codec_tag = 0;
  stream->time_base = source.time_base;
  stream->avg_frame_rate = source.avg_frame_rate;
  stream->sample_aspect_ratio = source.sample_aspect_ratio;
  size_t bytes = 0;
  if (const uint8_t* turned = av_stream_get_side_data(&source, AV_PKT_DATA_DISPLAYMATRIX, &bytes)) {
    uint8_t* kept = allocated(av_stream_new_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, bytes));
    std::memcpy(kept, turned, bytes);
  }
  return stream->index;
}

void CopiedPackets::begin() { require(avformat_write_header(muxer_.get(), nullptr)); }

void CopiedPackets::write(AVPacket& packet, const AVStream& source, int track) {
  av_packet_rescale_ts(&packet, source.time_base, muxer_->streams[track]->time_base);
  packet.stream_index = track;
  packet.pos = -1;
  require(av_interleaved_write_frame(muxer_.get(), &packet));
}

void CopiedPackets::commit() {
  require(av_write_trailer(muxer_.get()));
  avio_flush(output_.io());
  require(output_.io()->error);
  place_.take(file_);
}

void CopiedPackets::require(int code) const {
  if (output_.error() != 0) place_.fail(output_.error());
  require_copied(video_, code, doing_);
}

}  // namespace vidattn
