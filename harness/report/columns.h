#pragma once

#include <string>
#include <vector>

namespace vidattn {

/// Which columns of a printed table are wanted, by name.
struct ColumnChoice {
  bool all = false;
  std::vector<std::string> names = {};  ///< in the order wanted; empty = the few of the command
};

/// Places in `known` of the columns to show. Throws InputError, with the known names, for one that
/// is not among them.
std::vector<size_t> chosen_columns(const ColumnChoice& choice,
                                   const std::vector<std::string>& known,
                                   const std::vector<std::string>& few);

}  // namespace vidattn
