#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "harness/io/arrays/byte_source.h"
#include "harness/io/output_place.h"

namespace vidattn {

/// Text from outside (a path, a name in a file) made fit for a one-line message: in double quotes,
/// control characters escaped, invalid UTF-8 replaced, cut after 300 bytes.
std::string in_quotes(std::string_view text);

/// A regular file opened for reading. Reads are positional, so one object may serve many readers.
class InputFile : public ByteSource {
 public:
  /// Throws InputError when the file is missing, unreadable or not a regular file, or when the
  /// command is to write it (places/roles.h).
  explicit InputFile(const std::filesystem::path& path);
  ~InputFile() override;
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const std::string& name() const override { return name_; }
  uint64_t size() const override { return size_; }  ///< when the file was opened
  void read(uint64_t offset, void* target, uint64_t bytes) const override;

 private:
  std::string name_;
  int descriptor_ = -1;
  uint64_t size_ = 0;
};

/// A file that appears under its name only when complete (output_place.h). Without commit() nothing
/// is left and an older file stays as it was.
class OutputFile {
 public:
  /// Throws InputError as OutputPlace does, and when the folder is missing or not writable.
  explicit OutputFile(const std::filesystem::path& path);

  /// Appends. Throws InputError when the disk is full or fails.
  void write(const void* source, uint64_t bytes);
  /// Makes the bytes durable and gives the file its name. Throws like write().
  void commit();

 private:
  OutputPlace place_;
  PendingFile file_;
};

/// Writes a whole file, or leaves what was there (OutputFile). Throws InputError with the system's
/// reason.
void write_text(const std::string& path, std::string_view text);

/// Throws InputError unless a file can be created at `path`: asked before long work begins.
void require_writable(const std::string& path);

/// Makes a folder where it is missing; the one above it must be there. Returns whether it did.
/// Throws InputError when that fails or files cannot be created in it: asked before long work
/// begins.
bool make_writable_folder(const std::string& path);

}  // namespace vidattn
