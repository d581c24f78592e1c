#include "baselines/text_slots.h"

#include "attention/error.h"

namespace vidattn {

int64_t real_text(const VideoGrid& grid, int64_t text_length, int64_t text_max,
                  const std::string& method) {
  if (text_max >= 0 && text_max != grid.text_tokens)
    throw InputError(method + ": text_max is " + std::to_string(text_max) + ", but " +
                     std::to_string(grid.text_tokens) + " text tokens follow the video");
  if (text_length > grid.text_tokens)
    throw InputError(method + ": text_length is " + std::to_string(text_length) + ", but only " +
                     std::to_string(grid.text_tokens) + " text tokens follow the video");
  return text_length < 0 ? grid.text_tokens : text_length;
}

}  // namespace vidattn
