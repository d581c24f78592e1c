#include "harness/workloads/media/file_io.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "attention/cancel.h"

namespace vidattn {
namespace {

constexpr int kBuffer = 1 << 16;  // bytes

MediaIo make_io(void* self, bool writes, int (*read)(void*, uint8_t*, int),
                int (*write)(void*, uint8_t*, int), int64_t (*seek)(void*, int64_t, int)) {
  auto* buffer = static_cast<unsigned char*>(allocated(av_malloc(kBuffer)));
  AVIOContext* io = avio_alloc_context(buffer, kBuffer, writes ? 1 : 0, self, read, write, seek);
  if (io == nullptr) av_free(buffer);
  return MediaIo(allocated(io));
}

int open_nothing(AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**) {
  return AVERROR(EPERM);
}

}  // namespace

MediaInput::MediaInput(const std::string& path)
    : file_(path), io_(make_io(this, false, read, nullptr, seek)) {}

AVFormatContext* MediaInput::new_context() const {
  AVFormatContext* context = allocated(avformat_alloc_context());
  context->pb = io_.get();
  context->io_open = open_nothing;
  context->protocol_whitelist = allocated(av_strdup("none"));
  return context;
}

double MediaInput::share() const {
  const auto size = static_cast<double>(std::max<uint64_t>(file_.size(), 1));
  return static_cast<double>(position_) / size;
}

void MediaInput::rethrow() const {
  if (error_) std::rethrow_exception(error_);
}

int MediaInput::read(void* self, uint8_t* target, int bytes) {
  auto& input = *static_cast<MediaInput*>(self);
  const int64_t left = static_cast<int64_t>(input.file_.size()) - input.position_;
  const int64_t count = std::min<int64_t>(bytes, left);
  if (count <= 0) return AVERROR_EOF;
  try {
    throw_if_cancelled();
    input.file_.read(static_cast<uint64_t>(input.position_), target, static_cast<uint64_t>(count));
  } catch (...) {  // no exception may pass through FFmpeg
    input.error_ = std::current_exception();
    return AVERROR(EIO);
  }
  input.position_ += count;
  return static_cast<int>(count);
}

int64_t MediaInput::seek(void* self, int64_t offset, int whence) {
  auto& input = *static_cast<MediaInput*>(self);
  const auto size = static_cast<int64_t>(input.file_.size());
  if ((whence & AVSEEK_SIZE) != 0) return size;
  const int64_t from = whence == SEEK_CUR ? input.position_ : whence == SEEK_END ? size : 0;
  int64_t target = 0;
  if (__builtin_add_overflow(from, offset, &target) || target < 0) return AVERROR(EINVAL);
  return input.position_ = target;
}

MediaOutput::MediaOutput(int descriptor)
    : descriptor_(descriptor), io_(make_io(this, true, nullptr, write, seek)) {}

int MediaOutput::write(void* self, uint8_t* source, int bytes) {
  auto& output = *static_cast<MediaOutput*>(self);
  for (int done = 0; done < bytes;) {
    const ssize_t put =
        ::write(output.descriptor_, source + done, static_cast<size_t>(bytes - done));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) {
      output.error_ = errno;
      return AVERROR(output.error_);
    }
    done += static_cast<int>(put);
  }
  return bytes;
}

int64_t MediaOutput::seek(void* self, int64_t offset, int whence) {
  auto& output = *static_cast<MediaOutput*>(self);
  if ((whence & AVSEEK_SIZE) != 0) return AVERROR(ENOSYS);
  const off_t reached = ::lseek(output.descriptor_, offset, whence & ~AVSEEK_FORCE);
  if (reached < 0) output.error_ = errno;
  return reached < 0 ? AVERROR(output.error_) : reached;
}

}  // namespace vidattn
