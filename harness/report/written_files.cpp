#include "harness/report/written_files.h"

#include <filesystem>

#include "attention/error.h"
#include "harness/io/file.h"
#include "harness/io/text/console.h"

namespace vidattn {

void WrittenFiles::add(const std::string& name, const std::function<std::string()>& content) {
  try {
    write_text(std::filesystem::path(folder_) / name, content());
    names_.push_back(name);
  } catch (const InputError& error) {
    complete_ = false;
    print_err("warning: no {}: {}\n", name, error.what());
  }
}

}  // namespace vidattn
