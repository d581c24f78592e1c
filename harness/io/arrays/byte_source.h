#pragma once

#include <cstdint>
#include <string>

namespace vidattn {

/// Bytes that can be read from any place on: a file, or a member of an archive.
class ByteSource {
 public:
  virtual ~ByteSource() = default;

  /// Quoted, for messages.
  virtual const std::string& name() const = 0;
  virtual uint64_t size() const = 0;  ///< bytes
  /// Reads exactly `bytes` bytes. Throws InputError when they are not there or cannot be read.
  virtual void read(uint64_t offset, void* target, uint64_t bytes) const = 0;
};

}  // namespace vidattn
