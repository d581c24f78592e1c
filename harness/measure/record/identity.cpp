#include "harness/measure/record/identity.h"

#include <fmt/format.h>

namespace vidattn {
namespace {

bool same_content(const CaseIdentity& a, const CaseIdentity& b) {
  for (const auto& [name, hash] : a.content)
    if (const auto found = b.content.find(name); found != b.content.end() && found->second != hash)
      return false;
  return true;
}

}  // namespace

std::string case_key(const CaseIdentity& c) {
  std::string key = fmt::format("{} on {} {}", c.backend, c.device, c.dtype);
  if (c.density) key += fmt::format(" at density {}", *c.density);
  if (c.cold) key += ", cold";
  if (c.pass != Pass::forward) key += ", " + to_string(c.pass);
  return key + ", " + c.workload;
}

std::string with_target(const std::string& name, const CaseIdentity& identity) {
  return identity.density ? fmt::format("{} at {:.4g}", name, *identity.density) : name;
}

bool same_case(const CaseIdentity& a, const CaseIdentity& b) {
  if (a.backend != b.backend || a.device != b.device || a.dtype != b.dtype ||
      a.density != b.density || a.cold != b.cold || a.pass != b.pass)
    return false;
  const bool known = !a.content.empty() && !b.content.empty();
  return known ? same_content(a, b) : a.workload == b.workload;
}

std::string short_content(const CaseIdentity& identity) {
  const auto q = identity.content.find("q");
  return q == identity.content.end() ? "" : q->second.substr(0, 12);
}

}  // namespace vidattn
