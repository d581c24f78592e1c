#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "attention/error.h"

namespace vidattn {

/// A JSON value from outside together with its place, "cases[3].workload.grid". Whatever is not as
/// it is asked for is an InputError of one line that names the place, what was expected and what
/// stands there. The value must outlive its readers.
class JsonReader {
 public:
  /// `file` begins every message: the quoted name of the file, or what else the value comes from.
  explicit JsonReader(const nlohmann::json& value, std::string file = {})
      : value_(&value), place_(std::move(file)), joint_(place_.empty() ? "" : ": ") {}

  const nlohmann::json& value() const { return *value_; }
  bool is_null() const { return value_->is_null(); }
  /// Throws the InputError: what is wrong, or what was expected (what stands there is added).
  [[noreturn]] void refuse(const std::string& what) const;
  [[noreturn]] void expected(const std::string& what) const;
  /// Does `work`; an InputError that it throws gets the place in front.
  template <class Work>
  auto placed(Work work) const;

  /// A member of an object that must be there.
  JsonReader at(const std::string& key) const;
  /// A member, or null where it is missing or where this is null itself.
  JsonReader maybe(const std::string& key) const;
  /// All members of an object, all elements of a list; null has none.
  std::vector<std::pair<std::string, JsonReader>> members() const;
  std::vector<JsonReader> items() const;

  const JsonReader& object() const;  ///< itself, which must be an object
  /// Itself, which must be an object without other keys than these.
  const JsonReader& object_of(const std::vector<std::string>& known) const;
  /// A whole number of that range; 2.0 is one, too.
  int64_t integer(int64_t least = std::numeric_limits<int64_t>::min(),
                  int64_t most = std::numeric_limits<int64_t>::max()) const;
  uint64_t natural() const;  ///< a whole number from 0 to 2^64-1
  double number(double least = std::numeric_limits<double>::lowest(),
                double most = std::numeric_limits<double>::max()) const;
  double number_or_nan() const;  ///< null is NaN
  bool boolean() const;
  std::string text() const;      ///< without control characters, at most 64 KiB
  std::string line() const;      ///< of any length, control characters made to spaces
  std::string raw_text() const;  ///< of any length and with any characters

  /// By type: whole numbers of the type's range, double, bool, std::string (text()), std::vector of
  /// such (a list, or null: an empty one), std::map<std::string, …> (an object, or null).
  template <class T>
  T get() const;
  template <class T>
  T get_or(T otherwise) const {
    return is_null() ? otherwise : get<T>();
  }
  /// Sets `target` to a member, which must be there; read_if() keeps it where the member is missing
  /// or null.
  template <class T>
  void read(const std::string& key, T& target) const {
    target = at(key).get<T>();
  }
  template <class T>
  void read_if(const std::string& key, T& target) const {
    target = maybe(key).get_or<T>(std::move(target));
  }

 private:
  JsonReader(const nlohmann::json& value, std::string place, const char* joint)
      : value_(&value), place_(std::move(place)), joint_(joint) {}
  JsonReader member(const std::string& key, const nlohmann::json& value) const;

  const nlohmann::json* value_;
  std::string place_;
  const char* joint_;  ///< between the place and a key below it
};

template <class Work>
auto JsonReader::placed(Work work) const {
  try {
    return work();
  } catch (const InputError& error) {
    refuse(error.what());
  }
}

template <class T>
T JsonReader::get() const {
  if constexpr (std::same_as<T, bool>) {
    return boolean();
  } else if constexpr (std::same_as<T, uint64_t>) {
    return natural();
  } else if constexpr (std::integral<T>) {
    return static_cast<T>(integer(std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
  } else if constexpr (std::floating_point<T>) {
    return number();
  } else if constexpr (std::same_as<T, std::string>) {
    return text();
  } else if constexpr (requires { typename T::mapped_type; }) {
    T map;
    for (const auto& [key, member] : members())
      map.emplace(key, member.template get<typename T::mapped_type>());
    return map;
  } else {
    T list;
    for (const JsonReader& item : items()) list.push_back(item.get<typename T::value_type>());
    return list;
  }
}

}  // namespace vidattn
