#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace vidattn {

/// Where harness/get_models.sh puts networks: vidattn/models below $XDG_DATA_HOME, or below
/// ~/.local/share.
std::filesystem::path models_folder();

/// The network's file there ("transnetv2.pt"); nothing where it is not.
std::optional<std::string> found_model(const std::string& file);

/// `given`, or where that is empty the file in the folder. Throws InputError, which `wanted_for`
/// begins and which names get_models.sh, where neither is.
std::string required_model(const std::string& given, const std::string& file,
                           const std::string& wanted_for);

}  // namespace vidattn
