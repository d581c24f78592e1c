#include "harness/compare/compared_calls.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <tuple>

#include "harness/io/file.h"

namespace vidattn {
namespace {

/// "heads 8-15" or "heads 0,3,6", of the model.
std::string heads_of(const Measurement& m) {
  if (const auto& heads = m.call()->heads; !heads.empty())
    return fmt::format("heads {}", fmt::join(heads, ","));
  const int64_t first = m.call()->first_head, count = m.workload->heads;
  return count == 1 ? fmt::format("head {}", first)
                    : fmt::format("heads {}-{}", first, first + count - 1);
}

/// A prompt's beginning tells it; those that begin alike are told by their files.
std::string prompt_of(const Measurement& m) {
  constexpr size_t kLongest = 40;
  const std::string& prompt = m.call()->prompt;
  return prompt.size() > kLongest ? prompt.substr(0, kLongest) + "..." : prompt;
}

}  // namespace

bool same_call(const Measurement& a, const Measurement& b) {
  if (a.call() == nullptr || b.call() == nullptr) return a.call() == b.call();
  const auto what = [](const Measurement& m) {
    const CallFacts& call = *m.call();
    return std::tuple(call_text(call), call.prompt, call.first_head, call.heads, m.workload->heads);
  };
  return what(a) == what(b);
}

ComparedCalls::ComparedCalls(const StoredRun& a, const StoredRun& b) {
  for (const StoredRun* run : {&a, &b})
    for (const Measurement& m : run->cases)
      if (m.call() != nullptr) {
        heads_.insert(heads_of(m));
        prompts_.insert(prompt_of(m));
      }
  // Of one run alone: the other's files may lie anywhere.
  for (const StoredRun* run : {&a, &b}) {
    std::map<std::string, std::set<std::string>> files;
    for (const Measurement& m : run->cases)
      if (m.call() != nullptr) files[without_source(m)].insert(m.call()->source);
    for (const auto& [name, of] : files)
      if (of.size() > 1) shared_.insert(name);
  }
}

std::string ComparedCalls::of(const Measurement& m) const {
  if (m.call() == nullptr) return "";
  const std::string name = without_source(m);
  return shared_.contains(name) ? name + ", " + m.call()->source : name;
}

std::string ComparedCalls::without_source(const Measurement& m) const {
  std::string name = call_text(*m.call());
  if (heads_.size() > 1) name += ", " + heads_of(m);
  if (prompts_.size() > 1) name += ", prompt " + in_quotes(prompt_of(m));
  return name;
}

}  // namespace vidattn
