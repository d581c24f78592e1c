#include "harness/host/device_list.h"

#include <fmt/format.h>

#include "attention/device.h"
#include "attention/error.h"

namespace vidattn {
namespace {

nlohmann::json facts_of(const Device& device) {
  nlohmann::json json{{"title", device.title()}};
  for (const auto& [name, value] : device.facts()) json[name] = value;
  return json;
}

}  // namespace

nlohmann::json all_device_facts() {
  nlohmann::json json;
  for (const Device* device : devices()) json[device->name()] = facts_of(*device);
  for (const DeviceFamily* family : device_families()) {
    try {
      for (const Device* device : family->members()) json[device->name()] = facts_of(*device);
    } catch (const InputError& error) {
      json[family->name()]["none"] = error.what();
    }
  }
  return json;
}

nlohmann::json device_facts(const std::vector<std::string>& names) {
  nlohmann::json json;
  for (const std::string& name : names) json[name] = facts_of(find_device(name));
  return json;
}

std::string device_text(const nlohmann::json& facts) {
  std::string text;
  for (const auto& [name, device] : facts.items()) {
    if (device.contains("none")) {
      text += fmt::format("  {}: none ({})\n", name, device["none"].get<std::string>());
      continue;
    }
    text += fmt::format("  {}: {}\n", name, device["title"].get<std::string>());
    for (const auto& [key, value] : device.items())
      if (key != "title") text += fmt::format("      {}: {}\n", key, value.get<std::string>());
  }
  return text;
}

}  // namespace vidattn
