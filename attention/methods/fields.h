#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "attention/params.h"

namespace vidattn {

/// Base of a method's parameter struct. A member's initializer is the whole declaration of a
/// parameter: name, default, help, source, range:
///
///   struct WindowParams : ParamFields {
///     using ParamFields::ParamFields;
///     int64_t window = integer("window", 3, "Tokens seen each way.", "the paper", 1);
///   };
///
/// Made with a list of specs, the struct describes itself there and holds the defaults; made with
/// Params, it holds their values. Order of the members is the order in which users see them.
class ParamFields {
 public:
  explicit ParamFields(std::vector<ParamSpec>& specs) : specs_(&specs) {}
  explicit ParamFields(const Params& values) : values_(&values) {}

 protected:
  static constexpr double kAny = std::numeric_limits<double>::infinity();

  bool flag(const char* name, bool initial, const char* help, const char* source = "") const;
  int64_t integer(const char* name, int64_t initial, const char* help, const char* source = "",
                  double min = -kAny, double max = kAny) const;
  double real(const char* name, double initial, const char* help, const char* source = "",
              double min = -kAny, double max = kAny) const;
  std::string text(const char* name, const std::string& initial, const char* help,
                   const char* source = "") const;
  /// One of several words; the first is the default.
  std::string choice(const char* name, std::initializer_list<const char*> choices, const char* help,
                     const char* source = "") const;
  /// Lists of any length, empty by default.
  std::vector<double> reals(const char* name, const char* help, const char* source = "",
                            double min = -kAny, double max = kAny) const;
  std::vector<int64_t> integers(const char* name, const char* help, const char* source = "",
                                double min = -kAny, double max = kAny) const;
  /// A list of as many whole numbers as its default has.
  template <size_t N>
  std::array<int64_t, N> integers(const char* name, const int64_t (&initial)[N], const char* help,
                                  const char* source = "", double min = -kAny,
                                  double max = kAny) const {
    const auto list = whole(name, {initial, initial + N}, help, source, min, max);
    std::array<int64_t, N> array;
    for (size_t i = 0; i < N; ++i) array[i] = static_cast<int64_t>(list[i]);
    return array;
  }
  /// Whether the parameter was given; false where it only describes itself.
  bool given(const char* name) const { return values_ && values_->given(name); }

 private:
  /// The value given for a parameter; `otherwise` where the struct only describes itself.
  template <class T>
  T value(const char* name, T otherwise) const {
    return values_ ? std::get<T>(values_->value(name)) : otherwise;
  }
  /// Of the length of a default that is not empty.
  std::vector<double> whole(const char* name, const std::vector<double>& initial, const char* help,
                            const char* source, double min, double max) const;

  // For the initializers only.
  std::vector<ParamSpec>* specs_ = nullptr;
  const Params* values_ = nullptr;
};

/// What a call has, by the name of the parameter that only says what it must have.
using Facts = std::map<std::string, ParamValue>;

/// Throws InputError naming `method` where a parameter differs from the fact of its name (a text
/// must begin with it). A parameter that has its default is not checked.
void check_facts(const std::string& method, const Facts& facts, const Params& params);

/// What the parameter struct P declares.
template <class P>
std::vector<ParamSpec> specs_of() {
  std::vector<ParamSpec> specs;
  P describes(specs);
  return specs;
}

}  // namespace vidattn
