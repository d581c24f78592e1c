#include "harness/report/columns.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <functional>
#include <numeric>

#include "attention/error.h"
#include "attention/nearest.h"
#include "harness/io/file.h"

namespace vidattn {
namespace {

/// Places of the columns that are called so: by tag, else by title, else by either in letters of
/// another case.
std::vector<size_t> places_of(const std::string& name, const std::vector<ColumnName>& known) {
  const std::string low = lower_case(name);
  const std::function<bool(const ColumnName&)> rules[] = {
      [&](const ColumnName& c) { return c.tag == name; },
      [&](const ColumnName& c) { return c.title == name; },
      [&](const ColumnName& c) { return lower_case(c.tag) == low || lower_case(c.title) == low; }};
  std::vector<size_t> places;
  for (const auto& called_so : rules) {
    for (size_t i = 0; i < known.size(); ++i)
      if (called_so(known[i])) places.push_back(i);
    if (!places.empty()) break;
  }
  return places;
}

/// "a, b" has the names a and b.
std::string trimmed(const std::string& name) {
  const size_t first = name.find_first_not_of(' ');
  return first == std::string::npos ? ""
                                    : name.substr(first, name.find_last_not_of(' ') + 1 - first);
}

std::string no_column(const std::string& name, const std::vector<ColumnName>& known) {
  std::vector<std::string> tags, all;
  for (const ColumnName& column : known) tags.push_back(column.tag);
  all = tags;
  for (const ColumnName& column : known) all.push_back(column.title);
  const std::string nearest = did_you_mean(name, all);
  return fmt::format("no column {}{}", in_quotes(name),
                     nearest.empty() ? ": " + known_are("", tags) : nearest);
}

/// Throws InputError where no column has the name, or several have.
size_t place_of(const std::string& name, const std::vector<ColumnName>& known) {
  const std::vector<size_t> places = places_of(name, known);
  if (places.empty()) throw InputError(no_column(name, known));
  if (places.size() == 1) return places[0];
  std::vector<std::string> tags;
  for (const size_t place : places) tags.push_back(known[place].tag);
  throw InputError(fmt::format("column {} may be {}", in_quotes(name), fmt::join(tags, " or ")));
}

}  // namespace

std::vector<size_t> chosen_places(const ColumnChoice& choice, const std::vector<ColumnName>& known,
                                  const std::vector<std::string>& few) {
  std::vector<size_t> places(known.size());
  std::iota(places.begin(), places.end(), 0);
  if (choice.all) return places;
  places.clear();
  for (const std::string& name : choice.names.empty() ? few : choice.names)
    places.push_back(place_of(trimmed(name), known));
  return places;
}

std::string absent_line(const std::vector<std::string>& absent) {
  return absent.empty() ? ""
                        : fmt::format("no case has {}; --all-columns shows all that there is\n",
                                      fmt::join(absent, ", "));
}

}  // namespace vidattn
