#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "harness/conform/test_vector.h"

namespace vidattn {

// Models pack text and other segments before the video, and so do the vectors of their methods;
// here those tokens follow it, as everywhere in the tool.

/// Tokens that a case stores before the video's: those of its prefix_segments, its prefix_length,
/// or its text where text_place is "prefix".
int64_t stored_prefix(const TestCase& test);

/// [L,…] as stored: the first `prefix` rows go to the end.
std::shared_ptr<const Tensor> video_first(std::shared_ptr<const Tensor> tensor, int64_t prefix);
std::shared_ptr<const Array> video_first(std::shared_ptr<const Array> array, int64_t length,
                                         int64_t prefix);

/// What was computed for the file `name`, as the case stores it: arrays of `length` rows get the
/// prefix in front again, and the tokens that `order` lists their stored indices.
Array in_stored_order(Array computed, const std::string& name, int64_t length, int64_t prefix);

}  // namespace vidattn
