#pragma once

#include <string>

#include "harness/study/study.h"

namespace vidattn {

/// How a study's page is used: the one hands its ratings to `study serve`, the other, opened from
/// disk or any web server, to the rater as a JSON file.
enum class StudyPageUse { from_server, from_disk };

/// The whole page as HTML, with the study in it: nothing else but its videos is loaded.
std::string study_page(const Study& study, StudyPageUse use);

}  // namespace vidattn
