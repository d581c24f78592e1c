#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <string>

#include "harness/io/file.h"
#include "harness/workloads/media/handles.h"

namespace vidattn {

struct MediaIoDeleter {
  void operator()(AVIOContext* io) const {
    av_freep(&io->buffer);
    avio_context_free(&io);
  }
};
using MediaIo = std::unique_ptr<AVIOContext, MediaIoDeleter>;

/// A regular file as FFmpeg reads it. FFmpeg is never given a name: it could take a part of it for
/// a protocol, an option or a pattern of other names.
class MediaInput {
 public:
  /// Throws InputError as InputFile does.
  explicit MediaInput(const std::string& path);

  AVIOContext* io() const { return io_.get(); }
  /// A demuxer's context, to be opened, that reads this file and opens nothing that it refers to.
  AVFormatContext* new_context() const;
  /// Share of the file up to where it was read last, 0 to 1.
  double share() const;
  /// Throws again what kept a read from its bytes, if anything: InputError, or Cancelled.
  void rethrow() const;

 private:
  static int read(void* self, uint8_t* target, int bytes);
  static int64_t seek(void* self, int64_t offset, int whence);

  InputFile file_;
  int64_t position_ = 0;
  std::exception_ptr error_;
  MediaIo io_;
};

/// A pending file as FFmpeg writes it.
class MediaOutput {
 public:
  explicit MediaOutput(int descriptor);

  AVIOContext* io() const { return io_.get(); }
  /// The system's number of what kept bytes from the file; 0 = nothing did.
  int error() const { return error_; }

 private:
  static int write(void* self, uint8_t* source, int bytes);
  static int64_t seek(void* self, int64_t offset, int whence);

  int descriptor_;
  int error_ = 0;
  MediaIo io_;
};

}  // namespace vidattn
