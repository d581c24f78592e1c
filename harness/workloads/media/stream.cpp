#include "harness/workloads/media/stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <new>
#include <string_view>
#include <vector>

#include "attention/error.h"
#include "harness/workloads/media/colour.h"

namespace vidattn {
namespace {

/// Formats that consist of names of other files or of addresses, and text that FFmpeg would draw.
constexpr std::array kRefused = {
    "concat", "hls", "dash", "imf",    "sdp",   "rtsp",   "rtp",
    "sap",    "tty", "sbg",  "image2", "lavfi", "vobsub", "webm_dash_manifest"};

bool is_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string head(1024, '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<size_t>(file.gcount()));
  return std::all_of(head.begin(), head.end(), [](char c) {
    return (c >= ' ' && c < 127) || c == '\n' || c == '\r' || c == '\t' || c == '\f';
  });
}

const std::string& checked_path(const std::string& path) {
  namespace fs = std::filesystem;
  if (path.empty()) throw InputError("video: no file given, write video:PATH");
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) throw InputError("video '" + path + "' does not exist");
  if (fs::is_directory(status))
    throw InputError("video '" + path + "' is a directory, not a video file");
  if (!fs::is_regular_file(status)) throw InputError("video '" + path + "' is not a regular file");
  if (!std::ifstream(path)) throw InputError("video '" + path + "' may not be read");
  if (fs::file_size(path, error) == 0) throw InputError("video '" + path + "' is empty (0 bytes)");
  return path;
}

bool is_picture_of_sound(const AVStream& stream) {
  return (stream.disposition & AV_DISPOSITION_ATTACHED_PIC) != 0;
}

bool is_video(const AVStream& stream) {
  return stream.codecpar->codec_type == AVMEDIA_TYPE_VIDEO && !is_picture_of_sound(stream);
}

/// FFmpeg's own decoders of VP8 and VP9 leave the transparency out.
const AVCodec* find_decoder(const AVStream& stream) {
  const AVCodecID codec = stream.codecpar->codec_id;
  const AVDictionaryEntry* alpha = av_dict_get(stream.metadata, "alpha_mode", nullptr, 0);
  if (alpha != nullptr && std::string_view(alpha->value) == "1") {
    const char* name = codec == AV_CODEC_ID_VP9   ? "libvpx-vp9"
                       : codec == AV_CODEC_ID_VP8 ? "libvpx"
                                                  : "";
    if (const AVCodec* whole = avcodec_find_decoder_by_name(name)) return whole;
  }
  return avcodec_find_decoder(codec);
}

}  // namespace

VideoStream::VideoStream(const std::string& path, int threads,
                         std::optional<double> key_frames_apart)
    : path_(checked_path(path)), input_(path), apart_(key_frames_apart) {
  try {
    open_container();
    choose_stream();
    open_decoder(threads);
  } catch (const std::bad_alloc&) {  // a header may claim any size
    refuse("asks for more memory than there is: damaged, or too large");
  }
}

void VideoStream::refuse(const std::string& why) const {
  input_.rethrow();
  throw InputError("video '" + path_ + "' " + why);
}

void VideoStream::refuse_unless_text(const std::string& why) const {
  refuse(is_text(path_) ? "is a text file, not a video" : why);
}

void VideoStream::open_container() {
  const std::string unreadable =
      "cannot be opened: damaged, or not a video that FFmpeg reads (mp4, webm, avi, mov, mkv …)";
  const AVInputFormat* format = nullptr;
  if (!succeeded(av_probe_input_buffer2(input_.io(), &format, "", nullptr, 0, 0)))
    refuse_unless_text(unreadable);
  // A demuxer of several formats has their names with commas between.
  const auto names = "," + std::string(format->name) + ",";
  for (const std::string refused : kRefused)
    if (names.find("," + refused + ",") != std::string::npos)
      refuse_unless_text(
          fmt::format("is no video, but a list of other files or text ({})", format->name));
  AVFormatContext* context = input_.new_context();
  // On a failure the context is freed.
  if (!succeeded(avformat_open_input(&context, "", format, nullptr)))
    refuse_unless_text(unreadable);
  container_.reset(context);
  std::vector<AVDictionary*> limits(container_->nb_streams);
  for (AVDictionary*& limit : limits) av_dict_set_int(&limit, "max_pixels", kMostPixels, 0);
  const int found = avformat_find_stream_info(container_.get(), limits.data());
  for (AVDictionary*& limit : limits) av_dict_free(&limit);
  if (!succeeded(found)) refuse_unless_text(unreadable);
}

void VideoStream::choose_stream() {
  const int best = av_find_best_stream(container_.get(), AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
  bool sound = false;
  for (unsigned i = 0; i < container_->nb_streams; ++i) {
    AVStream* stream = container_->streams[i];
    sound |= stream->codecpar->codec_type == AVMEDIA_TYPE_AUDIO;
    if (is_video(*stream) && (stream_ == nullptr || static_cast<int>(i) == best)) stream_ = stream;
  }
  if (stream_ == nullptr)
    refuse_unless_text(sound ? "holds no video, only sound" : "holds no video");
  const AVCodecParameters& parameters = *stream_->codecpar;
  if (int64_t{parameters.width} * parameters.height > kMostPixels)
    refuse(fmt::format("claims {}x{} pixels, at most {} can be read", parameters.width,
                       parameters.height, kMostPixels));
  const std::string obstacle = colour_obstacle(parameters.color_trc, parameters.color_space);
  if (!obstacle.empty()) refuse(obstacle);
}

void VideoStream::open_decoder(int threads) {
  const AVCodec* codec = find_decoder(*stream_);
  if (codec == nullptr)
    refuse(fmt::format("is coded as {}, for which FFmpeg here has no decoder",
                       avcodec_get_name(stream_->codecpar->codec_id)));
  decoder_.reset(allocated(avcodec_alloc_context3(codec)));
  decoder_->thread_count = threads;
  decoder_->max_pixels = kMostPixels;
  decoder_->pkt_timebase = stream_->time_base;
  if (apart_) decoder_->skip_frame = AVDISCARD_NONKEY;
  if (!succeeded(avcodec_parameters_to_context(decoder_.get(), stream_->codecpar)) ||
      !succeeded(avcodec_open2(decoder_.get(), codec, nullptr)))
    refuse(fmt::format("cannot be decoded: its {} stream is damaged", codec->name));
}

const AVFrame* VideoStream::next() {
  constexpr int kMostFaults = 1000;  // of a decoder that has nothing more to read
  for (int faults = 0; faults < kMostFaults;) {
    const int got = unless_out_of_memory(avcodec_receive_frame(decoder_.get(), frame_.get()));
    if (got == 0) {
      const bool corrupt = (frame_->flags & AV_FRAME_FLAG_CORRUPT) != 0;
      damaged_ += corrupt || frame_->decode_error_flags != 0 ? 1 : 0;
      return frame_.get();
    }
    if (got == AVERROR_EOF) return nullptr;
    if (got != AVERROR(EAGAIN)) ++damaged_;
    if (drained_)
      ++faults;
    else
      feed();
  }
  return nullptr;
}

/// Gives the decoder a packet, or tells it that there is none left.
void VideoStream::feed() {
  if (!packet_waits_ && !read_packet()) {
    drained_ = true;
    unless_out_of_memory(avcodec_send_packet(decoder_.get(), nullptr));
    return;
  }
  const int sent = unless_out_of_memory(avcodec_send_packet(decoder_.get(), packet_.get()));
  packet_waits_ = sent == AVERROR(EAGAIN);
  if (packet_waits_) return;
  if (sent < 0) ++damaged_;
  av_packet_unref(packet_.get());
}

/// The stream's next packet; false at the end.
bool VideoStream::read_packet() {
  for (;;) {
    const int got = unless_out_of_memory(av_read_frame(container_.get(), packet_.get()));
    if (got == AVERROR(EAGAIN)) continue;
    input_.rethrow();
    if (got < 0) {  // behind a fault that it cannot pass, a container has no more
      damaged_ += got == AVERROR(ENOMEM) ? 1 : 0;
      note_rest();
      return false;
    }
    note_end(*packet_);
    if (packet_->stream_index == stream_->index && !passes_over(*packet_)) return true;
    av_packet_unref(packet_.get());
  }
}

/// Of key frames alone: whether this is another frame, or too near to the last one.
bool VideoStream::passes_over(const AVPacket& packet) {
  if (!apart_) return false;
  if ((packet.flags & AV_PKT_FLAG_KEY) == 0) return true;
  const int64_t at = packet.pts != AV_NOPTS_VALUE ? packet.pts : packet.dts;
  if (at == AV_NOPTS_VALUE) return false;
  const double seconds = static_cast<double>(at) * av_q2d(stream_->time_base);
  if (seconds < last_key_ + *apart_) return true;
  last_key_ = seconds;
  return false;
}

/// A y4m file is frames and nothing else, and its demuxer passes over a part of one.
void VideoStream::note_rest() {
  const bool only_frames = std::string_view(container_->iformat->name) == "yuv4mpegpipe";
  ends_inside_frame_ = only_frames && packets_end_ > 0 && avio_size(input_.io()) > packets_end_;
}

void VideoStream::note_end(const AVPacket& packet) {
  if (packet.pos >= 0) packets_end_ = std::max(packets_end_, packet.pos + packet.size);
  const int64_t at = packet.pts != AV_NOPTS_VALUE ? packet.pts : packet.dts;
  if (at == AV_NOPTS_VALUE) return;
  const double tick = av_q2d(container_->streams[packet.stream_index]->time_base);
  end_ = std::max(end_, (static_cast<double>(at) + static_cast<double>(packet.duration)) * tick);
}

double VideoStream::begin() const {
  const int64_t at = frame_->best_effort_timestamp;
  return at == AV_NOPTS_VALUE ? std::nan("") : static_cast<double>(at) * av_q2d(stream_->time_base);
}

double VideoStream::length() const {
  return static_cast<double>(std::max<int64_t>(frame_->pkt_duration, 0)) *
         av_q2d(stream_->time_base);
}

double VideoStream::fps() const {
  const AVRational rate = av_guess_frame_rate(container_.get(), stream_, nullptr);
  return rate.num > 0 && rate.den > 0 ? av_q2d(rate) : 0;
}

int64_t VideoStream::frames_counted() const {
  if (stream_->nb_frames <= 0) return 0;
  // The index of a file with edits has what they leave out, marked.
  int64_t indexed = 0, shown = 0;
  for (int i = 0; i < avformat_index_get_entries_count(stream_); ++i, ++indexed)
    if ((avformat_index_get_entry(stream_, i)->flags & AVINDEX_DISCARD_FRAME) == 0) ++shown;
  const bool edited =
      indexed > shown || std::string_view(container_->iformat->name).starts_with("mov");
  return edited && indexed > 0 ? shown : stream_->nb_frames;
}

const int32_t* VideoStream::display_matrix() const {
  constexpr size_t kMatrix = 9 * sizeof(int32_t);
  if (const AVFrameSideData* own =
          av_frame_get_side_data(frame_.get(), AV_FRAME_DATA_DISPLAYMATRIX);
      own != nullptr && own->size >= kMatrix)
    return reinterpret_cast<const int32_t*>(own->data);
  size_t size = 0;
  const uint8_t* matrix = av_stream_get_side_data(stream_, AV_PKT_DATA_DISPLAYMATRIX, &size);
  return size < kMatrix ? nullptr : reinterpret_cast<const int32_t*>(matrix);
}

Orientation VideoStream::orientation() const {
  const int32_t* matrix = display_matrix();
  return matrix == nullptr ? Orientation() : display_orientation(matrix);
}

std::string VideoStream::orientation_doubt() const {
  const int32_t* matrix = display_matrix();
  return matrix == nullptr ? "" : display_doubt(matrix);
}

PixelAspect VideoStream::pixel_aspect() const {
  const AVRational aspect = av_guess_sample_aspect_ratio(container_.get(), stream_, frame_.get());
  return aspect.num > 0 && aspect.den > 0 ? PixelAspect{aspect.num, aspect.den} : PixelAspect{};
}

double VideoStream::promised_length() const {
  const bool by_header = container_->duration_estimation_method == AVFMT_DURATION_FROM_STREAM;
  return by_header && container_->duration > 0
             ? static_cast<double>(container_->duration) / AV_TIME_BASE
             : 0;
}

double VideoStream::missing() const {
  const double start = container_->start_time == AV_NOPTS_VALUE
                           ? 0
                           : static_cast<double>(container_->start_time) / AV_TIME_BASE;
  return std::max(0.0, promised_length() - (end_ - start));
}

}  // namespace vidattn
