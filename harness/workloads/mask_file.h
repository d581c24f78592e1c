#pragma once

#include <string>

#include "attention/backend.h"

namespace vidattn {

// Methods read no files. One whose parameter `file` names a file, which is the method `map`, finds
// the file's arrays among its inputs.

/// Whether a backend has that parameter.
bool reads_file(const Backend& backend);

/// Looks at the headers of the file that `params` name, if any. Throws InputError for a file that
/// cannot be read.
void require_file(const Backend& backend, const Params& params);

/// Maps and masks (`input` is block_map or pair_mask) of 0 and 1 in wider integers, as NumPy and
/// PyTorch have them by themselves, become uint8. Throws InputError for others in wider integers.
void narrow_flags(const std::string& input, Array& array);

/// Adds the arrays of the file that `params` name, if any, to in.extra, and has the backend plan
/// once, so that what does not fit is refused before anything is measured. A .npy file, or one
/// array of any name, is told by its type and shape: uint8 [..,L,LK] is pair_mask, other uint8
/// block_map, int32 block_index. Several arrays are told by their names: those of the backend's
/// inputs, or mask, indptr, indices and order. Does nothing for other backends. Throws InputError
/// for a file that cannot be read and arrays that do not fit.
void add_file_inputs(const Backend& backend, const Params& params, Inputs& in);

}  // namespace vidattn
