#include "harness/report/columns.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <numeric>

#include "attention/error.h"
#include "attention/nearest.h"
#include "harness/io/file.h"

namespace vidattn {
namespace {

/// Throws InputError where no column has the tag, nor a single one the title.
size_t place_of(const std::string& name, const std::vector<ColumnName>& known) {
  std::vector<std::string> tags, titled;
  size_t place = 0;
  for (size_t i = 0; i < known.size(); ++i) {
    if (known[i].tag == name) return i;
    tags.push_back(known[i].tag);
    if (known[i].title != name) continue;
    titled.push_back(known[i].tag);
    place = i;
  }
  if (titled.empty())
    throw InputError(fmt::format("no column {}: {}", in_quotes(name), known_are(name, tags)));
  if (titled.size() > 1)
    throw InputError(
        fmt::format("column {} may be {}", in_quotes(name), fmt::join(titled, " or ")));
  return place;
}

}  // namespace

std::vector<size_t> chosen_places(const ColumnChoice& choice, const std::vector<ColumnName>& known,
                                  const std::vector<std::string>& few) {
  std::vector<size_t> places(known.size());
  std::iota(places.begin(), places.end(), 0);
  if (choice.all) return places;
  places.clear();
  for (const std::string& name : choice.names.empty() ? few : choice.names)
    places.push_back(place_of(name, known));
  return places;
}

std::string absent_line(const std::vector<std::string>& absent) {
  return absent.empty() ? ""
                        : fmt::format("no case has {}; --all-columns shows all that there is\n",
                                      fmt::join(absent, ", "));
}

}  // namespace vidattn
