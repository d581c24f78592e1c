#include "attention/error.h"
#include "harness/io/arrays/npz.h"

// In the place of npz.cpp where there is no libzip: the Python module.

namespace vidattn {

Npz::Npz(const std::filesystem::path& path) {
  throw InputError("'" + path.string() + "': this build reads no .npz archives");
}

std::vector<std::string> Npz::names() const { return {}; }

StoredArray Npz::stored(const std::string& /*name*/) const { return {}; }

}  // namespace vidattn
