#include "harness/measure/engine/timings.h"

namespace vidattn {

std::string to_string(Stop stop) {
  switch (stop) {
    case Stop::interval:
      return "interval";
    case Stop::time:
      return "time";
    case Stop::blocks:
      return "blocks";
    case Stop::interrupted:
      return "interrupted";
    case Stop::failed:
      break;
  }
  return "failed";
}

const std::vector<Block>& ContenderTimes::blocks() const {
  static const std::vector<Block> none;
  return cases.empty() ? none : cases.front().blocks;
}

const std::vector<RunTimes>& ContenderTimes::runs() const {
  static const std::vector<RunTimes> none;
  return cases.empty() ? none : cases.front().runs;
}

void Timings::rethrow_failure() const {
  for (const ContenderTimes& c : contenders)
    if (c.failure) std::rethrow_exception(c.failure);
}

}  // namespace vidattn
