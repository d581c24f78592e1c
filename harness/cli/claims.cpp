#include "harness/cli/claims.h"

#include <filesystem>

#include "harness/io/places/roles.h"

namespace vidattn {
namespace {

std::vector<std::string> texts_of(const Option& option) {
  if (const auto* one = std::get_if<std::string*>(&option.target)) return {**one};
  if (const auto* several = std::get_if<std::vector<std::string>*>(&option.target))
    return **several;
  return {};
}

/// All that a text could mean as a path: itself, and what follows a sign in "KEY=FILE",
/// "tensors:PATH#prefix" and "NAME:key=FILE,…".
std::vector<std::string> possible_paths(const std::string& text) {
  std::vector<std::string> paths{text};
  for (size_t at = 0; (at = text.find_first_of(":=", at)) != std::string::npos;) {
    const std::string rest = text.substr(++at);
    paths.push_back(rest);
    paths.push_back(rest.substr(0, rest.find_first_of(",#")));
  }
  return paths;
}

bool is_file(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error);
}

void claim_what_is_written(const Option& option) {
  for (const std::string& path : written_paths(option)) {
    claim_written(path, option.name);  // of a folder its name alone: its files are met one by one
    if (option.writes == Written::store)
      for (const char* beside : {"-journal", "-wal", "-shm"})
        claim_written(path + beside, option.name);
  }
}

void claim_what_may_be_read(const Option& option) {
  if (option.writes != Written::nothing || !option.choices.empty()) return;
  for (const std::string& text : texts_of(option))
    for (const std::string& path : possible_paths(text))
      if (is_file(path)) claim_read(path, option.name);
}

}  // namespace

std::vector<std::string> written_paths(const Option& option) {
  std::vector<std::string> paths;
  if (option.writes == Written::nothing) return paths;
  for (std::string path : texts_of(option)) {
    // Without a name or a file the command says what is wrong.
    if (option.writes == Written::named_file) path.erase(0, path.find('=') + 1);
    if (!path.empty()) paths.push_back(std::move(path));  // else it is not on the line
  }
  return paths;
}

void claim_files(const std::vector<Option>& options) {
  for (const Option& option : options) claim_what_is_written(option);
  for (const Option& option : options) claim_what_may_be_read(option);
}

}  // namespace vidattn
