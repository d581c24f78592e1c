#pragma once

#include "harness/workloads/workload.h"

namespace vidattn {

/// The user's own tensors: request.spec is "tensors:PATH", PATH a folder of .npy files or one
/// .safetensors file. It holds, by file stem or tensor name:
///   q, k, v        [L,H,D], or [L,D] as one head; f32, bf16 or f16, kept as stored
///   router_logits  [L,M]     hidden       [L,C]      (optional)
///   router_weight  [M,C]     router_bias  [M]        (optional)
/// and any others, which are offered as extras under their names. Each of the named ones may have
/// one more leading size of 1 (a batch), which is dropped and recorded.
///
/// The grid comes from request.frames, height and width (all or none); the tokens beyond it are
/// text. Shots come from request.shots. Throws InputError with one line for files, shapes, types or
/// grids that do not fit, and for NaN or infinite values in the named tensors.
Workload tensors_workload(const WorkloadRequest& request);

}  // namespace vidattn
