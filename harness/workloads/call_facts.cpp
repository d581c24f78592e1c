#include "harness/workloads/call_facts.h"

#include <fmt/format.h>

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

std::string CallTexts::of(const CallFacts& call) const {
  std::string text = call_text(call);
  const auto found = sources_.find(text);
  const bool several = found != sources_.end() && found->second.size() > 1;
  return several ? text + ", " + call.source : text;
}

}  // namespace vidattn
