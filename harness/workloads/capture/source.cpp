#include "harness/workloads/capture/source.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "attention/error.h"
#include "harness/io/arrays/npz.h"
#include "harness/io/json_file.h"
#include "harness/io/json_reader.h"
#include "harness/io/npy.h"
#include "harness/io/places/roles.h"
#include "harness/io/safetensors.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kIndex = ".safetensors.index.json";

bool is_index(const fs::path& path) { return path.native().ends_with(kIndex); }

/// Files that only Python can read: unpickling runs what the file says.
bool is_pickled(const fs::path& path) {
  const std::set<std::string> kinds = {".pt", ".pth", ".ckpt", ".bin", ".pkl"};
  return kinds.count(path.extension()) > 0;
}

[[noreturn]] void refuse_pickled(const fs::path& path) {
  const std::string file = path.filename();
  const std::string stem = path.stem();
  throw InputError(fmt::format(
      "{} holds pickled Python objects, which are not read; convert it in Python: import torch; "
      "from safetensors.torch import save_file; save_file({{n: t.contiguous() for n, t in "
      "torch.load({}, map_location='cpu', weights_only=True).items() if torch.is_tensor(t)}}, {})",
      in_quotes(path.native()), in_quotes(file), in_quotes(stem + ".safetensors")));
}

/// The files of a folder by name, hidden ones left out.
std::vector<fs::path> files_of(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> paths;
  for (auto it = fs::directory_iterator(folder, error); !error && it != fs::directory_iterator();
       it.increment(error))
    if (!it->path().filename().native().starts_with('.')) paths.push_back(it->path());
  if (error)
    throw InputError(
        fmt::format("cannot read {}: {}", in_quotes(folder.native()), error.message()));
  std::sort(paths.begin(), paths.end());
  return paths;
}

bool has_folders(const fs::path& folder) {
  const std::vector<fs::path> paths = files_of(folder);
  std::error_code ignored;
  return std::any_of(paths.begin(), paths.end(),
                     [&](const fs::path& path) { return fs::is_directory(path, ignored); });
}

class NpyFolder : public TensorSource {
 public:
  explicit NpyFolder(fs::path folder) : folder_(std::move(folder)) {
    for (const fs::path& path : files_of(folder_))
      if (path.extension() == ".npy") names_.push_back(path.stem());
    std::sort(names_.begin(), names_.end());
  }
  std::vector<std::string> names() const override { return names_; }
  StoredArray open(const std::string& name) const override { return open_npy(file_of(name)); }
  fs::path file_of(const std::string& name) const override { return folder_ / (name + ".npy"); }

 private:
  fs::path folder_;
  std::vector<std::string> names_;
};

class NpzFile : public TensorSource {
 public:
  explicit NpzFile(fs::path path) : path_(std::move(path)), npz_(path_) {}
  std::vector<std::string> names() const override { return npz_.names(); }
  StoredArray open(const std::string& name) const override { return npz_.stored(name); }
  fs::path file_of(const std::string&) const override { return path_; }

 private:
  fs::path path_;
  Npz npz_;
};

class SafetensorsFile : public TensorSource {
 public:
  explicit SafetensorsFile(fs::path path) : path_(std::move(path)), file_(path_) {}
  std::vector<std::string> names() const override { return file_.names(); }
  StoredArray open(const std::string& name) const override { return file_.stored(name); }
  fs::path file_of(const std::string&) const override { return path_; }
  std::map<std::string, std::string> metadata(const std::string&) const override {
    return file_.metadata();
  }

 private:
  fs::path path_;
  Safetensors file_;
};

/// "weight_map" says which file of the folder has which tensor.
std::map<std::string, std::string> read_index(const fs::path& path) {
  const nlohmann::json index = read_json(path);
  const JsonReader map = JsonReader(index, in_quotes(path.native())).at("weight_map");
  std::map<std::string, std::string> files;
  for (const auto& [name, file] : map.object().members()) {
    const fs::path shard = file.text();
    // An index of somebody else must not lead to other places.
    if (shard.filename() != shard || shard.extension() != ".safetensors")
      file.expected("the name of a .safetensors file beside it");
    files[name] = shard;
  }
  return files;
}

class IndexedFiles : public TensorSource {
 public:
  explicit IndexedFiles(fs::path path) : path_(std::move(path)), files_(read_index(path_)) {}
  std::vector<std::string> names() const override {
    std::vector<std::string> names;
    for (const auto& [name, file] : files_) names.push_back(name);
    return names;
  }
  StoredArray open(const std::string& name) const override { return shard(name).stored(name); }
  fs::path file_of(const std::string& name) const override {
    return path_.parent_path() / files_.at(name);
  }
  std::map<std::string, std::string> metadata(const std::string& name) const override {
    return shard(name).metadata();
  }

 private:
  /// Opened when it is first needed.
  const Safetensors& shard(const std::string& name) const {
    std::unique_ptr<Safetensors>& shard = shards_[files_.at(name)];
    if (!shard) shard = std::make_unique<Safetensors>(file_of(name));
    return *shard;
  }

  fs::path path_;
  std::map<std::string, std::string> files_;
  mutable std::map<std::string, std::unique_ptr<Safetensors>> shards_;
};

/// Of a folder: those of its files that are sources, and itself for the .npy files.
std::vector<fs::path> sources_of_folder(const fs::path& folder) {
  std::set<fs::path> sources, indexed;
  const std::vector<fs::path> files = files_of(folder);
  for (const fs::path& path : files) {
    const bool array = path.extension() == ".npy";
    const bool arrays =
        path.extension() == ".npz" || path.extension() == ".safetensors" || is_index(path);
    if (array) sources.insert(folder);
    if (arrays) sources.insert(path);
    if (array || arrays) note_reading(path);  // also what is opened only after first results
    if (is_index(path))
      for (const auto& [name, shard] : read_index(path)) indexed.insert(folder / shard);
  }
  for (const fs::path& shard : indexed) sources.erase(shard);
  const auto pickled = std::find_if(files.begin(), files.end(), is_pickled);
  if (sources.empty() && pickled != files.end()) refuse_pickled(*pickled);
  return {sources.begin(), sources.end()};
}

}  // namespace

std::map<std::string, std::string> TensorSource::metadata(const std::string&) const { return {}; }

std::unique_ptr<TensorSource> open_source(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return std::make_unique<NpyFolder>(path);
  if (is_index(path)) return std::make_unique<IndexedFiles>(path);
  if (path.extension() == ".safetensors") return std::make_unique<SafetensorsFile>(path);
  if (path.extension() == ".npz") return std::make_unique<NpzFile>(path);
  if (!fs::exists(path, ignored))
    throw InputError(fmt::format("{} does not exist", in_quotes(path.native())));
  if (is_pickled(path)) refuse_pickled(path);
  throw InputError(
      fmt::format("{} is neither a folder nor a .safetensors, .safetensors.index.json or .npz file",
                  in_quotes(path.native())));
}

std::vector<fs::path> sources_in(const fs::path& path) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) return {path};
  std::vector<fs::path> sources = sources_of_folder(path);
  if (sources.empty())
    throw InputError(fmt::format(
        "{} has no .npy, .npz or .safetensors file: q, k and v are needed{}",
        in_quotes(path.native()), has_folders(path) ? "; folders in it are not read" : ""));
  return sources;
}

}  // namespace vidattn
