#include "baselines/procedure.h"

namespace vidattn {
namespace {

std::map<std::string, std::unique_ptr<Procedure>>& registry() {
  static std::map<std::string, std::unique_ptr<Procedure>> procedures;
  return procedures;
}

}  // namespace

const Procedure* find_procedure(const std::string& name) {
  const auto found = registry().find(name);
  return found == registry().end() ? nullptr : found->second.get();
}

void add_procedure(std::unique_ptr<Procedure> procedure) {
  std::string name = procedure->name();
  registry()[std::move(name)] = std::move(procedure);
}

}  // namespace vidattn
