#include "harness/curate/shots/joint_boundary.h"

#include <algorithm>
#include <cstdlib>

namespace vidattn {
namespace {

constexpr int64_t kSamePlace = 2;  // frames

bool same(const Boundary& a, const Boundary& b) {
  const bool near = std::abs(a.frame - b.frame) <= kSamePlace;
  const auto within = [](const Boundary& in, const Boundary& of) {
    return !of.clean() && in.frame >= of.first - kSamePlace && in.frame <= of.last + 1 + kSamePlace;
  };
  return near || within(a, b) || within(b, a);
}

/// Frames around a boundary that is not clean, from which something may shine into both shots.
void widen(JointBoundary& joint, int64_t trim, int64_t frames) {
  Boundary& b = joint.boundary;
  const bool mixed = !b.clean();
  const int64_t first = mixed ? b.first : b.frame, last = mixed ? b.last : b.frame - 1;
  b.first = std::max<int64_t>(0, first - trim);
  b.last = std::min(frames - 1, last + trim);
}

}  // namespace

std::string JointBoundary::label() const {
  const std::string kind = transition_name(boundary.kind);
  if (clean()) return kind + ", clean";
  if (boundary.kind != Transition::cut || (content && adaptive)) return kind + ", overlapped";
  return kind + ", found by " + (content ? "content" : "adaptive") + " only";
}

std::vector<JointBoundary> join_boundaries(const std::vector<Boundary>& content,
                                           const std::vector<Boundary>& adaptive, int64_t trim,
                                           int64_t frames) {
  std::vector<JointBoundary> joint;
  for (const Boundary& one : content) joint.push_back({one, true, false});
  for (const Boundary& one : adaptive) {
    const auto found = std::find_if(joint.begin(), joint.end(), [&](const JointBoundary& known) {
      return known.content && same(known.boundary, one);
    });
    if (found == joint.end())
      joint.push_back({one, false, true});
    else
      found->adaptive = true;
  }
  std::stable_sort(joint.begin(), joint.end(), [](const auto& a, const auto& b) {
    return a.boundary.frame < b.boundary.frame;
  });
  for (JointBoundary& one : joint)
    if (!one.clean()) widen(one, trim, frames);
  return joint;
}

}  // namespace vidattn
