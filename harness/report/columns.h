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
std::vector<size_t> chosen_places(const ColumnChoice& choice, const std::vector<std::string>& known,
                                  const std::vector<std::string>& few);

/// The line for the columns asked for that no case has a value of; empty = there are none.
std::string absent_line(const std::vector<std::string>& absent);

/// The columns themselves, of those that are known by the names that `name_of` gives them.
template <class Column, class Name>
std::vector<Column> chosen_columns(const ColumnChoice& choice, const std::vector<Column>& known,
                                   const Name& name_of, const std::vector<std::string>& few) {
  std::vector<std::string> names;
  for (const Column& column : known) names.emplace_back(name_of(column));
  std::vector<Column> chosen;
  for (const size_t place : chosen_places(choice, names, few)) chosen.push_back(known[place]);
  return chosen;
}

}  // namespace vidattn
