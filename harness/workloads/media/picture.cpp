#include "harness/workloads/video/picture.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <mutex>
#include <new>
#include <opencv2/imgcodecs.hpp>

#include "attention/error.h"
#include "harness/io/file.h"

namespace vidattn {
namespace {

/// Nothing reaches stderr while it lives: the libraries below OpenCV write there themselves, before
/// what they found becomes an error here.
class Silence {
 public:
  Silence() : lock_(mutex()) {
    std::fflush(stderr);
    stderr_ = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (stderr_ >= 0 && nowhere >= 0) ::dup2(nowhere, STDERR_FILENO);
    if (nowhere >= 0) ::close(nowhere);
  }
  ~Silence() {
    if (stderr_ < 0) return;
    ::dup2(stderr_, STDERR_FILENO);
    ::close(stderr_);
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  /// Two at once would take each other's silence for stderr.
  static std::mutex& mutex() {
    static std::mutex one;
    return one;
  }
  std::lock_guard<std::mutex> lock_;
  int stderr_ = -1;
};

cv::Mat decoded(const std::string& path) {
  const Silence silence;
  try {
    return cv::imread(path, cv::IMREAD_COLOR);
  } catch (const cv::Exception& error) {  // the size that the header claims, or no memory for it
    if (error.code == cv::Error::StsNoMem) throw std::bad_alloc();
    return {};
  }
}

}  // namespace

cv::Mat read_picture(const std::string& path) {
  const InputFile readable{path};  // a named pipe would be waited for
  cv::Mat picture = decoded(path);
  if (picture.empty() || picture.total() > static_cast<size_t>(kMostPixels))
    throw InputError(fmt::format(
        "picture {} cannot be read: damaged, not a picture, or of more than {} million pixels",
        in_quotes(path), kMostPixels / 1'000'000));
  return picture;
}

}  // namespace vidattn
