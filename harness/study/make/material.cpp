#include "harness/study/make/material.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "attention/error.h"
#include "harness/io/json_file.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;

constexpr const char* kEndings[] = {".mp4", ".webm"};

std::vector<StudyPrompt> read_prompts(const std::string& path) {
  std::vector<StudyPrompt> prompts;
  std::set<std::string> ids;
  read_json_lines(path, [&](const JsonReader& line) {
    StudyPrompt prompt{line.at("id").text(), line.at("prompt").raw_text()};
    if (prompt.id.empty() || prompt.id.find('/') != std::string::npos || prompt.id.front() == '.')
      line.at("id").expected("the name of a video without its ending");
    if (prompt.text.find_first_not_of(" \t\n\r") == std::string::npos)
      line.at("prompt").refuse("is empty");
    if (!ids.insert(prompt.id).second) line.at("id").refuse("is there twice");
    prompts.push_back(std::move(prompt));
  });
  if (prompts.empty()) throw InputError(in_quotes(path) + " holds no prompt");
  return prompts;
}

StudyMethod named(const std::string& given, std::string& folder) {
  const size_t equals = given.find('=');
  folder = equals == std::string::npos ? given : given.substr(equals + 1);
  if (!fs::is_directory(folder))
    throw InputError(fmt::format("no folder {} with a method's videos", in_quotes(folder)));
  if (equals != std::string::npos) return {given.substr(0, equals), {}};
  return {fs::weakly_canonical(folder).filename(), {}};
}

std::string video_of(const std::string& folder, const std::string& id) {
  std::string found;
  for (const char* ending : kEndings) {
    const fs::path path = fs::path(folder) / (id + ending);
    if (!fs::exists(path)) continue;
    if (!found.empty())
      throw InputError(fmt::format("two videos {}.* in {}", in_quotes(id), in_quotes(folder)));
    found = path;
  }
  if (found.empty())
    throw InputError(
        fmt::format("no video {} or .webm in {}", in_quotes(id + ".mp4"), in_quotes(folder)));
  return found;
}

int64_t videos_in(const std::string& folder) {
  int64_t count = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    count += std::find(std::begin(kEndings), std::end(kEndings), entry.path().extension()) !=
             std::end(kEndings);
  return count;
}

}  // namespace

StudyMaterial read_material(const std::vector<std::string>& folders, const std::string& prompts) {
  StudyMaterial material;
  material.prompts = read_prompts(prompts);
  std::set<std::string> names, endings;
  for (const std::string& given : folders) {
    std::string folder;
    StudyMethod method = named(given, folder);
    if (method.name.empty() || !names.insert(method.name).second)
      throw InputError(
          fmt::format("methods need names of their own, {}: write NAME=FOLDER", in_quotes(given)));
    for (const StudyPrompt& prompt : material.prompts) {
      method.videos.push_back(video_of(folder, prompt.id));
      endings.insert(fs::path(method.videos.back()).extension());
    }
    material.left_aside += videos_in(folder) - static_cast<int64_t>(method.videos.size());
    material.methods.push_back(std::move(method));
  }
  if (endings.size() > 1)
    throw InputError(
        "some videos are .mp4 and some .webm, which would tell them apart: one kind is needed");
  if (!endings.empty()) material.ending = *endings.begin();
  return material;
}

}  // namespace vidattn
