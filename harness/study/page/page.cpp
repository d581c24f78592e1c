#include "harness/study/page/page.h"

#include "harness/io/embedded.h"
#include "harness/io/text/escape.h"
#include "harness/io/text/html.h"

namespace vidattn {

std::string study_page(const Study& study, StudyPageUse use) {
  const auto part = [](const std::string& name) {
    return std::string(embedded("harness/study/page/" + name));
  };
  nlohmann::json data = to_json(study);
  data["served"] = use == StudyPageUse::from_server;
  return fill_page(part("study.html"), {{"%TITLE%", xml(study.title)},
                                        {"%STYLE%", part("study.css")},
                                        {"%DATA%", script_json(data)},
                                        {"%SCRIPT%", part("session.js") + part("study.js")}});
}

}  // namespace vidattn
