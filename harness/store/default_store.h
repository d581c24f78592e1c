#pragma once

namespace vidattn {

/// Where runs go unless --db says otherwise.
inline constexpr const char* kDefaultStore = "results/vidattn.db";

}  // namespace vidattn
