#include <algorithm>

#include "attention/methods/method.h"

namespace vidattn {
namespace {

struct StgaParams : ParamFields {
  using ParamFields::ParamFields;
  static constexpr const char* kSource = "MoGA §2.2";
  int64_t hs =
      integer("hs", 2, "Windows along the height.", "MoGA §3: 2x2 (Wan), 4x4 (MMDiT)", 1, 4096);
  int64_t ws = integer("ws", 2, "Windows along the width.", "MoGA §3", 1, 4096);
  std::vector<int64_t> shots =
      integers("shots", "First latent frame of every shot; empty = those of the grid.", kSource, 0);
  int64_t temporal_group = integer(
      "temporal_group", 0,
      "Largest number of latent frames in a temporal group; 0 = the whole shot.", kSource, 0);
  int64_t boundary_frames = integer(
      "boundary_frames", 1,
      "Latent frames seen of each adjacent shot; 1 gives an inner shot two in all.", kSource, 0);
};

/// Frames [begin, end) of a chunk whose queries see the key frames [key_begin, key_end).
struct TemporalGroup {
  int64_t begin, end, key_begin, key_end;
};

/// Cuts every shot into chunks of at most `largest` frames (0 = the whole shot). The chunk at a
/// shot's start also sees the last `boundary` frames of the shot before, the chunk at its end the
/// first `boundary` frames of the shot after.
std::vector<TemporalGroup> temporal_groups(const std::vector<int64_t>& shots, int64_t frames,
                                           int64_t largest, int64_t boundary) {
  std::vector<TemporalGroup> groups;
  for (size_t s = 0; s < shots.size(); ++s) {
    const int64_t begin = shots[s];
    const int64_t end = s + 1 < shots.size() ? shots[s + 1] : frames;
    const int64_t before = s > 0 ? std::min(boundary, begin - shots[s - 1]) : 0;
    const int64_t next_end = s + 2 < shots.size() ? shots[s + 2] : frames;
    const int64_t after = std::min(boundary, next_end - end);
    const int64_t length = end - begin;
    const int64_t chunks = largest > 0 ? (length + largest - 1) / largest : 1;
    for (int64_t i = 0; i < chunks; ++i) {
      const int64_t from = begin + i * length / chunks, to = begin + (i + 1) * length / chunks;
      groups.push_back(
          {from, to, i == 0 ? from - before : from, i == chunks - 1 ? to + after : to});
    }
  }
  return groups;
}

/// Spatial window i*ws + j of every position of a frame: rows split at floor(i*H/hs), columns at
/// floor(j*W/ws).
std::vector<int32_t> window_of_position(const VideoGrid& grid, int64_t hs, int64_t ws) {
  std::vector<int32_t> window(grid.frame_size());
  for (int64_t i = 0; i < hs; ++i)
    for (int64_t j = 0; j < ws; ++j)
      for (int64_t y = i * grid.height / hs; y < (i + 1) * grid.height / hs; ++y)
        for (int64_t x = j * grid.width / ws; x < (j + 1) * grid.width / ws; ++x)
          window[y * grid.width + x] = static_cast<int32_t>(i * ws + j);
  return window;
}

void explain(const std::vector<TemporalGroup>& groups, int64_t frames,
             const std::vector<int32_t>& window, Plan& plan) {
  std::vector<int32_t> group_of(frames);
  std::vector<uint8_t> sees(groups.size() * frames);
  for (size_t g = 0; g < groups.size(); ++g) {
    std::fill(&group_of[groups[g].begin],
              &group_of[groups[g].begin] + (groups[g].end - groups[g].begin),
              static_cast<int32_t>(g));
    for (int64_t t = groups[g].key_begin; t < groups[g].key_end; ++t) sees[g * frames + t] = 1;
  }
  plan.explained["tgroup_of_frame"] = {{frames}, group_of};
  plan.explained["tgroup_kv_frames"] = {{static_cast<int64_t>(groups.size()), frames}, sees};
  plan.explained["window_of_pos"] = {{static_cast<int64_t>(window.size())}, window};
}

/// Spatial-temporal group attention (MoGA §2.2): spatial windows times temporal groups that never
/// cross a shot, keys and values extended by boundary frames of the adjacent shots.
class Stga : public Method<StgaParams> {
 public:
  std::string name() const override { return "stga"; }

  BackendInfo describe() const override {
    return {.title =
                "spatial windows x temporal groups inside a shot, keys extended across shot "
                "boundaries",
            .paper = "MoGA §2.2",
            .needs_grid = true,
            .takes_text = false,
            .plans_from = PlansFrom::nothing,
            .knob = {"temporal_group", 1, 4096}};
  }

  /// Groups of whole frames are coarse; other windows reach what lies between.
  std::vector<DensityKnob> knobs(const Inputs&, const StgaParams&) const override {
    constexpr int kMostWindows = 6;
    std::vector<DensityKnob> all{info().knob};
    for (int hs = 1; hs <= kMostWindows; ++hs)
      for (int ws = 1; ws <= kMostWindows; ++ws) {
        all.push_back(info().knob);
        all.back().settings = {{"hs", std::to_string(hs)}, {"ws", std::to_string(ws)}};
      }
    return all;
  }

  Plan make_plan(const Inputs& in, const StgaParams& p) const override {
    const auto& shots = p.shots.empty() ? in.grid.shots : p.shots;
    validate_shots(shots, in.grid.frames);
    const auto groups = temporal_groups(shots, in.grid.frames, p.temporal_group, p.boundary_frames);
    const auto window = window_of_position(in.grid, p.hs, p.ws);
    Plan plan;
    plan.branches.push_back({.name = "stga", .tables = {table(in.grid, groups, window)}});
    if (in.explain) explain(groups, in.grid.frames, window, plan);
    return plan;
  }

 private:
  /// Tokens are ordered by window, then frame, so that every group's keys are one range.
  static HeadTable table(const VideoGrid& grid, const std::vector<TemporalGroup>& groups,
                         const std::vector<int32_t>& window) {
    std::vector<std::vector<int32_t>> positions;
    for (size_t p = 0; p < window.size(); ++p) {
      if (window[p] >= static_cast<int32_t>(positions.size())) positions.resize(window[p] + 1);
      positions[window[p]].push_back(static_cast<int32_t>(p));
    }
    std::vector<int32_t> order;
    order.reserve(grid.video_tokens());
    HeadTable table;
    for (const auto& members : positions) {
      const auto base = static_cast<int64_t>(order.size());
      const auto at = [&](int64_t frame) {
        return static_cast<int32_t>(base + frame * static_cast<int64_t>(members.size()));
      };
      for (int64_t t = 0; t < grid.frames; ++t)
        for (int32_t p : members) order.push_back(static_cast<int32_t>(t * grid.frame_size()) + p);
      if (members.empty()) continue;
      for (const TemporalGroup& g : groups)
        table.add(at(g.begin), at(g.end), {{at(g.key_begin), at(g.key_end)}});
    }
    table.query_order = table.key_order = make_order(std::move(order));
    return table;
  }
};

const RegisterBackend<Stga> registered_stga;

}  // namespace
}  // namespace vidattn
