#include "attention/methods/cross.h"

namespace vidattn {
namespace {

constexpr const char* kMark = "cross_attention";

}  // namespace

bool is_cross(const Inputs& in) { return in.keys() != in.length() || in.find(kMark) != nullptr; }

void mark_cross(Inputs& in) {
  in.extra[kMark] = std::make_shared<const Array>(Array{{1}, std::vector<float>{1}});
}

}  // namespace vidattn
