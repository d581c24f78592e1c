#include "harness/conform/test_vector.h"

#include <fmt/format.h>

#include <algorithm>

#include "attention/error.h"
#include "harness/conform/stored_order.h"
#include "harness/io/json_file.h"
#include "harness/io/npy.h"

namespace vidattn {
namespace {

namespace fs = std::filesystem;

/// JSON value of a parameter as the text that Params::set() reads; nested lists are flattened.
std::string setting_text(const JsonReader& value) {
  const nlohmann::json& json = value.value();
  if (json.is_string()) return value.text();
  if (json.is_boolean()) return value.boolean() ? "true" : "false";
  if (json.is_number_integer()) return std::to_string(value.integer());
  if (json.is_number()) return fmt::format("{}", value.number());
  std::string text;
  for (const JsonReader& element : value.items())
    text += (text.empty() ? "" : ",") + setting_text(element);
  return text;
}

JsonReader reader_of(const TestCase& test) {
  return JsonReader(test.json, test.name + "/case.json");
}

/// The array as one tensor, or as one for each step where it has four axes.
std::vector<std::shared_ptr<const Tensor>> load_steps(const TestCase& test,
                                                      const std::string& stem) {
  if (!test.has(stem)) throw InputError(test.name + ": case.json lists no file '" + stem + "'");
  const auto shape = reader_of(test).at("files").at(stem).maybe("shape");
  if (shape.is_null() || shape.get<std::vector<int64_t>>().size() != 4)
    return {std::make_shared<const Tensor>(read_npy_tensor(test.file(stem)))};
  const Array all = read_npy(test.file(stem));
  if (all.shape.size() != 4 || all.shape[0] == 0)
    throw InputError(test.name + ": " + stem + ".npy is not [steps,L,H,D]");
  const auto& values = all.as<float>(stem.c_str());
  std::vector<std::shared_ptr<const Tensor>> steps;
  for (int64_t s = 0; s < all.shape[0]; ++s) {
    Tensor step(all.shape[1], all.shape[2], all.shape[3]);
    std::copy_n(values.begin() + s * step.size(), step.size(), step.data<float>());
    steps.push_back(std::make_shared<const Tensor>(std::move(step)));
  }
  return steps;
}

VideoGrid case_grid(const TestCase& test, int64_t length) {
  VideoGrid grid;
  const JsonReader json = reader_of(test), given = json.maybe("grid");
  if (given.is_null()) return grid;
  const auto sizes = given.get<std::vector<int64_t>>();
  if (sizes.size() != 3) throw InputError(test.name + ": grid must be [T,H,W]");
  grid.frames = sizes[0];
  grid.height = sizes[1];
  grid.width = sizes[2];
  grid.validate();
  grid.text_tokens = length - grid.video_tokens();
  if (grid.text_tokens < 0)
    throw InputError(fmt::format("{}: the grid has {} tokens, q only {}", test.name,
                                 grid.video_tokens(), length));
  json.at("params").read_if("shots", grid.shots);
  return grid;
}

/// Something has that name, be it a link in a circle, of which the case that opens it speaks.
bool stands(const fs::path& path) {
  std::error_code error;
  return fs::symlink_status(path, error).type() != fs::file_type::not_found;
}

const std::vector<std::string> kGradientStems{"do", "dq", "dk", "dv"};

/// A folder of gradients may be made from another case: its case.json then is that of the other,
/// with all of its files, of which it keeps some, and without the gradients.
void list_gradients(TestCase& test) {
  const auto is_there = [&](const std::string& stem) { return stands(test.file(stem)); };
  if (test.has("do") || std::none_of(kGradientStems.begin(), kGradientStems.end(), is_there))
    return;
  const auto gone = std::stable_partition(test.files.begin(), test.files.end(), is_there);
  test.left_out.assign(gone, test.files.end());
  test.files.erase(gone, test.files.end());
  test.files.insert(test.files.end(), kGradientStems.begin(), kGradientStems.end());
  for (const auto& entry : fs::directory_iterator(test.folder)) {
    const std::string stem = entry.path().stem().string();
    if (entry.path().extension() == ".npy" && stem.starts_with('d') && !test.has(stem))
      test.files.push_back(stem);
  }
  std::sort(test.files.begin(), test.files.end());
}

}  // namespace

bool TestCase::has(const std::string& stem) const {
  return std::find(files.begin(), files.end(), stem) != files.end();
}

double TestCase::tolerance(const std::string& key, double otherwise) const {
  return reader_of(*this).maybe("tolerance").maybe(key).get_or(otherwise);
}

std::vector<fs::path> find_cases(const fs::path& root) {
  std::error_code error;
  if (!fs::is_directory(root, error))
    throw InputError("'" + root.string() + "' is not a folder of test vectors");
  std::vector<fs::path> folders;
  const auto add_cases = [&](const fs::path& method) {
    for (const auto& test : fs::directory_iterator(method))
      if (stands(test.path() / "case.json")) folders.push_back(test.path());
  };
  const fs::path whole = fs::canonical(root);  // cases are named after the folders that they are in
  add_cases(whole);
  for (const auto& method : fs::directory_iterator(whole))
    if (fs::is_directory(method.path(), error)) add_cases(method.path());
  if (folders.empty()) throw InputError("no METHOD/CASE/case.json below '" + root.string() + "'");
  std::sort(folders.begin(), folders.end());
  return folders;
}

TestCase load_case(const fs::path& folder) {
  TestCase test;
  test.folder = folder;
  test.name = (folder.parent_path().filename() / folder.filename()).string();
  test.json = read_json(folder / "case.json");
  const JsonReader json = reader_of(test);
  json.read("method", test.method);
  json.at("params").object();
  for (const auto& [stem, about] : json.at("files").members()) {
    if (stem.find('/') != std::string::npos) json.at("files").expected("names of arrays beside it");
    test.files.push_back(stem);
  }
  list_gradients(test);
  return test;
}

void require_files(const TestCase& test, const std::vector<InputSpec>& inputs) {
  const auto gradient = [](const std::string& stem) {
    return std::find(kGradientStems.begin(), kGradientStems.end(), stem) != kGradientStems.end();
  };
  for (const std::string& stem : test.files)
    if (!stands(test.file(stem)))
      throw InputError(fmt::format("{}: {}.npy is missing, {}", test.name, stem,
                                   gradient(stem) && !test.json["files"].contains(stem)
                                       ? "which belongs to the gradients beside it"
                                       : "which case.json lists"));
  for (const std::string& stem : test.left_out)
    if (stem == "q" || stem == "k" || stem == "v" ||
        std::any_of(inputs.begin(), inputs.end(), [&](const auto& i) { return i.name == stem; }))
      throw InputError(
          fmt::format("{}: the input {}.npy is missing, which case.json lists", test.name, stem));
}

void set_params(const nlohmann::json& values, Params& params) {
  for (const auto& [name, value] : values.items())
    if (!value.is_null()) params.set(name, setting_text(JsonReader(value, name)));
}

BackendSpec case_backend(const TestCase& test) {
  BackendSpec spec{&find_backend(test.method), find_backend(test.method).defaults()};
  set_params(test.json["params"], spec.params);
  return spec;
}

std::map<std::string, std::shared_ptr<const Array>> case_extras(
    const TestCase& test, const std::vector<InputSpec>& declared) {
  std::map<std::string, std::shared_ptr<const Array>> extras;
  for (const InputSpec& input : declared)
    if (test.has(input.name))
      extras[input.name] = std::make_shared<const Array>(read_npy(test.file(input.name)));
  return extras;
}

std::vector<Inputs> case_calls(const TestCase& test, const BackendSpec& spec) {
  const auto q = load_steps(test, "q"), k = load_steps(test, "k"), v = load_steps(test, "v");
  if (q.size() != k.size() || q.size() != v.size())
    throw InputError(test.name + ": q, k and v have different numbers of steps");
  const int64_t prefix = stored_prefix(test);
  std::vector<Inputs> calls(q.size());
  for (size_t s = 0; s < q.size(); ++s) {
    Inputs& in = calls[s];
    in.q = video_first(q[s], prefix);
    in.k = video_first(k[s], prefix);
    in.v = video_first(v[s], prefix);
    in.grid = case_grid(test, in.length());
    in.extra = case_extras(test, spec.backend->info().inputs);
    for (auto& [name, array] : in.extra) array = video_first(array, in.length(), prefix);
    in.validate();
  }
  return calls;
}

std::shared_ptr<const Tensor> case_output_gradient(const TestCase& test) {
  if (test.json["files"].at("q").value("shape", std::vector<int64_t>()).size() == 4)
    throw InputError(test.name + ": gradients of several steps are not checked");
  return video_first(std::make_shared<const Tensor>(read_npy_tensor(test.file("do"))),
                     stored_prefix(test));
}

}  // namespace vidattn
