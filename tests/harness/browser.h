#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/harness/tool.h"

namespace vidattn::testing {

inline bool has_browser() { return std::system("command -v chromium >/dev/null 2>&1") == 0; }

/// A page's document after its scripts, in headless Chromium; the browser's log in `log`.
inline std::string document_of(const std::filesystem::path& page, const std::string& flags,
                               std::string& log) {
  const std::filesystem::path folder = page.parent_path();
  const std::string command =
      "timeout 60 chromium --headless --no-sandbox --disable-gpu --disable-background-networking "
      "--virtual-time-budget=3000 --enable-logging=stderr --user-data-dir=" +
      (folder / "profile").string() + " " + flags + " --dump-dom file://" + page.string() + " 2>" +
      (folder / "log").string();
  FILE* pipe = popen(command.c_str(), "r");
  std::string document = read_all(pipe);
  pclose(pipe);
  std::stringstream text;
  text << std::ifstream(folder / "log").rdbuf();
  log = text.str();
  return document;
}

}  // namespace vidattn::testing
