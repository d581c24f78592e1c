#include "harness/conform/conform.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <optional>

#include "attention/cancel.h"
#include "attention/device.h"
#include "attention/error.h"
#include "attention/nearest.h"
#include "baselines/procedure.h"
#include "harness/conform/deviation.h"
#include "harness/conform/execution.h"
#include "harness/conform/test_vector.h"
#include "harness/host/output/thrown.h"
#include "harness/io/json_file.h"
#include "harness/io/npy.h"
#include "harness/io/places/place.h"
#include "harness/io/text/console.h"
#include "metrics/plan/stats.h"

namespace vidattn {
namespace {

// Densities are ratios of counts, so that they must agree to the last printed digit.
constexpr double kExact = 1e-9;

/// Of all branches on the call's own keys, and what they are joined to.
double own_density(const Execution& run, const PlanStats& stats) {
  double own = 0;
  for (size_t b = 0; b < stats.branches.size(); ++b)
    if (!run.plan.branches[b].prepared.k || run.plan.branches[b].joined)
      own += stats.branches[b].density;
  return own;
}

/// Of the steps of a case that has several.
void compare_step_densities(const std::vector<Execution>& runs, const nlohmann::json& expected,
                            Comparison& comparison) {
  double sum = 0;
  const nlohmann::json listed = expected.value("per_step", nlohmann::json::array());
  for (size_t s = 0; s < runs.size(); ++s) {
    const double density = own_density(runs[s], plan_stats(runs[s].plan, runs[s].in));
    sum += density;
    if (s < listed.size())
      comparison.number(fmt::format("density of step {}", s), density, listed[s].get<double>(),
                        kExact);
  }
  if (expected.contains("mean"))
    comparison.number("mean density", sum / static_cast<double>(runs.size()),
                      expected["mean"].get<double>(), kExact);
}

/// A number is own_density(); an object names branches, per_head, total, or one of the two
/// products, qk_density and pv_density.
void compare_density(const Execution& run, const nlohmann::json& expected, Comparison& comparison) {
  const PlanStats stats = plan_stats(run.plan, run.in);
  const double own = own_density(run, stats);
  const auto share = [&](int64_t pairs) {
    return static_cast<double>(pairs) / static_cast<double>(stats.dense_pairs);
  };
  if (expected.is_number())
    return comparison.number("density", own, expected.get<double>(), kExact);
  for (const auto& [name, value] : expected.items()) {
    if (name == "per_head") {
      for (size_t h = 0; h < value.size(); ++h)
        comparison.number(fmt::format("density of head {}", h), stats.density_per_head.at(h),
                          value[h].get<double>(), kExact);
    } else if (name == "total") {
      comparison.number("total density", own, value.get<double>(), kExact);
    } else if (name == "qk_density" || name == "pv_density") {
      comparison.number(name, share(name[0] == 'q' ? stats.scored_pairs : stats.pairs),
                        value.get<double>(), kExact);
    } else if (const auto b = branch_index(run.plan, name)) {
      comparison.number("density." + name, stats.branches[*b].density, value.get<double>(), kExact);
    } else {
      comparison.fail("no branch '" + name + "' to compare the density with");
    }
  }
}

bool is_described_field(const std::string& name) {
  static const std::vector<std::string> known{
      "method",     "case",  "params",  "grid",      "shapes", "dtype",      "seed",
      "provenance", "notes", "density", "tolerance", "margin", "crosscheck", "files"};
  return std::find(known.begin(), known.end(), name) != known.end();
}

bool declared(const std::vector<InputSpec>& inputs, const std::string& name) {
  return std::any_of(inputs.begin(), inputs.end(),
                     [&](const InputSpec& input) { return input.name == name; });
}

/// The stored outputs are those of float operands; of low bits the reference device's stand for
/// them. Selections are the stored ones all the same.
void expect_rounded(const TestCase& test, const BackendSpec& spec, DType dtype,
                    Comparison& comparison) {
  const std::vector<Execution> rounded = execute_calls(test, spec, "reference", dtype);
  for (const std::string& name : test.files)
    if (name == "o" || name == "lse" || name.starts_with("o_") || name.starts_with("lse_"))
      if (auto expected = result_of(rounded, test, name))
        comparison.expect(name, std::move(*expected));
}

Comparison check_attention(const TestCase& test, const BackendSpec& spec,
                           const ConformOptions& options) {
  const std::vector<Execution> runs = execute_calls(test, spec, options.device, options.dtype);
  const Execution& run = runs.back();
  const std::shared_ptr<const Tensor> values = run.in.v;
  Comparison comparison(test, options.dtype, values.get());
  if (is_low_bit(options.dtype)) expect_rounded(test, spec, options.dtype, comparison);
  for (const std::string& name : test.files) {
    const bool operand =
        name == "q" || name == "k" || name == "v" || name == "do" || name == "mask_rows_index";
    if (operand || run.in.find(name)) continue;
    if (comparison.is_gradient(name) && (!run.device.has_backward() || run.in.low_bits)) {
      comparison.leave_gradients();
      continue;
    }
    const auto unused = run.plan.explained.find(name + ".unused");
    if (auto got = result_of(runs, test, name))
      comparison.array(name, std::move(*got),
                       unused == run.plan.explained.end() ? nullptr : &unused->second);
    else
      comparison.fail("nothing computed to compare with " + name + ".npy");
  }
  for (const auto& [name, gradient] : run.gradients)
    if (!test.has("d" + name))
      comparison.fail(
          fmt::format("d{}.npy is missing, which belongs to the gradients beside it", name));
  if (const auto density = test.json.find("density");
      density != test.json.end() && !density->is_null()) {
    if (runs.size() > 1)
      compare_step_densities(runs, *density, comparison);
    else
      compare_density(run, *density, comparison);
  }
  for (const auto& [name, value] : test.json.items())
    if (!is_described_field(name))
      comparison.field(name, value, run.plan.figures, run.plan.explained);
  return comparison;
}

Comparison check_procedure(const TestCase& test, const Procedure& procedure, const Params& params) {
  Inputs in;
  in.extra = case_extras(test, procedure.inputs());
  Procedure::Result result = procedure.run(in, params);
  Comparison comparison(test, DType::f32);
  for (const std::string& name : test.files) {
    if (declared(procedure.inputs(), name)) continue;
    if (const auto found = result.arrays.find(name); found != result.arrays.end())
      comparison.array(name, found->second);
    else
      comparison.fail("nothing computed to compare with " + name + ".npy");
  }
  for (const auto& [name, value] : test.json.items())
    if (!is_described_field(name)) comparison.field(name, value, result.figures, result.arrays);
  return comparison;
}

void compare_derived(const std::string& name, const ParamValue& got, const nlohmann::json& expected,
                     double relative, Comparison& comparison) {
  if (expected.is_string()) {
    if (to_text(got) != expected.get<std::string>())
      comparison.fail(name + " is " + to_text(got) + ", expected " + expected.get<std::string>());
    return;
  }
  const double value = std::holds_alternative<int64_t>(got)
                           ? static_cast<double>(std::get<int64_t>(got))
                           : std::get<double>(got);
  comparison.number(name, value, expected.get<double>(), relative);
}

/// One row of a table case: parameters, and values that follow from them (Backend::derived), either
/// once or for each of the listed layers.
void compare_table_row(const Backend& backend, const nlohmann::json& row, double relative,
                       Comparison& comparison) {
  Params params = backend.defaults();
  nlohmann::json given, expected;
  const auto known = backend.derived(params, {.layer = 0});
  for (const auto& [name, value] : row.items())
    (known.count(name) ? expected : given)[name] = value;
  const bool by_layer = row.contains("layers");
  given.erase("layers");
  set_params(given, params);
  const size_t calls = by_layer ? row["layers"].size() : 1;
  for (size_t i = 0; i < calls; ++i) {
    const int64_t layer = by_layer ? row["layers"][i].get<int64_t>() : 0;
    const auto got = backend.derived(params, {.layer = layer});
    for (const auto& [name, value] : expected.items())
      compare_derived(name, got.at(name), by_layer ? value.at(i) : value, relative, comparison);
  }
}

Comparison check_table(const TestCase& test, const Backend& backend) {
  Comparison comparison(test, DType::f32);
  for (const auto& row : test.json["params"]["table"])
    compare_table_row(backend, row, test.tolerance("width_rel", 0), comparison);
  return comparison;
}

void write_results(const TestCase& test, const Comparison& comparison, const std::string& root) {
  const std::filesystem::path folder = std::filesystem::path(root) / test.name;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw InputError("cannot create '" + folder.string() + "': " + error.message());
  for (const auto& [name, array] : comparison.compared())
    write_npy(folder / (name + ".npy"), array);
}

/// The results of a case have the names of its vectors, and of any other's.
void require_other_folders(const std::vector<std::filesystem::path>& cases,
                           const std::string& root) {
  for (const std::filesystem::path& folder : cases) {
    const auto place = root / folder.parent_path().filename() / folder.filename();
    if (std::filesystem::exists(place / "case.json"))
      throw InputError("--write " + in_quotes(root) + ": the computed arrays would overwrite the " +
                       "test vectors of " + in_quotes(place.native()));
  }
}

enum class Verdict { pass, fail, unsupported };

std::string gradients_text(const Comparison& comparison) {
  if (comparison.left_gradients()) return "; gradients left out: no backward pass here";
  return comparison.has_gradients()
             ? fmt::format(", gradients within {:.1e}", comparison.gradient_error())
             : "";
}

Verdict report(const TestCase& test, const Comparison& comparison) {
  const auto& failures = comparison.failures();
  if (failures.empty()) {
    print_out("pass         {}: {} arrays, o within {:.1e} relative L2{}\n", test.name,
              comparison.compared().size(), comparison.output_error(), gradients_text(comparison));
    return Verdict::pass;
  }
  print_out("fail         {}: {}{}\n", test.name, failures.front(),
            failures.size() > 1 ? fmt::format(" (and {} more)", failures.size() - 1) : "");
  return Verdict::fail;
}

/// Sets up the case's check, and what the method takes beside q, k and v; throws InputError when
/// the method or a parameter is unknown.
std::function<Comparison()> find_check(const TestCase& test, const ConformOptions& options,
                                       std::vector<InputSpec>& inputs) {
  if (const Procedure* procedure = find_procedure(test.method)) {
    Params params(procedure->params());
    set_params(test.json["params"], params);
    inputs = procedure->inputs();
    return [&test, procedure, params] { return check_procedure(test, *procedure, params); };
  }
  if (test.json["params"].contains("table")) {
    const Backend& backend = find_backend(test.method);
    return [&test, &backend] { return check_table(test, backend); };
  }
  const BackendSpec spec = case_backend(test);
  inputs = spec.backend->info().inputs;
  return [&test, &options, spec] { return check_attention(test, spec, options); };
}

/// `unsupported` gets the first reason why a case cannot be checked.
Verdict check_case(const std::filesystem::path& folder, const ConformOptions& options,
                   std::string& unsupported) {
  const std::string name = (folder.parent_path().filename() / folder.filename()).string();
  try {
    const TestCase test = load_case(folder);
    std::function<Comparison()> check;
    std::vector<InputSpec> inputs;
    try {
      check = find_check(test, options, inputs);
    } catch (const InputError& error) {
      print_out("unsupported  {}: {}\n", name, error.what());
      if (unsupported.empty()) unsupported = error.what();
      return Verdict::unsupported;
    }
    require_files(test, inputs);
    const Comparison comparison = check();
    if (!options.write.empty()) write_results(test, comparison, options.write);
    return report(test, comparison);
  } catch (const Cancelled&) {
    throw;
  } catch (const std::exception&) {
    print_out("fail         {}: {}\n", name, failure_text(std::current_exception()));
    return Verdict::fail;
  }
}

/// Those of --only, or all.
std::vector<std::filesystem::path> wanted_cases(const ConformOptions& options) {
  std::vector<std::filesystem::path> wanted;
  std::vector<std::string> methods;
  for (const auto& folder : find_cases(options.folder)) {
    methods.push_back(folder.parent_path().filename());
    if (options.only.empty() || methods.back() == options.only) wanted.push_back(folder);
  }
  methods.erase(std::unique(methods.begin(), methods.end()), methods.end());
  if (wanted.empty())
    throw InputError("no cases of method '" + options.only + "' below '" + options.folder +
                     "': " + known_are(options.only, methods));
  return wanted;
}

}  // namespace

ExitCode conform(const ConformOptions& options) {
  find_device(options.device);  // an unknown device is a usage error, not a failing case
  std::map<Verdict, int> count;
  std::string unsupported;
  const std::vector<std::filesystem::path> cases = wanted_cases(options);
  if (!options.write.empty()) require_other_folders(cases, options.write);
  for (const auto& folder : cases) ++count[check_case(folder, options, unsupported)];
  print_out("{} passed, {} failed, {} unsupported ({}, {})\n", count[Verdict::pass],
            count[Verdict::fail], count[Verdict::unsupported], options.device,
            to_string(options.dtype));
  if (count[Verdict::fail] > 0) return ExitCode::regression;
  if (count[Verdict::pass] == 0) throw InputError("no case could be checked: " + unsupported);
  return ExitCode::fine;
}

}  // namespace vidattn
