#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/io/text_table.h"
#include "harness/study/report/analysis.h"

namespace vidattn {

/// A table or a paragraph of the report.
struct StudyPart {
  std::string heading;
  std::string text;  ///< below the heading
  std::vector<std::string> headers;
  TableRows rows;
};

/// What is told, in the order of the report.
std::vector<StudyPart> study_parts(const Study& study, const StudyKey& key,
                                   const CollectedRatings& ratings, const StudyAnalysis& analysis);

/// The same with all digits, null where a number is not defined.
nlohmann::json study_record(const Study& study, const StudyKey& key,
                            const CollectedRatings& ratings, const StudyAnalysis& analysis);

}  // namespace vidattn
