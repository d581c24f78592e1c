#include "harness/workloads/mask_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "attention/error.h"
#include "harness/io/npy.h"
#include "harness/io/text/escape.h"
#include "harness/workloads/capture/source.h"

namespace vidattn {
namespace {

const std::string kFileParameter = "file";

using NamedArrays = std::map<std::string, StoredArray>;

NamedArrays arrays_of(const std::filesystem::path& path) {
  if (path.extension() == ".npy") return {{path.stem(), open_npy(path)}};
  const auto source = open_source(path);
  NamedArrays arrays;
  for (const std::string& name : source->names()) arrays.emplace(name, source->open(name));
  if (arrays.empty()) throw InputError(in_quotes(path.native()) + " has no arrays");
  return arrays;
}

std::string written_out(const std::string& name) {
  static const std::map<std::string, std::string> kShort{{"mask", "pair_mask"},
                                                         {"indptr", "block_indptr"},
                                                         {"indices", "block_indices"},
                                                         {"order", "token_order"}};
  const auto found = kShort.find(name);
  return found == kShort.end() ? name : found->second;
}

bool declares(const Backend& backend, const std::string& name) {
  const auto& inputs = backend.info().inputs;
  return std::any_of(inputs.begin(), inputs.end(),
                     [&](const InputSpec& input) { return input.name == name; });
}

bool of_zeros_and_ones(const std::vector<int32_t>& values) {
  return std::all_of(values.begin(), values.end(), [](int32_t v) { return v == 0 || v == 1; });
}

/// What an array that stands alone is.
std::string told_by_shape(const Array& array, const Inputs& in, const std::string& path) {
  const std::vector<int64_t>& shape = array.shape;
  if (const auto* lists = std::get_if<std::vector<int32_t>>(&array.values)) {
    if (!shape.empty() && shape.back() > 2 && of_zeros_and_ones(*lists))
      throw InputError(fmt::format(
          "{} has only 0 and 1, but its integers would be lists of blocks: store a map as uint8 or "
          "bool, or name it block_map",
          in_quotes(path)));
    return "block_index";
  }
  if (!std::holds_alternative<std::vector<uint8_t>>(array.values))
    throw InputError(fmt::format(
        "{} is no mask: it is neither uint8 (a map or mask) nor int32 (lists of blocks)",
        in_quotes(path)));
  const bool pairs =
      shape.size() >= 2 && shape[shape.size() - 2] == in.length() && shape.back() == in.keys();
  return pairs ? "pair_mask" : "block_map";
}

[[noreturn]] void refuse_name(const std::string& name, const Backend& backend,
                              const std::string& path) {
  std::vector<std::string> known;
  for (const InputSpec& input : backend.info().inputs) known.push_back(input.name);
  throw InputError(fmt::format("{}: {} is none of {}", in_quotes(path), in_quotes(name),
                               fmt::join(known, ", ")));
}

void add_arrays(const Backend& backend, const std::string& path, Inputs& in) {
  const NamedArrays arrays = arrays_of(path);
  for (const auto& [name, stored] : arrays) {
    std::string input = written_out(name);
    if (input != name && arrays.contains(input))
      throw InputError(fmt::format("{}: {} and {} are the same", in_quotes(path), in_quotes(name),
                                   in_quotes(input)));
    auto array = std::make_shared<Array>(stored.array());
    if (!declares(backend, input)) {
      if (arrays.size() > 1) refuse_name(name, backend, path);
      input = told_by_shape(*array, in, path);
    }
    narrow_flags(input, *array);
    in.extra[input] = std::move(array);
  }
}

/// Empty = it names none.
std::string file_of(const Backend& backend, const Params& params) {
  return reads_file(backend) ? std::get<std::string>(params.value(kFileParameter)) : "";
}

}  // namespace

void narrow_flags(const std::string& input, Array& array) {
  const auto* wide = std::get_if<std::vector<int32_t>>(&array.values);
  const bool flags = input == "block_map" || input == "pair_mask";
  if (wide == nullptr || !flags) return;
  if (!of_zeros_and_ones(*wide)) throw InputError(input + " holds values other than 0 and 1");
  std::vector<uint8_t> narrow(wide->begin(), wide->end());
  array.values = std::move(narrow);
}

bool reads_file(const Backend& backend) {
  const auto& params = backend.info().params;
  return std::any_of(params.begin(), params.end(),
                     [](const ParamSpec& spec) { return spec.name == kFileParameter; });
}

void require_file(const Backend& backend, const Params& params) {
  if (const std::string path = file_of(backend, params); !path.empty()) arrays_of(path);
}

void add_file_inputs(const Backend& backend, const Params& params, Inputs& in) {
  const std::string path = file_of(backend, params);
  if (path.empty()) return;
  add_arrays(backend, path, in);
  backend.plan(in, params);
}

}  // namespace vidattn
