#include "harness/conform/call_inputs.h"

#include <fmt/format.h>

#include <algorithm>

#include "attention/error.h"
#include "attention/methods/cross.h"
#include "harness/workloads/capture/options.h"
#include "harness/workloads/in_dtype.h"

namespace vidattn {
namespace {

/// A grid that leaves tokens over takes them as text tokens; validate() refuses one too large.
VideoGrid grid_for(VideoGrid grid, int64_t length) {
  if (!grid.known()) {
    if (grid.shots.size() > 1) throw InputError("shots need the grid, in which they are frames");
    return grid;
  }
  grid.validate();
  grid.text_tokens = std::max<int64_t>(0, length - grid.video_tokens());
  return grid;
}

}  // namespace

Inputs call_inputs(const NamedTensor& q, const NamedTensor& k, const NamedTensor& v,
                   const CallTerms& terms) {
  Inputs in;
  const DType stored = storage_of(terms.dtype);
  in.q = in_dtype(q.tensor, stored, q.name);
  in.k = in_dtype(k.tensor, stored, k.name);
  in.v = in_dtype(v.tensor, stored, v.name);
  if (is_low_bit(terms.dtype)) in.low_bits = terms.dtype;
  in.grid = grid_for(terms.grid, in.length());
  in.scale = terms.scale;
  in.validate();
  if (terms.attention == kSelf && is_cross(in))
    throw InputError(
        fmt::format("self-attention has as many keys as queries: these are {} queries and {} keys",
                    in.length(), in.keys()));
  if (terms.attention == kCross) mark_cross(in);
  return in;
}

void add_inputs(const BackendSpec& spec, std::map<std::string, Array>&& arrays, Inputs& in) {
  const auto& known = spec.backend->info().inputs;
  for (auto& [name, array] : arrays) {
    const auto is_it = [&wanted = name](const InputSpec& i) { return i.name == wanted; };
    if (std::none_of(known.begin(), known.end(), is_it))
      throw InputError(spec.backend->name() + " has no input '" + name + "'");
    in.extra[name] = std::make_shared<const Array>(std::move(array));
  }
}

}  // namespace vidattn
