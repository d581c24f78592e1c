#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace vidattn {

/// Facts of every device of this machine by name, {"vulkan:0": {"driver": …}}; a family without
/// members has the reason instead, {"vulkan": {"none": "why"}}. Asks the drivers, which takes time.
nlohmann::json all_device_facts();

/// The same for the named devices only.
nlohmann::json device_facts(const std::vector<std::string>& names);

/// The facts for people, indented lines under each device's name.
std::string device_text(const nlohmann::json& facts);

}  // namespace vidattn
