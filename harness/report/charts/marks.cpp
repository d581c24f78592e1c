#include "harness/report/charts/marks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace vidattn {
namespace {

// At least 3:1 against white and the dark theme's ground, and as far from each other as that allows
// for eyes without red, green or blue cones.
constexpr std::array<uint32_t, 5> kColours = {0x7A7F87, 0x3451FF, 0xDB7E03, 0x41A158, 0x9F40B0};
constexpr size_t kShapes = 4;
// 5 and 4 have no common divisor, so counting both gives every pair once: filled, then hollow.
constexpr size_t kFilled = kColours.size() * kShapes;

// A method keeps its place for ever; a new one goes to the end. Behind the first kFilled the marks
// are hollow, as are those of methods that are not here, by hash.
constexpr std::string_view kPlaces[] = {
    "full",    "moga",        "stga",         "moga_stga",    "vmoba",        "frame",
    "sta",     "moba",        "svg2",         "radial",       "sparge",       "vsa",
    "svg",     "nsa",         "bsa",          "moc",          "dsa",          "vorta",
    "bigbird", "ditfastattn", "sol",          "pisa",         "sla",          "skip_softmax",
    "lite",    "nabla",       "oracle_block", "random_block", "oracle_token", "subblock",
    "draft",   "xattention",  "vsa_h3",       "rainfusion",   "ssta",         "map"};
static_assert(std::size(kPlaces) <= 2 * kFilled);

/// FNV-1a, the same on every machine.
size_t hash(std::string_view text) {
  uint32_t value = 2166136261U;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 16777619U;
  return value;
}

}  // namespace

Mark mark_of(const std::string& method) {
  const auto* const found = std::find(std::begin(kPlaces), std::end(kPlaces), method);
  const size_t place = found != std::end(kPlaces) ? static_cast<size_t>(found - std::begin(kPlaces))
                                                  : kFilled + hash(method) % kFilled;
  return {kColours[place % kColours.size()], static_cast<int>(place % kShapes), place < kFilled};
}

bool is_ceiling(const std::string& method) { return method.starts_with("oracle"); }

std::string css_colour(uint32_t colour) { return fmt::format("#{:06x}", colour); }

}  // namespace vidattn
