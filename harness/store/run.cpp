#include "harness/store/run.h"

#include "harness/host/environment.h"

namespace vidattn {

void set_environment(StoredRun& run, const JsonReader& environment) {
  check_environment(environment);
  environment.at("machine").object();
  run.revision = environment.at("software").maybe("revision").get_or(std::string());
  run.environment = environment.value();
  run.machine_key = machine_key(run.environment);
}

std::string command_name(const std::vector<std::string>& arguments) {
  return arguments.size() > 1 ? arguments[1] : "run";
}

}  // namespace vidattn
