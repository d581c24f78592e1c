#pragma once

#include <string>

#include "harness/tables/project/project.h"

namespace vidattn {

/// Whether a file's ending is a figure's: .svg, .png or .pdf.
bool is_figure(const std::string& path);

/// The speedup of a layer over full attention by the number of tokens, one line a plan, each in its
/// fastest way, for a projection on a cluster: the bytes of the file at `path`. Throws what
/// Drawing::draw() throws.
std::string cluster_figure(const Projection& p, const std::string& path);

}  // namespace vidattn
