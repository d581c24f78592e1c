#include "harness/io/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <system_error>

#include "attention/error.h"
#include "harness/io/places/roles.h"
#include "harness/io/text/system_reason.h"

namespace vidattn {
namespace {

// Linux moves at most 2^31 - 4096 bytes in one call.
constexpr uint64_t kLargestTransfer = uint64_t{1} << 30;

}  // namespace

std::string in_quotes(std::string_view text) {
  constexpr size_t kLongest = 300;
  const std::string kept(text.substr(0, kLongest));
  const std::string cut = text.size() > kLongest ? "..." : "";
  using nlohmann::json;
  return json(kept + cut).dump(-1, ' ', false, json::error_handler_t::replace);
}

InputFile::InputFile(const std::filesystem::path& path) : name_(in_quotes(path.native())) {
  note_reading(path);
  // Without O_NONBLOCK the opening of a named pipe would wait for a writer.
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (descriptor_ < 0)
    throw InputError(fmt::format("cannot read {}: {}", name_, system_reason(errno)));
  struct stat status {};
  const bool known = ::fstat(descriptor_, &status) == 0;
  if (known && S_ISREG(status.st_mode)) {
    size_ = static_cast<uint64_t>(status.st_size);
    return;
  }
  ::close(descriptor_);
  throw InputError(fmt::format("cannot read {}: it is {}, expected a regular file", name_,
                               known && S_ISDIR(status.st_mode) ? "a folder" : "a special file"));
}

InputFile::~InputFile() { ::close(descriptor_); }

void InputFile::read(uint64_t offset, void* target, uint64_t bytes) const {
  auto* place = static_cast<std::byte*>(target);
  while (bytes > 0) {
    const auto wanted = static_cast<size_t>(std::min(bytes, kLargestTransfer));
    const ssize_t got = ::pread(descriptor_, place, wanted, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw InputError(fmt::format("cannot read {}: {}", name_, system_reason(errno)));
    if (got == 0)
      throw InputError(fmt::format("{} ends at byte {}, {} more expected", name_, offset, bytes));
    place += got;
    offset += static_cast<uint64_t>(got);
    bytes -= static_cast<uint64_t>(got);
  }
}

OutputFile::OutputFile(const std::filesystem::path& path) : place_(path), file_(place_.create()) {}

void OutputFile::write(const void* source, uint64_t bytes) {
  const auto* place = static_cast<const std::byte*>(source);
  while (bytes > 0) {
    const auto wanted = static_cast<size_t>(std::min(bytes, kLargestTransfer));
    const ssize_t put = ::write(file_.descriptor(), place, wanted);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) place_.fail(errno);
    place += put;
    bytes -= static_cast<uint64_t>(put);
  }
}

void OutputFile::commit() { place_.take(file_); }

void write_text(const std::string& path, std::string_view text) {
  OutputFile file(path);
  file.write(text.data(), text.size());
  file.commit();
}

void require_writable(const std::string& path) { const OutputFile probe{path}; }

bool make_writable_folder(const std::string& path) {
  std::error_code error;
  const bool made = std::filesystem::create_directory(path, error);
  if (error) throw InputError(fmt::format("cannot make {}: {}", in_quotes(path), error.message()));
  if (::access(path.c_str(), W_OK | X_OK) != 0)
    throw InputError(
        fmt::format("cannot write into {}: {}", in_quotes(path), system_reason(errno)));
  return made;
}

}  // namespace vidattn
