#include "harness/curate/shots/joint_boundary.h"

#include <fmt/format.h>

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
  const bool shared =
      a.first <= a.last && b.first <= b.last && a.first <= b.last && b.first <= a.last;
  return near || shared || within(a, b) || within(b, a);
}

/// Those of the rules that it finds, too, get its mixed frames; others are added.
void add_transnet(std::vector<JointBoundary>& joint, const std::vector<Boundary>& found) {
  for (JointBoundary& one : joint) one.transnet = false;
  const size_t of_rules = joint.size();
  for (const Boundary& one : found) {
    bool known = false;
    for (size_t i = 0; i < of_rules; ++i) {
      Boundary& boundary = joint[i].boundary;
      if (!same(boundary, one)) continue;
      known = true;
      joint[i].transnet = true;
      if (one.clean()) continue;
      boundary.first = boundary.clean() ? one.first : std::min(boundary.first, one.first);
      boundary.last = std::max(boundary.last, one.last);
    }
    if (!known) joint.push_back({one, false, false, true});
  }
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

bool JointBoundary::agreed() const {
  return transnet ? *transnet && (content || adaptive) : content && adaptive;
}

std::string JointBoundary::label() const {
  const std::string kind = transition_name(boundary.kind);
  if (clean()) return kind + ", clean";
  const bool for_content_alone = !transnet && boundary.kind != Transition::cut;
  if (agreed() || for_content_alone) return kind + ", overlapped";
  std::vector<std::string> finders;
  if (content) finders.emplace_back("content");
  if (adaptive) finders.emplace_back("adaptive");
  if (transnet.value_or(false)) finders.emplace_back("transnet");
  return fmt::format("{}, found by {} only", kind, fmt::join(finders, " and "));
}

std::vector<JointBoundary> join_boundaries(const std::vector<Boundary>& content,
                                           const std::vector<Boundary>& adaptive, int64_t trim,
                                           int64_t frames,
                                           const std::optional<std::vector<Boundary>>& transnet) {
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
  if (transnet) add_transnet(joint, *transnet);
  std::stable_sort(joint.begin(), joint.end(), [](const auto& a, const auto& b) {
    return a.boundary.frame < b.boundary.frame;
  });
  for (JointBoundary& one : joint)
    if (!one.clean()) widen(one, trim, frames);
  return joint;
}

}  // namespace vidattn
