#include "harness/report/columns.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "attention/error.h"
#include "attention/nearest.h"
#include "harness/io/file.h"

namespace vidattn {

std::vector<size_t> chosen_places(const ColumnChoice& choice, const std::vector<std::string>& known,
                                  const std::vector<std::string>& few) {
  std::vector<size_t> places(known.size());
  std::iota(places.begin(), places.end(), 0);
  if (choice.all) return places;
  places.clear();
  for (const std::string& name : choice.names.empty() ? few : choice.names) {
    const auto found = std::find(known.begin(), known.end(), name);
    if (found == known.end())
      throw InputError(fmt::format("no column {}: {}", in_quotes(name), known_are(name, known)));
    places.push_back(static_cast<size_t>(found - known.begin()));
  }
  return places;
}

std::string absent_line(const std::vector<std::string>& absent) {
  return absent.empty() ? ""
                        : fmt::format("no case has {}; --all-columns shows all that there is\n",
                                      fmt::join(absent, ", "));
}

}  // namespace vidattn
