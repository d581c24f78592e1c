#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "attention/inputs.h"
#include "harness/measure/backend_spec.h"

namespace vidattn {

/// One test vector: METHOD/CASE/case.json and the .npy files beside it, in the format that
/// tests/vectors/README.md describes.
struct TestCase {
  std::filesystem::path folder;
  std::string name;  ///< METHOD/CASE
  std::string method;
  nlohmann::json json;             ///< the whole case.json
  std::vector<std::string> files;  ///< stems of the arrays that case.json lists, and gradients
  /// Stems that case.json lists but a folder of gradients made from another case does not have.
  std::vector<std::string> left_out = {};

  /// Whether gradients of sum(do * o) are among the files: dq, dk, dv, and d and an input's name.
  bool has_gradients() const { return has("do"); }
  bool has(const std::string& stem) const;
  std::filesystem::path file(const std::string& stem) const { return folder / (stem + ".npy"); }
  /// tolerance[key], or `otherwise`.
  double tolerance(const std::string& key, double otherwise) const;
};

/// All cases below `root`, sorted by name. Throws InputError when there are none.
std::vector<std::filesystem::path> find_cases(const std::filesystem::path& root);

/// Reads and checks case.json. Throws InputError naming the file for anything malformed.
TestCase load_case(const std::filesystem::path& folder);

/// Throws InputError naming the first file that the case must have and has not: all that are
/// listed; in a folder of gradients made from another case q, k, v, those of the method's `inputs`
/// that are listed, do, dq, dk and dv.
void require_files(const TestCase& test, const std::vector<InputSpec>& inputs);

/// Sets the values of a JSON object; null keeps the default. Throws InputError for unknown names.
void set_params(const nlohmann::json& values, Params& params);

/// The case's method with the parameters of the case. Throws InputError for unknown ones.
BackendSpec case_backend(const TestCase& test);

/// Those of the case's files that are declared as inputs.
std::map<std::string, std::shared_ptr<const Array>> case_extras(
    const TestCase& test, const std::vector<InputSpec>& declared);

/// q, k, v, grid, and those of the case's files that the backend declares as inputs: one call, or
/// one for each denoising step where q, k and v have a leading axis of steps.
std::vector<Inputs> case_calls(const TestCase& test, const BackendSpec& spec);

/// The upstream gradient `do`, in the order of case_calls(). Throws InputError for several steps.
std::shared_ptr<const Tensor> case_output_gradient(const TestCase& test);

}  // namespace vidattn
