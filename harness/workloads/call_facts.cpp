#include "harness/workloads/call_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace vidattn {

std::string call_text(const CallFacts& call) {
  std::string text;
  const auto add = [&](const char* name, int64_t number) {
    if (number >= 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, number);
  };
  add("layer", call.layer);
  add("step", call.step);
  add("entry", call.batch_entry);
  return text.empty() ? call.source : text;
}

std::string without_step(std::string name) {
  const auto is_digit = [](unsigned char c) { return std::isdigit(c) != 0; };
  const auto word = name.find("step");
  if (word == std::string::npos) return name;
  const auto first =
      std::find_if(name.begin() + static_cast<std::ptrdiff_t>(word), name.end(), is_digit);
  const auto last = std::find_if_not(first, name.end(), is_digit);
  return name.replace(first, last, first == last ? "" : "*");
}

std::string CallTexts::of(const CallFacts& call) const {
  std::string text = call_text(call);
  const auto found = sources_.find(text);
  const bool several = found != sources_.end() && found->second.size() > 1;
  return several ? text + ", " + call.source : text;
}

}  // namespace vidattn
