#include "harness/workloads/media/video_file.h"

#include <fmt/format.h>
#include <omp.h>

extern "C" {
#include <libavutil/opt.h>
}

namespace vidattn {
namespace {

constexpr int kQuality = 2 * FF_QP2LAMBDA;  // of MPEG-4's and JPEG's steps of quantization

AVCodecID id_of(VideoCodec codec) {
  if (codec == VideoCodec::ffv1) return AV_CODEC_ID_FFV1;
  if (codec == VideoCodec::h264) return AV_CODEC_ID_H264;
  return codec == VideoCodec::mpeg4 ? AV_CODEC_ID_MPEG4 : AV_CODEC_ID_MJPEG;
}

AVPixelFormat format_of(VideoCodec codec) {
  if (codec == VideoCodec::ffv1) return AV_PIX_FMT_BGR0;
  return codec == VideoCodec::mjpeg ? AV_PIX_FMT_YUVJ420P : AV_PIX_FMT_YUV420P;
}

/// FFmpeg has several encoders of H.264, of which those for some hardware fail elsewhere.
const AVCodec* encoder_of(VideoCodec codec) {
  return codec == VideoCodec::h264 ? avcodec_find_encoder_by_name("libx264")
                                   : avcodec_find_encoder(id_of(codec));
}

/// As far as a stream of H.264 can say it.
AVRational within_16_bits(const PixelAspect& pixels) {
  AVRational aspect;
  av_reduce(&aspect.num, &aspect.den, pixels.width, pixels.height, UINT16_MAX);
  return aspect;
}

MediaMuxer muxer_for(const std::filesystem::path& path) {
  const AVOutputFormat* format = av_guess_format(nullptr, path.c_str(), nullptr);
  AVFormatContext* context = nullptr;
  if (format != nullptr)
    unless_out_of_memory(avformat_alloc_output_context2(&context, format, nullptr, nullptr));
  return MediaMuxer(context);
}

}  // namespace

VideoFile::VideoFile(const std::filesystem::path& path, VideoCodec codec, double fps, cv::Size size,
                     const PixelAspect& pixels)
    : place_(path),
      file_(place_.create()),
      output_(file_.descriptor()),
      muxer_(muxer_for(path)),
      from_bgr_(format_of(codec), size) {
  if (!muxer_ || avformat_query_codec(muxer_->oformat, id_of(codec), FF_COMPLIANCE_NORMAL) != 1)
    place_.fail(fmt::format("a file of this ending holds no {}", avcodec_get_name(id_of(codec))));
  muxer_->pb = output_.io();
  muxer_->flags |= AVFMT_FLAG_CUSTOM_IO;
  open_encoder(codec, fps, size, pixels);
  AVStream* stream = allocated(avformat_new_stream(muxer_.get(), nullptr));
  stream->time_base = encoder_->time_base;
  stream->avg_frame_rate = encoder_->framerate;
  stream->sample_aspect_ratio = encoder_->sample_aspect_ratio;
  require(avcodec_parameters_from_context(stream->codecpar, encoder_.get()));
  require(avformat_write_header(muxer_.get(), nullptr));
}

void VideoFile::open_encoder(VideoCodec codec, double fps, cv::Size size,
                             const PixelAspect& pixels) {
  constexpr int kLargest = 1'001'000;  // of numerator and denominator
  const AVCodec* encoder = encoder_of(codec);
  if (encoder == nullptr) place_.fail("FFmpeg here cannot write this codec");
  encoder_.reset(allocated(avcodec_alloc_context3(encoder)));
  encoder_->width = size.width;
  encoder_->height = size.height;
  encoder_->pix_fmt = format_of(codec);
  encoder_->framerate = av_d2q(fps, kLargest);
  encoder_->time_base = av_inv_q(encoder_->framerate);
  if (!pixels.square()) encoder_->sample_aspect_ratio = within_16_bits(pixels);
  if (codec == VideoCodec::h264) {
    encoder_->thread_count = omp_get_max_threads();
    // As near to the source (SSIM 0.992 of films at 720p) as "veryfast" at 18, in two thirds of the
    // time, and a third larger.
    av_opt_set(encoder_->priv_data, "preset", "superfast", 0);
    av_opt_set(encoder_->priv_data, "crf", "20", 0);
  } else {
    encoder_->flags |= AV_CODEC_FLAG_QSCALE;
    encoder_->global_quality = kQuality;
  }
  if ((muxer_->oformat->flags & AVFMT_GLOBALHEADER) != 0)
    encoder_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  require(avcodec_open2(encoder_.get(), encoder, nullptr));
}

void VideoFile::write(const cv::Mat& frame) {
  const MediaFrame converted = from_bgr_.convert(frame);
  converted->pts = frames_++;
  converted->quality = kQuality;
  encode(converted.get());
}

/// Nothing for a frame takes out what the encoder still holds.
void VideoFile::encode(const AVFrame* frame) {
  require(avcodec_send_frame(encoder_.get(), frame));
  for (;;) {
    const int got = avcodec_receive_packet(encoder_.get(), packet_.get());
    if (got == AVERROR(EAGAIN) || got == AVERROR_EOF) return;
    require(got);
    const AVRational step = encoder_->time_base;
    packet_->duration = 1;
    av_packet_rescale_ts(packet_.get(), step, muxer_->streams[0]->time_base);
    require(av_interleaved_write_frame(muxer_.get(), packet_.get()));
  }
}

void VideoFile::commit() {
  encode(nullptr);
  require(av_write_trailer(muxer_.get()));
  avio_flush(output_.io());
  require(output_.io()->error);
  place_.take(file_);
}

void VideoFile::require(int code) {
  if (output_.error() != 0) place_.fail(output_.error());
  if (unless_out_of_memory(code) >= 0) return;
  char reason[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(code, reason, sizeof(reason));
  place_.fail(std::string("FFmpeg cannot write it: ") + reason);
}

bool can_write(VideoCodec codec) { return encoder_of(codec) != nullptr; }

}  // namespace vidattn
