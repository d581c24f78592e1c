#pragma once

#include <filesystem>
#include <string>

namespace vidattn {

// What a command reads and what it writes. No result takes the place of something that the command
// reads, or of another result: that is refused as soon as both are known, which for what stands on
// the command line is before any work (cli/frame.h). What is only found on the way, as the files of
// a folder, meets the same rule where it is opened (InputFile) and where a place is asked for
// (OutputPlace). All functions throw InputError, in one line, and may be called by any thread.

/// While it lives, files are held against what else was done with them; the frame has one for the
/// time of a command. Without one, as under Python, whose users overwrite what they like, the
/// functions below do nothing.
class FileRoles {
 public:
  FileRoles();
  ~FileRoles();
  FileRoles(const FileRoles&) = delete;
  FileRoles& operator=(const FileRoles&) = delete;
};

/// A result will be written there, as `named_by` says ("--out").
void claim_written(const std::filesystem::path& path, const std::string& named_by);

/// A file that `named_by` names is read, if it is one.
void claim_read(const std::filesystem::path& path, const std::string& named_by);

/// A file is about to be opened for reading.
void note_reading(const std::filesystem::path& path);

/// A place is about to be written.
void note_writing(const std::filesystem::path& path);

/// The command reads this file and writes it anew on purpose, as a baseline that is accepted.
void allow_update(const std::filesystem::path& path);

}  // namespace vidattn
