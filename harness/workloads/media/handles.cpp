#include "harness/workloads/media/handles.h"

namespace vidattn {

void quiet_media_logs() {
  av_log_set_callback([](void*, int, const char*, va_list) {});
}

}  // namespace vidattn
