#pragma once

#include <string>
#include <vector>

namespace vidattn {

/// Which columns of a printed table are wanted, by tag or by the title that is printed above them.
struct ColumnChoice {
  bool all = false;
  std::vector<std::string> names = {};  ///< in the order wanted; empty = the few of the command
};

/// What a column is called: by commands and files, and above it.
struct ColumnName {
  std::string tag, title;
};

/// Places in `known` of the columns to show; `few` are tags. Capital and small letters are the same
/// where no column has the very name. Throws InputError for a name that no column has, with the
/// nearest one or all tags, and for a title that several have.
std::vector<size_t> chosen_places(const ColumnChoice& choice, const std::vector<ColumnName>& known,
                                  const std::vector<std::string>& few);

/// The line for the columns asked for that no case has a value of; empty = there are none.
std::string absent_line(const std::vector<std::string>& absent);

/// The columns themselves, of those that are known by the names that `name_of` gives them. With
/// names in the choice, there is one for each, in their order.
template <class Column, class Name>
std::vector<Column> chosen_columns(const ColumnChoice& choice, const std::vector<Column>& known,
                                   const Name& name_of, const std::vector<std::string>& few) {
  std::vector<ColumnName> names;
  for (const Column& column : known) names.push_back(name_of(column));
  std::vector<Column> chosen;
  for (const size_t place : chosen_places(choice, names, few)) chosen.push_back(known[place]);
  return chosen;
}

}  // namespace vidattn
