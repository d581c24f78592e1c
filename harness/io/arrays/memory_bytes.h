#pragma once

#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "attention/error.h"
#include "harness/io/arrays/byte_source.h"

namespace vidattn {

/// Bytes that somebody else keeps in memory, as a file that is part of the program.
class MemoryBytes : public ByteSource {
 public:
  MemoryBytes(std::string_view bytes, std::string name) : bytes_(bytes), name_(std::move(name)) {}

  const std::string& name() const override { return name_; }
  uint64_t size() const override { return bytes_.size(); }
  void read(uint64_t offset, void* target, uint64_t bytes) const override {
    if (offset > size() || bytes > size() - offset)
      throw InputError(name_ + " ends before byte " + std::to_string(offset + bytes));
    if (bytes > 0) std::memcpy(target, bytes_.data() + offset, bytes);
  }

 private:
  std::string_view bytes_;
  std::string name_;
};

}  // namespace vidattn
