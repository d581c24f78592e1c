#include "harness/workloads/capture/settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "attention/error.h"
#include "harness/io/file.h"

namespace vidattn {
namespace {

/// Chooses between an option and the metadata, and tells when they contradict each other.
class Choice {
 public:
  explicit Choice(std::vector<std::string>& notes) : notes_(notes) {}

  /// `unsaid` stands for a value that is not given.
  template <class T>
  T of(const char* option, const T& asked, const T& said, const T& unsaid) {
    if (asked == unsaid) return said;
    if (said != unsaid && said != asked) contradict(option, text(asked), text(said));
    return asked;
  }
  void contradict(const char* option, const std::string& asked, const std::string& said) {
    notes_.push_back(
        fmt::format("{} {} is taken, though the capture's metadata says {}", option, asked, said));
  }

 private:
  static std::string text(const std::string& value) { return value; }
  static std::string text(int64_t value) { return std::to_string(value); }
  static std::string text(double value) { return fmt::format("{}", value); }
  static std::string text(const std::vector<int64_t>& values) {
    return fmt::format("{}", fmt::join(values, ","));
  }

  std::vector<std::string>& notes_;
};

VideoGrid settle_grid(const WorkloadRequest& request, const CaptureMetadata& metadata,
                      Choice& choice) {
  const std::vector<int64_t> none = {0, 0, 0};
  const std::vector<int64_t> asked = {request.frames, request.height, request.width};
  const std::vector<int64_t> said(metadata.grid.begin(), metadata.grid.end());
  const std::vector<int64_t> sizes = choice.of("--grid", asked, said, none);
  VideoGrid grid{sizes[0], sizes[1], sizes[2]};
  // Shots of another grid are not this one's.
  const std::vector<int64_t> shots = choice.of(
      "--shots", request.shots, sizes == said ? metadata.shots : std::vector<int64_t>{}, {});
  if (sizes == none) {
    if (shots.empty()) return {};
    throw InputError("shots need the video grid: give frames, height and width in tokens");
  }
  if (!shots.empty()) grid.shots = shots;
  grid.validate();
  return grid;
}

}  // namespace

CaptureSettings settle(const WorkloadRequest& request, const CaptureMetadata& metadata,
                       std::vector<std::string>& notes) {
  Choice choice(notes);
  const CaptureOptions& asked = request.capture;
  CaptureSettings out;
  out.grid = settle_grid(request, metadata, choice);
  const std::string& layout = asked.layout.empty() ? metadata.layout : asked.layout;
  if (!layout.empty()) out.layout = parse_layout(layout, "the layout");
  if (!asked.layout.empty() && !metadata.layout.empty() &&
      out.layout->axes != parse_layout(metadata.layout, "the layout").axes)
    choice.contradict("--layout", asked.layout, metadata.layout);
  out.layout_confirmed = !asked.layout.empty();
  out.attention = choice.of<std::string>("--attention", asked.attention, metadata.attention, "");
  if (!out.attention.empty() && out.attention != kSelf && out.attention != kCross)
    throw InputError(fmt::format("the attention {} is neither {} nor {}", in_quotes(out.attention),
                                 kSelf, kCross));
  out.heads = choice.of<int64_t>("--heads", asked.heads, metadata.heads, -1);
  out.lone_heads = metadata.lone_heads;
  out.prefix = choice.of<int64_t>("--prefix", asked.prefix, metadata.prefix, -1);
  out.valid = choice.of<int64_t>("--valid", asked.valid, metadata.valid, -1);
  out.scale = choice.of<double>("--scale", request.scale, metadata.softmax_scale, 0);
  out.batch_entry = asked.batch_entry;
  if (!asked.head_range.empty())
    out.head_range = parse_head_range(asked.head_range, "the head range");
  out.prefix = std::max<int64_t>(out.prefix, 0);
  return out;
}

}  // namespace vidattn
