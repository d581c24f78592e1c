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
  size_t at = 1;  // the tool's own options may stand before it, each with a value
  while (at < arguments.size() && arguments[at].starts_with("--"))
    at += arguments[at].find('=') == std::string::npos ? 2 : 1;
  return at < arguments.size() ? arguments[at] : "run";
}

}  // namespace vidattn
