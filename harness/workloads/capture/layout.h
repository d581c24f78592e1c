#pragma once

#include <optional>
#include <string>

#include "harness/io/stored_array.h"

namespace vidattn {

/// The order of a stored tensor's axes, one letter each: b (batch), l (tokens), h (heads), d
/// (channels of a head), or c for heads and channels in one axis, heads outermost.
struct Layout {
  std::string axes;

  /// As people write it: "bhld", "l(hd)".
  std::string text() const;
  /// Where an axis stands; it must be there.
  size_t axis(char letter) const { return axes.find(letter); }
  bool has(char letter) const { return axes.find(letter) != std::string::npos; }
};

/// Reads any order of the axes in any of the names that are used: lhd, bhld, NHD, "b h n d", BSHD,
/// SBHD, BNSD (heads first where there is no h), l(hd), bl(hd), LC. Empty for any other text.
std::optional<Layout> find_layout(const std::string& text);
/// The same; throws InputError naming `what` for any other text.
Layout parse_layout(const std::string& text, const std::string& what);

/// The layout that a rank has unless something else is said: [L,D], [L,H,D], [B,L,H,D]; and with
/// heads and channels in one axis, where their number is known, [L,C] and [B,L,C].
Layout default_layout(const std::vector<int64_t>& shape, int64_t heads);

/// For a tensor with one axis more or less: a batch before the others, or none. Throws InputError
/// naming the tensor when that does not fit either.
Layout fitted(const Layout& layout, const StoredArray& stored);

/// Entry `entry` of the batch; the layout loses its b. Throws InputError when there is none.
StoredArray batch_entry(const StoredArray& stored, Layout& layout, int64_t entry);

/// As [L,H,D]; heads and channels in one axis are split into `heads`, which must divide them.
/// Without a batch. Throws InputError naming the tensor.
StoredArray as_lhd(const StoredArray& stored, const Layout& layout, int64_t heads);

}  // namespace vidattn
