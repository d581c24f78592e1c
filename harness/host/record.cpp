#include "harness/host/record.h"

#include <nlohmann/json.hpp>

#include "harness/host/environment.h"

namespace vidattn {

nlohmann::json record_header(const std::string& command, const std::string& schema_version,
                             const std::vector<std::string>& arguments) {
  return {{"schema_version", schema_version},
          {"tool", "vidattn " + command},
          {"arguments", arguments},
          {"environment", environment()}};
}

}  // namespace vidattn
