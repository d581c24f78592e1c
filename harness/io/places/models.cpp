#include "harness/io/places/models.h"

#include <fmt/format.h>

#include <cstdlib>

#include "attention/error.h"
#include "harness/io/file.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;

/// Empty where the variable is not set.
std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

fs::path models_folder() {
  const std::string data = variable("XDG_DATA_HOME"), home = variable("HOME");
  return (data.empty() ? fs::path(home) / ".local/share" : fs::path(data)) / "vidattn/models";
}

std::optional<std::string> found_model(const std::string& file) {
  const fs::path path = models_folder() / file;
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return std::nullopt;
  return path.string();
}

std::string required_model(const std::string& given, const std::string& file,
                           const std::string& wanted_for) {
  if (!given.empty()) return given;
  if (const auto found = found_model(file)) return *found;
  throw InputError(fmt::format("{}: there is no {}; get it by harness/get_models.sh {}", wanted_for,
                               in_quotes((models_folder() / file).string()),
                               fs::path(file).stem().string()));
}

}  // namespace vidattn
