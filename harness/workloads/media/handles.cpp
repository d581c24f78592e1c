#include "harness/workloads/media/handles.h"

#include "harness/workloads/media/colour.h"

namespace vidattn {
namespace {

// FFmpeg's own messages never reach the terminal, whatever is called first: errors are told by
// exceptions.
[[maybe_unused]] const bool quiet = [] {
  av_log_set_callback([](void*, int, const char*, va_list) {});
  return true;
}();

/// Whether as much can be had as an honest file ever asks for at once.
bool is_memory_left() {
  constexpr size_t kLargestFrame = size_t{8} * kMostPixels;  // bytes: four channels of 16 bits
  void* probe = av_malloc(kLargestFrame);
  av_free(probe);
  return probe != nullptr;
}

}  // namespace

int unless_out_of_memory(int code) {
  if (code == AVERROR(ENOMEM) && !is_memory_left()) throw std::bad_alloc();
  return code;
}

}  // namespace vidattn
