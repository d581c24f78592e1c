#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace vidattn {

/// The page of a training's curves, from the lines of its log (train_log.h): loss, balance and
/// largest group, learning rate, speed, attention's share; means over some steps where there are
/// many. Throws InputError when it cannot be written.
void write_curves(const std::filesystem::path& path, const std::string& title,
                  const std::vector<nlohmann::json>& lines);

}  // namespace vidattn
