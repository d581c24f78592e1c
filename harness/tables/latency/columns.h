#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>

namespace vidattn {

// Columns of MoGA's Table 11, as its data and its cells call them.

/// Numbers of groups that Table 11 has columns for.
inline constexpr int64_t kLatencyGroups[] = {5, 20};

inline const std::string kFullTime = "Full Attention ms";
inline std::string time_column(int64_t m) { return fmt::format("MoGA (M={}) ms", m); }
inline std::string speedup_column(int64_t m) { return fmt::format("Speedup (M={})", m); }
/// Ours: the speedup over 1/density.
inline std::string realised_column(int64_t m) { return fmt::format("Realised (M={})", m); }

}  // namespace vidattn
