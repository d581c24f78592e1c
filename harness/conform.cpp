#include "harness/conform.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <functional>
#include <numeric>
#include <optional>

#include "attention/device.h"
#include "attention/error.h"
#include "attention/reference.h"
#include "harness/npy.h"
#include "harness/test_case.h"
#include "metrics/fidelity.h"
#include "metrics/plan_stats.h"

namespace vidattn {
namespace {

// Largest relative L2 error of an output: float32 arithmetic, and rounding to 8 or 11 bits.
double relative_l2_limit(DType dtype) {
  return dtype == DType::f32 ? 2e-5 : dtype == DType::bf16 ? 1e-2 : 2e-3;
}

/// One case while it is checked.
struct Check {
  const TestCase& test;
  const ConformOptions& options;
  const Device& device;
  Inputs in;  ///< operands in the type that is attended
  Plan plan;
  Output out;
  std::map<std::string, Array> computed;  ///< by the name of the file it is compared with
  std::vector<std::string> failures;
  double output_error = 0;  ///< relative L2 of o

  void fail(const std::string& what) { failures.push_back(what); }
};

Array to_array(const Tensor& tensor) {
  std::vector<float> values(tensor.size());
  for (int64_t i = 0; i < tensor.length(); ++i)
    for (int64_t h = 0; h < tensor.heads(); ++h)
      tensor.read_row(i, h, &values[tensor.offset(i, h)]);
  return {{tensor.length(), tensor.heads(), tensor.dim()}, std::move(values)};
}

std::optional<size_t> branch_index(const Plan& plan, const std::string& name) {
  for (size_t b = 0; b < plan.branches.size(); ++b)
    if (plan.branches[b].name == name) return b;
  return std::nullopt;
}

/// Output of one branch alone, with its gates but without the weight of the mean.
Array branch_output(const Check& check, size_t index) {
  Plan alone;
  alone.branches.push_back(check.plan.branches[index]);
  alone.branches[0].weight = 1;
  Output out;
  check.device.run(alone, check.in, out);
  return to_array(out.o);
}

Array mask_rows(const Check& check, const Array& index) {
  const int64_t length = check.in.length(), heads = check.in.heads();
  const auto& rows = index.as<int32_t>("mask_rows_index");
  std::vector<uint8_t> mask(heads * rows.size() * length);
  for (int64_t h = 0; h < heads; ++h)
    for (size_t r = 0; r < rows.size(); ++r)
      for (const Branch& branch : check.plan.branches)
        for (int64_t key : visible_keys(branch, check.in, rows[r], h))
          mask[(h * rows.size() + r) * length + key] = 1;
  return {{heads, static_cast<int64_t>(rows.size()), length}, std::move(mask)};
}

/// What the run gives for the file `name`: an array that the method explains, the output, an LSE,
/// the mask, or a branch's part of them (o_stga, lse_stga).
std::optional<Array> result_for(const Check& check, const std::string& name) {
  if (const auto found = check.plan.explained.find(name); found != check.plan.explained.end())
    return found->second;
  const std::vector<int64_t> row_shape{check.in.length(), check.in.heads()};
  if (name == "o") return to_array(check.out.o);
  if (name == "lse") return Array{row_shape, check.out.lse[0]};
  if (name == "mask") return plan_mask(check.plan, check.in);
  if (name == "mask_rows")
    return mask_rows(check, read_npy(check.test.file("mask_rows_index").string()));
  if (name.rfind("o_", 0) == 0)
    if (const auto b = branch_index(check.plan, name.substr(2))) return branch_output(check, *b);
  if (name.rfind("lse_", 0) == 0)
    if (const auto b = branch_index(check.plan, name.substr(4)))
      return Array{row_shape, check.out.lse[*b]};
  return std::nullopt;
}

bool is_output(const std::string& name) { return name == "o" || name.rfind("o_", 0) == 0; }

/// Largest absolute error allowed in a float array of that name.
double absolute_limit(const Check& check, const std::string& name) {
  const TestCase& test = check.test;
  const double output = test.tolerance("o_max_abs", 2e-5);
  double limit = test.tolerance(name + "_max_abs", output);
  if (is_output(name)) limit = output;
  if (name == "centroids" || name.find("centroids") != std::string::npos)
    limit = test.tolerance("centroid_max_abs", 2e-5);
  if (name.rfind("lse", 0) == 0) limit = test.tolerance("lse_max_abs", 5e-5);
  // The cases' bounds are for float32; half types round the output and the scores.
  return check.options.dtype == DType::f32 ? limit : INFINITY;
}

double relative_l2(const std::vector<float>& got, const std::vector<float>& expected) {
  double error = 0, norm = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    error += std::pow(double{got[i]} - expected[i], 2);
    norm += std::pow(double{expected[i]}, 2);
  }
  return norm > 0 ? std::sqrt(error / norm) : std::sqrt(error);
}

std::string position(const std::vector<int64_t>& shape, size_t flat) {
  std::string text = "]";
  for (size_t d = shape.size(); d-- > 0; flat /= shape[d])
    text = (d > 0 ? "," : "[") + std::to_string(flat % shape[d]) + text;
  return text;
}

template <class T>
void compare_exact(Check& check, const std::string& name, const Array& got, const Array& expected) {
  const auto &a = got.as<T>(name.c_str()), &b = expected.as<T>(name.c_str());
  for (size_t i = 0; i < a.size(); ++i)
    if (a[i] != b[i])
      return check.fail(
          fmt::format("{}{} is {}, expected {}", name, position(got.shape, i), a[i], b[i]));
}

void compare_floats(Check& check, const std::string& name, const Array& got,
                    const Array& expected) {
  const auto &a = got.as<float>(name.c_str()), &b = expected.as<float>(name.c_str());
  const double relative = check.test.tolerance(name + "_rel", 0);
  const double limit = absolute_limit(check, name);
  for (size_t i = 0; i < a.size(); ++i) {
    const double allowed = relative > 0 ? relative * std::abs(b[i]) : limit;
    if (a[i] == b[i] || std::abs(double{a[i]} - b[i]) <= allowed) continue;  // equal infinities too
    return check.fail(fmt::format("{}{} is {}, expected {} (allowed error {:.1e})", name,
                                  position(got.shape, i), a[i], b[i], allowed));
  }
  if (!is_output(name)) return;
  const double error = relative_l2(a, b);
  if (name == "o") check.output_error = error;
  if (!(error <= relative_l2_limit(check.options.dtype)))
    check.fail(fmt::format("{}: relative L2 error {:.2e} exceeds {:.0e}", name, error,
                           relative_l2_limit(check.options.dtype)));
}

/// |error| relative to the largest |value| of its head and channel.
void compare_over_vmax(Check& check, const Array& got, const Array& expected) {
  const double limit = check.test.tolerance("attn_err_over_vmax", INFINITY);
  if (check.options.dtype != DType::f32 || std::isinf(limit)) return;
  const Tensor& v = *check.in.v;
  std::vector<double> largest(v.heads() * v.dim());
  for (int64_t j = 0; j < v.length(); ++j)
    for (int64_t h = 0; h < v.heads(); ++h)
      for (int64_t c = 0; c < v.dim(); ++c)
        largest[h * v.dim() + c] =
            std::max(largest[h * v.dim() + c], std::abs(double{v.at(j, h, c)}));
  const auto &a = got.as<float>("o"), &b = expected.as<float>("o");
  const int64_t heads = check.in.heads(), dim = v.dim();
  for (size_t i = 0; i < a.size(); ++i) {
    const int64_t head = static_cast<int64_t>(i) / dim % heads;
    const double scale = largest[check.in.kv_head(head) * dim + static_cast<int64_t>(i) % dim];
    if (std::abs(double{a[i]} - b[i]) > limit * scale)
      return check.fail(fmt::format("o{}: error {:.2e} of the largest value exceeds {:.0e}",
                                    position(got.shape, i), std::abs(double{a[i]} - b[i]) / scale,
                                    limit));
  }
}

void compare_file(Check& check, const std::string& name) {
  auto got = result_for(check, name);
  if (!got) return check.fail("nothing computed to compare with " + name + ".npy");
  const Array expected = read_npy(check.test.file(name).string());
  if (got->shape != expected.shape)
    return check.fail(fmt::format("{} has shape [{}], expected [{}]", name,
                                  fmt::join(got->shape, ","), fmt::join(expected.shape, ",")));
  if (std::holds_alternative<std::vector<float>>(expected.values)) {
    compare_floats(check, name, *got, expected);
    if (name == (check.test.has("o_fine") ? "o_fine" : "o"))
      compare_over_vmax(check, *got, expected);
  } else if (std::holds_alternative<std::vector<int32_t>>(expected.values)) {
    compare_exact<int32_t>(check, name, *got, expected);
  } else {
    compare_exact<uint8_t>(check, name, *got, expected);
  }
  check.computed[name] = std::move(*got);
}

void compare_number(Check& check, const std::string& name, double got, double expected,
                    double relative) {
  if (!(std::abs(got - expected) <= relative * std::max(std::abs(expected), 1e-12)))
    check.fail(fmt::format("{} is {:.9g}, expected {:.9g}", name, got, expected));
}

/// A number is the density of all branches on the call's own keys; an object names branches,
/// per_head, or total.
void compare_density(Check& check, const PlanStats& stats) {
  constexpr double kRelative = 1e-9;
  const auto found = check.test.json.find("density");
  if (found == check.test.json.end() || found->is_null()) return;
  double own = 0;
  for (size_t b = 0; b < stats.branches.size(); ++b)
    if (!check.plan.branches[b].prepared.k) own += stats.branches[b].density;
  if (found->is_number())
    return compare_number(check, "density", own, found->get<double>(), kRelative);
  for (const auto& [name, value] : found->items()) {
    if (name == "per_head") {
      for (size_t h = 0; h < value.size(); ++h)
        compare_number(check, fmt::format("density of head {}", h), stats.density_per_head.at(h),
                       value[h].get<double>(), kRelative);
    } else if (name == "total") {
      compare_number(check, "total density", own, value.get<double>(), kRelative);
    } else if (const auto b = branch_index(check.plan, name)) {
      compare_number(check, "density." + name, stats.branches[*b].density, value.get<double>(),
                     kRelative);
    } else {
      check.fail("no branch '" + name + "' to compare the density with");
    }
  }
}

/// Further fields of case.json (group_sizes, balance …): figures and arrays by their names.
void compare_extra(Check& check, const std::string& name, const nlohmann::json& value) {
  if (value.is_object()) {
    for (const auto& [key, member] : value.items()) compare_extra(check, key, member);
    return;
  }
  const double relative = check.test.tolerance("loss_rel", 1e-5);
  if (value.is_number()) {
    const auto found = check.plan.figures.find(name);
    if (found == check.plan.figures.end())
      return check.fail("no figure '" + name + "' was computed");
    return compare_number(check, name, found->second, value.get<double>(), relative);
  }
  const auto found = check.plan.explained.find(name);
  if (found == check.plan.explained.end())
    return check.fail("no array '" + name + "' was computed");
  const auto expected = value.get<std::vector<double>>();
  if (found->second.size() != static_cast<int64_t>(expected.size()))
    return check.fail(name + " has another length");
  for (size_t i = 0; i < expected.size(); ++i)
    std::visit(
        [&](const auto& values) {
          compare_number(check, fmt::format("{}[{}]", name, i), static_cast<double>(values[i]),
                         expected[i], relative);
        },
        found->second.values);
}

bool is_known_field(const std::string& name) {
  static const std::vector<std::string> known{
      "method",     "case",  "params",  "grid",      "shapes", "dtype",      "seed",
      "provenance", "notes", "density", "tolerance", "margin", "crosscheck", "files"};
  return std::find(known.begin(), known.end(), name) != known.end();
}

bool is_input(const TestCase& test, const BackendSpec& spec, const std::string& name) {
  if (name == "q" || name == "k" || name == "v" || name == "mask_rows_index") return true;
  for (const InputSpec& input : spec.backend->info().inputs)
    if (input.name == name) return test.has(name);
  return false;
}

void write_results(const Check& check) {
  if (check.options.write.empty()) return;
  const std::filesystem::path folder = std::filesystem::path(check.options.write) / check.test.name;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw InputError("cannot create '" + folder.string() + "': " + error.message());
  for (const auto& [name, array] : check.computed)
    write_npy((folder / (name + ".npy")).string(), array);
}

std::shared_ptr<const Tensor> in_dtype(const std::shared_ptr<const Tensor>& tensor, DType dtype) {
  if (tensor->dtype() == dtype) return tensor;
  return std::make_shared<const Tensor>(tensor->to(dtype));
}

/// Plans in float32, so that selections do not depend on the type, and attends in options.dtype.
void run_case(Check& check, const BackendSpec& spec) {
  check.in = case_inputs(check.test, spec);
  check.in.device = &check.device;
  check.in.explain = true;
  spec.backend->prepare(check.in, spec.params);
  check.plan = spec.backend->plan(check.in, spec.params);
  check.plan.validate(check.in);
  for (auto* tensor : {&check.in.q, &check.in.k, &check.in.v})
    *tensor = in_dtype(*tensor, check.options.dtype);
  check.device.run(check.plan, check.in, check.out);
  for (const std::string& name : check.test.files)
    if (!is_input(check.test, spec, name)) compare_file(check, name);
  compare_density(check, plan_stats(check.plan, check.in));
  for (const auto& [name, value] : check.test.json.items())
    if (!is_known_field(name)) compare_extra(check, name, value);
  write_results(check);
}

enum class Verdict { pass, fail, unsupported };

Verdict check_case(const std::filesystem::path& folder, const ConformOptions& options) {
  std::string name = (folder.parent_path().filename() / folder.filename()).string();
  try {
    const TestCase test = load_case(folder);
    std::optional<BackendSpec> spec;
    try {
      spec = case_backend(test);
    } catch (const InputError& error) {
      fmt::print("unsupported  {}: {}\n", name, error.what());
      return Verdict::unsupported;
    }
    Check check{test, options, find_device(options.device), {}, {}, {}, {}, {}, 0};
    run_case(check, *spec);
    if (!check.failures.empty()) {
      fmt::print("fail         {}: {}{}\n", name, check.failures.front(),
                 check.failures.size() > 1
                     ? fmt::format(" (and {} more)", check.failures.size() - 1)
                     : "");
      return Verdict::fail;
    }
    fmt::print("pass         {}: {} arrays, o within {:.1e} relative L2\n", name,
               check.computed.size(), check.output_error);
    return Verdict::pass;
  } catch (const std::exception& error) {
    fmt::print("fail         {}: {}\n", name, error.what());
    return Verdict::fail;
  }
}

}  // namespace

int conform(const ConformOptions& options) {
  find_device(options.device);  // an unknown device is a usage error, not a failing case
  std::map<Verdict, int> count;
  for (const auto& folder : find_cases(options.folder)) {
    if (!options.only.empty() && folder.parent_path().filename() != options.only) continue;
    ++count[check_case(folder, options)];
  }
  if (count.empty())
    throw InputError("no cases of method '" + options.only + "' below '" + options.folder + "'");
  fmt::print("{} passed, {} failed, {} unsupported ({}, {})\n", count[Verdict::pass],
             count[Verdict::fail], count[Verdict::unsupported], options.device,
             to_string(options.dtype));
  return count[Verdict::fail] > 0 ? 1 : 0;
}

}  // namespace vidattn
