#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace vidattn {

/// A data file of the repository, compiled into the program so that it is found wherever the
/// program runs. `path` is relative to the repository: "results/paper/table5.json". Empty when
/// there is none.
std::string_view embedded(const std::string& path);

/// Paths of the embedded files that begin with `folder`, sorted.
std::vector<std::string> embedded_in(const std::string& folder);

}  // namespace vidattn
