#include "harness/measure/record/outcome.h"

#include <stdexcept>
#include <utility>

#include "attention/error.h"

namespace vidattn {
namespace {

constexpr std::pair<Outcome, const char*> kTexts[] = {
    {Outcome::passed, "passed"},          {Outcome::failed, "failed"},
    {Outcome::mistrusted, "mistrusted"},  {Outcome::skipped, "skipped"},
    {Outcome::refused, "refused"},        {Outcome::crashed, "crashed"},
    {Outcome::timed_out, "timed out"},    {Outcome::out_of_memory, "out of memory"},
    {Outcome::interrupted, "interrupted"}};

}  // namespace

std::string to_string(Outcome outcome) {
  for (const auto& [known, text] : kTexts)
    if (known == outcome) return text;
  throw std::logic_error("unknown outcome");
}

Outcome parse_outcome(const std::string& text) {
  for (const auto& [outcome, known] : kTexts)
    if (known == text) return outcome;
  throw InputError("damaged: unknown outcome '" + text + "'");
}

bool is_failure(Outcome outcome) {
  return outcome == Outcome::failed || outcome == Outcome::refused || outcome == Outcome::crashed ||
         outcome == Outcome::timed_out || outcome == Outcome::out_of_memory;
}

}  // namespace vidattn
