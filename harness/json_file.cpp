#include "harness/json_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "attention/error.h"

namespace vidattn {
namespace {

[[noreturn]] void refuse(const std::string& path) {
  throw InputError("cannot write '" + path + "': " + std::strerror(errno));
}

}  // namespace

void write_json(const std::string& path, const nlohmann::json& json) {
  const std::string temporary = path + ".tmp" + std::to_string(getpid());
  errno = 0;
  std::ofstream stream(temporary);
  stream << json.dump(1) << "\n";
  stream.close();
  if (!stream) {
    const int reason = errno;
    std::filesystem::remove(temporary);
    errno = reason;
    refuse(path);
  }
  std::error_code error;
  std::filesystem::rename(temporary, path, error);
  if (error) throw InputError("cannot write '" + path + "': " + error.message());
}

void require_writable(const std::string& path) {
  if (std::filesystem::is_directory(path))
    throw InputError("cannot write '" + path + "': it is a folder");
  const std::string temporary = path + ".tmp" + std::to_string(getpid());
  errno = 0;
  std::ofstream stream(temporary);
  if (!stream) refuse(path);
  stream.close();
  std::filesystem::remove(temporary);
}

}  // namespace vidattn
