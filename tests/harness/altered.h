#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "attention/error.h"
#include "harness/io/one_line.h"

namespace vidattn::testing {

/// The places of all values inside of one.
inline void add_places(const nlohmann::json& value, const nlohmann::json::json_pointer& at,
                       std::vector<nlohmann::json::json_pointer>& places) {
  places.push_back(at);
  if (value.is_object())
    for (const auto& [key, member] : value.items()) add_places(member, at / key, places);
  if (value.is_array())
    for (size_t i = 0; i < value.size(); ++i) add_places(value[i], at / i, places);
}

/// Gives `read` the valid value with every value inside of it taken out or replaced by one of
/// another type, of an extreme size or with a line break; each must be read, or refused with an
/// InputError of one line. Returns how many were refused.
template <class Read>
int expect_altered_read_or_refused(const nlohmann::json& valid, Read&& read) {
  using nlohmann::json;
  const std::vector<json> others = {nullptr,       true,           0,    5,         -1,
                                    UINT64_MAX,    1e300,          -0.5, "x",       "a\nb",
                                    json::array(), json::object(), {5},  {{"x", 5}}};
  std::vector<json::json_pointer> places;
  add_places(valid, json::json_pointer(), places);
  int refused = 0;
  const auto try_one = [&](const json& altered, const std::string& what) {
    try {
      read(altered);
    } catch (const InputError& error) {
      ++refused;
      EXPECT_TRUE(is_one_line(error.what())) << what << ": " << error.what();
    } catch (const std::exception& error) {
      ADD_FAILURE() << what << ": " << error.what();
    }
  };
  for (const auto& place : places) {
    for (const json& other : others) {
      json altered = valid;
      altered[place] = other;
      try_one(altered, place.to_string() + " as " + other.dump());
    }
    if (place.empty() || !valid[place.parent_pointer()].is_object()) continue;
    json altered = valid;
    altered[place.parent_pointer()].erase(place.back());
    try_one(altered, place.to_string() + " taken out");
  }
  return refused;
}

}  // namespace vidattn::testing
