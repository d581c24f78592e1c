#pragma once

#include "harness/workloads/capture/calls.h"
#include "harness/workloads/part.h"

namespace vidattn {

/// Reads one call and nothing else: q, k, v and what a method declares as its input, under the
/// call's prefix. The request's grid, shots, scale and capture options win over the metadata. The
/// tokens are put in the library's order, video first, and padding is left out (tokens.h). Throws
/// InputError with one line for whatever does not fit, before memory is asked for where sizes tell.
Workload load_call(const CaptureCall& call, const WorkloadRequest& request);
/// The wanted tokens alone; what the capture has of the model's output is then not compared.
WorkloadPart load_call_part(const CaptureCall& call, const WorkloadRequest& request,
                            const RowsOf& rows);

}  // namespace vidattn
