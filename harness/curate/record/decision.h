#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/io/json_reader.h"

namespace vidattn {

/// What a rule found of a video or clip, and what followed.
struct Decision {
  std::string rule;   ///< "source.sharpness", "clip.crop_area"
  double figure = 0;  ///< that was held against the limit; NaN = not known, which drops nothing
  bool least = true;  ///< whether the limit is the least that is kept, or the most
  double limit = 0;
  bool kept = true;
  std::string note = {};  ///< what else is to be said

  /// "clip.crop_area 0.31, at least 0.4".
  std::string text() const;
};

/// All that was decided of one thing, in order. Every rule is judged, so that the record shows all
/// that is wrong; the first that drops is the reason.
class Decisions {
 public:
  void at_least(const std::string& rule, double figure, double limit, const std::string& note = "");
  void at_most(const std::string& rule, double figure, double limit, const std::string& note = "");
  /// A rule without a figure.
  void drop(const std::string& rule, const std::string& note);

  bool kept() const { return first_drop() == nullptr; }
  const Decision* first_drop() const;  ///< nullptr = kept
  const std::vector<Decision>& all() const { return all_; }

 private:
  friend Decisions read_decisions(const JsonReader& json);
  std::vector<Decision> all_;
};

nlohmann::json to_json(const Decisions& decisions);
Decisions read_decisions(const JsonReader& json);

}  // namespace vidattn
