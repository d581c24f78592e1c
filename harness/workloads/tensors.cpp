#include "harness/workloads/tensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "attention/error.h"
#include "harness/io/npy.h"
#include "harness/io/safetensors.h"
#include "harness/io/sha256.h"
#include "harness/workloads/kind.h"

namespace vidattn {
namespace {

using nlohmann::json;
constexpr std::string_view kScheme = "tensors:";

/// Everything that a folder or file offers, by name.
struct Source {
  std::string name;  ///< quoted path, for messages
  std::map<std::string, StoredArray> arrays;
  std::vector<std::filesystem::path> files;
};

void add_folder(Source& source, const std::filesystem::path& folder) {
  std::error_code error;
  std::vector<std::filesystem::path> paths;
  for (auto it = std::filesystem::directory_iterator(folder, error);
       !error && it != std::filesystem::directory_iterator(); it.increment(error))
    if (it->path().extension() == ".npy") paths.push_back(it->path());
  if (error) throw InputError(fmt::format("cannot read {}: {}", source.name, error.message()));
  std::sort(paths.begin(), paths.end());
  for (const auto& path : paths) {
    source.arrays[path.stem()] = open_npy(path);
    source.files.push_back(path);
  }
}

void add_safetensors(Source& source, const std::filesystem::path& path) {
  const Safetensors file(path);
  for (const std::string& name : file.names()) source.arrays[name] = file.stored(name);
  source.files.push_back(path);
}

Source open_source(const std::string& spec) {
  if (!spec.starts_with(kScheme) || spec.size() == kScheme.size())
    throw InputError(fmt::format("workload {} is not tensors:PATH", in_quotes(spec)));
  const std::filesystem::path path = spec.substr(kScheme.size());
  Source source{in_quotes(path.native()), {}};
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    add_folder(source, path);
  } else if (path.extension() == ".safetensors") {
    add_safetensors(source, path);
  } else if (!std::filesystem::exists(path, ignored)) {
    throw InputError(fmt::format("{} does not exist", source.name));
  } else {
    throw InputError(
        fmt::format("{} is neither a folder of .npy files nor a .safetensors file", source.name));
  }
  return source;
}

/// A named tensor's expected sizes; 0 stands for any size.
using Sizes = std::vector<int64_t>;

/// Drops a leading batch of one where the tensor has one size more than `rank`.
bool squeeze(StoredArray& stored, size_t rank) {
  if (stored.shape.size() != rank + 1 || stored.shape.front() != 1) return false;
  stored = stored.at(0, 0);
  return true;
}

/// Reads tensors from a source and records each in the provenance.
class Loader {
 public:
  explicit Loader(Source source) : source_(std::move(source)) {}

  std::shared_ptr<const Tensor> operand(const std::string& name) {
    if (source_.arrays.count(name) == 0)
      throw InputError(fmt::format("{} has no {}: q, k and v are needed", source_.name, name));
    constexpr size_t kRank = 3;
    StoredArray stored = take(name, kRank);
    auto tensor = std::make_shared<Tensor>(stored.tensor());
    require_finite(*tensor, name);
    return tensor;
  }

  /// Adds the optional floats `name` to the extras. Returns its sizes, or `expected` without it.
  Sizes extra(Inputs& inputs, const std::string& name, const Sizes& expected) {
    if (source_.arrays.count(name) == 0) return expected;
    StoredArray stored = take(name, expected.size());
    const auto fits = [](int64_t size, int64_t want) {
      return want == 0 ? size > 0 : size == want;
    };
    if (!std::equal(stored.shape.begin(), stored.shape.end(), expected.begin(), expected.end(),
                    fits))
      throw InputError(fmt::format("{} has shape {}, expected {} (0 = any size)", stored.name,
                                   shape_text(stored.shape), shape_text(expected)));
    auto array = std::make_shared<Array>(stored.array());
    array->as<float>(stored.name.c_str());
    require_finite(*array, name);
    inputs.extra[name] = array;
    return stored.shape;
  }

  void other_extras(Inputs& inputs) {
    while (!source_.arrays.empty()) {
      const std::string name = source_.arrays.begin()->first;
      inputs.extra[name] = std::make_shared<Array>(take(name, 0).array());
    }
  }

  /// Reads the files once more for their hashes: after all that can be wrong with them was found.
  json provenance() && {
    json files = json::array();
    for (const auto& path : source_.files)
      files.push_back({{"file", path.filename()}, {"sha256", sha256_file(path)}});
    return {{"files", std::move(files)}, {"tensors", std::move(tensors_)}};
  }

 private:
  StoredArray take(const std::string& name, size_t rank) {
    StoredArray stored = std::move(source_.arrays.extract(name).mapped());
    json record = {{"dtype", stored.dtype}, {"shape", stored.shape}};
    if (rank > 0 && squeeze(stored, rank)) record["note"] = "leading size of 1 dropped";
    tensors_[name] = std::move(record);
    return stored;
  }

  Source source_;
  json tensors_ = json::object();
};

void load_extras(Inputs& inputs, Loader& loader) {
  const int64_t length = inputs.length();
  const int64_t groups = loader.extra(inputs, "router_logits", {length, 0})[1];
  const int64_t channels = loader.extra(inputs, "hidden", {length, 0})[1];
  const Sizes weight = loader.extra(inputs, "router_weight", {groups, channels});
  loader.extra(inputs, "router_bias", {weight[0]});
  loader.other_extras(inputs);
}

void require_one_type(const Inputs& inputs) {
  const DType q = inputs.q->dtype(), k = inputs.k->dtype(), v = inputs.v->dtype();
  if (q != k || q != v)
    throw InputError(fmt::format("q, k and v are {}, {} and {}: save all three in one type",
                                 to_string(q), to_string(k), to_string(v)));
}

VideoGrid requested_grid(const WorkloadRequest& request, int64_t length) {
  VideoGrid grid{request.frames, request.height, request.width};
  if (!request.shots.empty()) grid.shots = request.shots;
  if (grid.frames == 0 && grid.height == 0 && grid.width == 0) {
    if (request.shots.empty()) return {};
    throw InputError("shots need the video grid: give frames, height and width in tokens");
  }
  grid.validate();
  if (grid.video_tokens() > length)
    throw InputError(fmt::format("the grid {}x{}x{} has {} tokens, q has only {}", grid.frames,
                                 grid.height, grid.width, grid.video_tokens(), length));
  grid.text_tokens = length - grid.video_tokens();
  return grid;
}

json grid_record(const VideoGrid& grid) {
  if (!grid.known()) return nullptr;
  return {{"frames", grid.frames},
          {"height", grid.height},
          {"width", grid.width},
          {"text_tokens", grid.text_tokens},
          {"shots", grid.shots}};
}

}  // namespace

Workload tensors_workload(const WorkloadRequest& request) {
  Loader loader(open_source(request.spec));
  Workload out;
  out.name = request.spec;
  Inputs& inputs = out.inputs;
  inputs.q = loader.operand("q");
  inputs.k = loader.operand("k");
  inputs.v = loader.operand("v");
  require_one_type(inputs);
  inputs.grid = requested_grid(request, inputs.length());
  inputs.validate();
  load_extras(inputs, loader);
  out.provenance = std::move(loader).provenance();
  out.provenance["grid"] = grid_record(inputs.grid);
  return out;
}

namespace {
const RegisterWorkload registered_tensors(
    {"tensors", "PATH",
     "your q, k, v (and router_logits, hidden …), a folder of .npy files or one .safetensors",
     false, tensors_workload});
}  // namespace

}  // namespace vidattn
