#pragma once

#include <optional>
#include <string>

#include "harness/workloads/capture/calls.h"
#include "harness/workloads/workload.h"

namespace vidattn {

/// The user's own tensors: request.spec is "tensors:PATH" or "tensors:PATH#PREFIX", PATH a
/// .safetensors file, a .safetensors.index.json, an .npz archive, or a folder of those or of .npy
/// files. What it holds, by tensor name or file stem, under PREFIX or under the only prefix there
/// is:
///   q, k, v        [L,H,D] or in another layout, or [L,D] as one head; also to_q, query …
///   router_logits  [L,M]     hidden       [L,C]      (optional)
///   router_weight  [M,C]     router_bias  [M]        (optional)
/// and the inputs that methods declare. Nothing else is read. f32, bf16 and f16 are kept as stored.
/// CAPTURES.md has all rules: layouts, metadata, prefix and padding, several calls.
///
/// The grid comes from request.frames, height and width (all or none), else from the metadata; the
/// tokens beyond it are text. Throws InputError with one line for files, shapes, types or grids
/// that do not fit, and for NaN or infinite values in the named tensors. It is request.call
/// where that is given.
Workload tensors_workload(const WorkloadRequest& request);

/// What follows "tensors:"; empty = another workload.
std::optional<CapturePath> tensors_path(const std::string& spec);
/// The inverse.
std::string tensors_spec(const CapturePath& path);

}  // namespace vidattn
