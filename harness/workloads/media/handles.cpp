#include "harness/workloads/media/handles.h"

namespace vidattn {
namespace {

// FFmpeg's own messages never reach the terminal, whatever is called first: errors are told by
// exceptions.
[[maybe_unused]] const bool quiet = [] {
  av_log_set_callback([](void*, int, const char*, va_list) {});
  return true;
}();

}  // namespace
}  // namespace vidattn
