#pragma once

#include <cstdint>

namespace vidattn {

/// Window settings of MoGA's combination (§2.2, §3).
struct WindowSetting {
  int64_t windows = 4;          ///< spatial windows of STGA, 2x2 on Wan
  int64_t temporal_groups = 4;  ///< of equal length, each a shot of its own
  int64_t frames = 0;           ///< latent frames t
  int64_t boundary_frames = 0;  ///< key frames taken from each adjacent shot
};

/// Densities of ideal plans: everything divides evenly and the router is balanced. Executed plans
/// are never below them.
double moga_density(int64_t groups);   ///< 1/M
double frame_density(int64_t frames);  ///< 1/t
/// 1/(windows·G) and, with b boundary frames, 2b(G-1)/(windows·G·t) more.
double stga_density(const WindowSetting& setting);
/// Sum of the three: a pair counts once for every branch that computes it. M = 1 stands for full
/// attention without STGA and frame attention, as in MoGA's Table 4.
double moga_stga_density(int64_t groups, const WindowSetting& setting);

}  // namespace vidattn
