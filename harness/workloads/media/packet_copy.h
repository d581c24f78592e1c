#pragma once

#include <string>

#include "harness/workloads/media/file_io.h"
#include "harness/workloads/media/handles.h"

namespace vidattn {

// What copying packets unchanged from one container to another needs.

/// Throws InputError, "video NAME: DOING: reason", for a code of FFmpeg that says that it failed.
void require_copied(const std::string& video, int code, const char* doing);

/// Opens a container of MPEG-4 (.mp4 and its kin) or Matroska (.webm, .mkv) by its ending alone,
/// with no demuxer that could take the file for a list of others. Throws InputError.
MediaDemuxer open_to_copy(const std::string& video, const MediaInput& input);

/// A track like the source's: codec, rate, shape of pixels, and which way is up, but no metadata.
/// Throws as require_copied().
AVStream& add_track_like(const AVStream& source, AVFormatContext& to, const std::string& video);

}  // namespace vidattn
