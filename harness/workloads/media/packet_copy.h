#pragma once

#include <filesystem>
#include <string>

#include "harness/io/output_place.h"
#include "harness/workloads/media/file_io.h"
#include "harness/workloads/media/handles.h"

namespace vidattn {

// What copying packets unchanged from one container to another needs.

/// Throws InputError, "video NAME: DOING: reason", for a code of FFmpeg that says that it failed.
void require_copied(const std::string& video, int code, const char* doing);

/// Opens a container of MPEG-4 (.mp4 and its kin) or Matroska (.webm, .mkv) by its ending alone,
/// with no demuxer that could take the file for a list of others. Throws InputError.
MediaDemuxer open_to_copy(const std::string& video, const MediaInput& input);

/// A new file of packets as they are. It appears whole or not at all. All throws InputError: of the
/// place where it cannot be written, else as require_copied() with `doing`.
class CopiedPackets {
 public:
  /// `format` is FFmpeg's name of a container; nullptr = by the target's ending. The texts must
  /// outlive it.
  CopiedPackets(const std::string& video, const std::filesystem::path& target, const char* format,
                const char* doing);

  /// A track like the source's: codec, rate, shape of pixels, and which way is up, but no metadata.
  /// Returns its number.
  int add_track_like(const AVStream& source);
  /// Once all tracks are there.
  void begin();
  /// A packet of a track of `source`, to the track of that number.
  void write(AVPacket& packet, const AVStream& source, int track);
  void commit();

 private:
  void require(int code) const;

  const std::string& video_;
  const char* doing_;
  OutputPlace place_;
  PendingFile file_;
  MediaOutput output_;
  MediaMuxer muxer_;
};

}  // namespace vidattn
