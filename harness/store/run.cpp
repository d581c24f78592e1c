#include "harness/store/run.h"

#include <fmt/format.h>

#include "harness/host/environment.h"

namespace vidattn {
namespace {

/// Times of fewer threads than the machine has cores, as of ranks that share it, are no series with
/// those of all: they are another machine's.
std::string key_of_threads(const JsonReader& environment) {
  const double cores = environment.at("machine").maybe("physical_cores").number_or_nan();
  const double threads = environment.maybe("state").maybe("threads").number_or_nan();
  return threads < cores ? fmt::format("-{:g}t", threads) : "";
}

}  // namespace

void set_environment(StoredRun& run, const JsonReader& environment) {
  check_environment(environment);
  environment.at("machine").object();
  run.revision = environment.at("software").maybe("revision").get_or(std::string());
  run.environment = environment.value();
  run.machine_key = machine_key(run.environment) + key_of_threads(environment);
}

std::string command_name(const std::vector<std::string>& arguments) {
  size_t at = 1;  // the tool's own options may stand before it, each with a value
  while (at < arguments.size() && arguments[at].starts_with("--"))
    at += arguments[at].find('=') == std::string::npos ? 2 : 1;
  return at < arguments.size() ? arguments[at] : "run";
}

}  // namespace vidattn
