#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace vidattn {

/// Where an option's value goes. What stands there before is the default, and shown in the help.
using Target = std::variant<bool*,                      // a flag, which makes it true
                            std::function<void()>,      // a flag, which calls it
                            int*, int64_t*, uint64_t*,  //
                            double*, std::optional<double>*,
                            std::string*,               //
                            std::vector<std::string>*,  // may be repeated, one value each time
                            std::vector<int64_t>*,      // one value: 0,10,20
                            /// Called with the text. Throws InputError when it makes no sense.
                            std::function<void(const std::string&)>>;

/// Inclusive; NaN lies in none.
struct Range {
  double least, most;
  bool operator==(const Range&) const = default;
};
inline constexpr Range kPositive{std::numeric_limits<double>::min(),
                                 std::numeric_limits<double>::max()};

/// What the text of an option names that the tool writes. Refused are a place in a folder that is
/// missing, and a file that the text of any other option names (claims.h).
enum class Written {
  nothing,
  file,        ///< must be writable before any work
  json,        ///< the same, and its name must not be that of a table, page or picture
  named_file,  ///< the same as a file, behind a name: "NAME=FILE"
  folder,      ///< is made where it is missing, in one that is there, and must be writable, too
  store,       ///< the commands open it first (store/store.h)
};

inline bool is_file(Written what) {
  return what == Written::file || what == Written::json || what == Written::named_file;
}

/// An option of a command, as data. The name is "--out", or "VIDEO" of what stands without one.
/// The setters below return the option again, so that a list of options reads
///   Option("--seconds", &seconds, "time budget").in(0, 3600), …
struct Option {
  Option(std::string name, Target target, std::string help)
      : name(std::move(name)), target(std::move(target)), help(std::move(help)) {}

  std::string name;
  Target target;
  std::string help;
  bool is_required = false;
  std::optional<Range> range;
  std::vector<std::string> choices;   ///< for texts; empty = any text
  int count = 0;                      ///< numbers of a list; 0 = as many as are given
  bool takes_several = false;         ///< of texts: all words that follow, not one each time
  std::vector<std::string> needed;    ///< other options, without which this one is refused
  std::vector<std::string> excluded;  ///< other options, with which this one is refused
  std::string default_text;           ///< shown instead of what stands in the target
  std::string group;                  ///< heading in the help; empty = "Options"
  Written writes = Written::nothing;  ///< what it names, if it is written
  bool* given = nullptr;              ///< becomes true when the option is on the line

  Option& required() { return is_required = true, *this; }
  Option& in(double least, double most) { return range = Range{least, most}, *this; }
  Option& positive() { return range = kPositive, *this; }
  Option& one_of(std::vector<std::string> texts) { return choices = std::move(texts), *this; }
  Option& of(int numbers) { return count = numbers, *this; }
  Option& several() { return takes_several = true, *this; }
  Option& needs(std::string other) { return needed.push_back(std::move(other)), *this; }
  Option& excludes(std::string other) { return excluded.push_back(std::move(other)), *this; }
  Option& shown_as(std::string text) { return default_text = std::move(text), *this; }
  Option& under(std::string heading) { return group = std::move(heading), *this; }
  Option& written(Written what = Written::file) { return writes = what, *this; }
  Option& tells(bool& on_the_line) { return given = &on_the_line, *this; }

  bool positional() const { return name.front() != '-'; }
  bool is_flag() const { return target.index() < 2; }
};

}  // namespace vidattn
