#include "harness/store/run.h"

#include "harness/host/environment.h"

namespace vidattn {

void set_environment(StoredRun& run, nlohmann::json environment) {
  run.environment = std::move(environment);
  run.revision = run.environment.at("software").value("revision", "");
  run.machine_key = machine_key(run.environment);
}

std::string command_name(const std::vector<std::string>& arguments) {
  return arguments.size() > 1 ? arguments[1] : "run";
}

}  // namespace vidattn
