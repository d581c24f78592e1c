#include "harness/workloads/media/packet_copy.h"

#include <fmt/format.h>

#include <cstring>
#include <filesystem>

#include "attention/error.h"
#include "harness/io/file.h"

namespace vidattn {

void require_copied(const std::string& video, int code, const char* doing) {
  if (unless_out_of_memory(code) >= 0) return;
  char reason[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(code, reason, sizeof(reason));
  throw InputError(fmt::format("video {}: {}: {}", in_quotes(video), doing, reason));
}

MediaDemuxer open_to_copy(const std::string& video, const MediaInput& input) {
  const std::string ending = std::filesystem::path(video).extension();
  const bool matroska = ending == ".webm" || ending == ".mkv";
  const AVInputFormat* format = av_find_input_format(matroska ? "matroska" : "mov");
  AVFormatContext* context = input.new_context();
  require_copied(video, avformat_open_input(&context, "", format, nullptr), "cannot be opened");
  MediaDemuxer container(context);
  require_copied(video, avformat_find_stream_info(context, nullptr), "cannot be read");
  return container;
}

AVStream& add_track_like(const AVStream& source, AVFormatContext& to, const std::string& video) {
  AVStream* stream = allocated(avformat_new_stream(&to, nullptr));
  require_copied(video, avcodec_parameters_copy(stream->codecpar, source.codecpar),
                 "cannot be copied");
  stream->codecpar->codec_tag = 0;
  stream->time_base = source.time_base;
  stream->avg_frame_rate = source.avg_frame_rate;
  stream->sample_aspect_ratio = source.sample_aspect_ratio;
  size_t bytes = 0;
  if (const uint8_t* turned = av_stream_get_side_data(&source, AV_PKT_DATA_DISPLAYMATRIX, &bytes)) {
    uint8_t* kept = allocated(av_stream_new_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, bytes));
    std::memcpy(kept, turned, bytes);
  }
  return *stream;
}

}  // namespace vidattn
