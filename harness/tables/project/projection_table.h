#pragma once

#include <string>
#include <vector>

#include "harness/io/text_table.h"

namespace vidattn {

/// A table of a projection with its heading and what stands below it.
struct ProjectionTable {
  std::string title;
  std::vector<std::string> headers;
  TableRows rows;
  std::vector<std::string> notes;
};

}  // namespace vidattn
