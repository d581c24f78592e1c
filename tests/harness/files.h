#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "attention/error.h"

namespace vidattn::testing {

/// A fresh folder that disappears with the object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "vidattn-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = pattern;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

inline void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::remove(path);  // rewriting in place flushes to the disk on some file systems
  std::ofstream out(path, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  ASSERT_TRUE(out.flush().good());
}

inline std::string read_bytes(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The bytes of values as they lie in memory.
template <class T>
std::string raw(std::initializer_list<T> values) {
  std::string out(values.size() * sizeof(T), '\0');
  if (!out.empty()) std::memcpy(out.data(), std::data(values), out.size());
  return out;
}

/// Expects action() to throw an InputError of one line that contains `part`.
template <class Action>
void expect_input_error(Action&& action, const std::string& part) {
  try {
    action();
    ADD_FAILURE() << "no error, expected one with: " << part;
  } catch (const InputError& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find(part), std::string::npos) << message;
    EXPECT_EQ(message.find_first_of("\r\n"), std::string::npos) << message;
    EXPECT_LT(message.size(), 1200U) << message;
  }
}

/// Truncates the valid file at every length and changes every byte in several ways; each variant
/// must be read or refused with an InputError. Returns how many were refused.
template <class Read>
int expect_read_or_refused(const std::string& valid, const std::filesystem::path& path,
                           Read&& read) {
  int refused = 0;
  const auto try_one = [&](const std::string& bytes) {
    write_bytes(path, bytes);
    try {
      read(path);
    } catch (const InputError& error) {
      ++refused;
      EXPECT_EQ(std::string(error.what()).find_first_of("\r\n"), std::string::npos) << error.what();
    }
  };
  for (size_t length = 0; length < valid.size(); ++length) try_one(valid.substr(0, length));
  for (size_t at = 0; at < valid.size(); ++at) {
    for (const int change : {0x01, 0x10, 0x80, 0xff}) {
      std::string bytes = valid;
      bytes[at] = static_cast<char>(bytes[at] ^ change);
      try_one(bytes);
    }
    for (const char replacement : {'9', '-', '\n', '{', ']', ',', '"', '\0'}) {
      std::string bytes = valid;
      bytes[at] = replacement;
      try_one(bytes);
    }
  }
  return refused;
}

}  // namespace vidattn::testing
