#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace vidattn {

using ParamValue = std::variant<bool, int64_t, double, std::string, std::vector<double>>;

/// A parameter that describes itself. The type is that of the default.
struct ParamSpec {
  std::string name;
  ParamValue value;         ///< default
  std::string help;         ///< one sentence
  std::string source = {};  ///< paper section, equation or published code
  double min = -std::numeric_limits<double>::infinity();  ///< for numbers and list elements
  double max = std::numeric_limits<double>::infinity();
  std::vector<std::string> choices = {};  ///< for texts; empty = any text
  bool whole = false;                     ///< for lists: elements are whole numbers
  size_t length = 0;                      ///< for lists; 0 = any
};

/// "bool", "int", "real", "text" or "list".
std::string type_name(const ParamValue& value);
/// Canonical text: true, 5, 0.25, temporal, 4,4,4. Params::set() reads it back.
std::string to_text(const ParamValue& value);

/// Values by name, as people give them, for a list of specs; starts with the defaults. Methods read
/// them into a plain struct (attention/methods/fields.h).
class Params {
 public:
  explicit Params(std::vector<ParamSpec> specs);

  /// Parses and checks `text` for parameter `name`. Throws InputError naming the known parameters
  /// for an unknown one, and the type, range or choices for a bad value.
  void set(const std::string& name, const std::string& text);

  const std::vector<ParamSpec>& specs() const { return specs_; }
  const ParamValue& value(const std::string& name) const;
  /// Whether set() was called for this parameter.
  bool given(const std::string& name) const;
  /// The same values seen through a subset of the specs (for a method built from others).
  Params view(const std::vector<ParamSpec>& specs) const;

 private:
  std::vector<ParamSpec> specs_;
  std::map<std::string, ParamValue> values_;
  std::set<std::string> given_;
};

}  // namespace vidattn
